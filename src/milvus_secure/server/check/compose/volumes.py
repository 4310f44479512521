"""Volumes and paths of a Compose file; paths are made absolute, as each file has its own directory.

compose-go ``paths/resolve.go`` and ``format/volume.go``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..yaml.yaml_tree import Block, Items, Scalar, Tree, place_of
from .refusal import ComposeRefusedError


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a service.

    Attributes:
        target: Path in the container.
        source: A path or a volume's name; empty for an anonymous volume.
        is_bind: True if the source is a path.
    """

    target: str
    source: str = ""
    is_bind: bool = False


def parse_volume(text: str) -> Volume:
    """Read ``[SOURCE:]TARGET[:OPTIONS]``; a Windows drive's colon separates nothing.

    Raises:
        ValueError: If a part is empty, or there are too many.
    """
    parts = re.findall(r"(?:\A|(?<=:))([A-Za-z]:(?=[\\/])[^:]*|[^:]*)(?::|\Z)", text)
    parts = parts if text else []
    if not parts or not all(parts):
        raise ValueError("a volume has an empty part")
    if len(parts) > 3:
        raise ValueError("a volume has too many colons")
    if len(parts) == 1:
        return Volume(parts[0])
    return Volume(parts[1], parts[0], is_path(parts[0]))


def is_path(source: str) -> bool:
    """True for what Compose takes as a path, not as the name of a volume."""
    return source.startswith((".", "/", "~", "\\\\")) or is_windows_path(source)


def is_windows_path(source: str) -> bool:
    """True for a path with a drive letter, or a UNC path."""
    return bool(re.match(r"[A-Za-z]:|\\\\", source))


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
