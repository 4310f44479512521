"""Paths of a Compose file, made absolute: files in other directories have their own.

compose-go ``paths/resolve.go`` and ``format/volume.go``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..yaml_tree import Block, Items, Scalar, Tree, place_of
from .refusal import ComposeRefusedError
from .volumes import is_windows_path, parse_volume


def make_paths_absolute(document: Block, directory: Path) -> None:
    """Replace the paths that a container gets to see.

    Args:
        document: A file; changed in place.
        directory: Where its relative paths start.

    Raises:
        ComposeRefusedError: If a volume is not SOURCE:TARGET.
    """
    for service in _blocks(document.get("services")):
        make_service_paths_absolute(service, directory)
    for section in ("configs", "secrets"):
        for entry in _blocks(document.get(section)):
            if "file" in entry:
                entry["file"] = _absolute(entry["file"], directory)


def make_service_paths_absolute(service: Block, directory: Path) -> None:
    """The same for one service."""
    volumes, files = service.get("volumes"), service.get("env_file")
    if isinstance(volumes, Items):
        volumes[:] = [_volume(volume, directory) for volume in volumes]
    if isinstance(files, Scalar):
        service["env_file"] = _absolute(files, directory)
    elif isinstance(files, Items):
        files[:] = [_env_file(file, directory) for file in files]


def _blocks(section: Tree | None) -> Iterator[Block]:
    for entry in section.values() if isinstance(section, Block) else ():
        if isinstance(entry, Block):
            yield entry


def _env_file(file: Tree, directory: Path) -> Tree:
    if isinstance(file, Block) and "path" in file:
        file["path"] = _absolute(file["path"], directory)
        return file
    return _absolute(file, directory)


def _volume(volume: Tree, directory: Path) -> Tree:
    """A volume in the long form, with an absolute source if it is a path."""
    if isinstance(volume, Scalar):
        volume = _long_form(volume)
    if isinstance(volume, Block) and volume.get("type") == "bind" and "source" in volume:
        volume["source"] = _absolute(volume["source"], directory)
    return volume


def _long_form(volume: Scalar) -> Block:
    try:
        parsed = parse_volume(volume)
    except ValueError as error:
        raise ComposeRefusedError(
            f"Compose refuses the volume {str(volume)!a}: {error}.",
            "Write SOURCE:TARGET.",
            place_of(volume),
        ) from None
    block = Block(volume.line, volume.file)
    kind = "bind" if parsed.is_bind else "volume"
    for key, text in (("type", kind), ("source", parsed.source), ("target", parsed.target)):
        if text:
            block.put(key, Scalar.of(text, volume.line, file=volume.file), volume.line)
    return block


def _absolute(path: Tree, directory: Path) -> Tree:
    if not isinstance(path, Scalar) or is_windows_path(path):
        return path
    expanded = os.path.expanduser(path)  # noqa: PTH111 - keeps an unknown user as text
    return Scalar.of(os.path.normpath(directory / expanded), path.line, file=path.file)
