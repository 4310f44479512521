"""Generated files, shown or written: a diff first, and nothing overwritten without being told."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ...errors import MilvusSecureError

_PRIVATE = (".key", "secret.yaml")


def as_text(files: Mapping[str, bytes]) -> str:
    """All files one after the other, each behind a comment with its name.

    What holds a private key is named only: it has no place on a screen or in a pipe's log.
    """
    parts = []
    for name, data in files.items():
        if name.startswith("tls/"):
            parts.append(f"# {name}: a copy from the certificate set\n")
        elif name.endswith(_PRIVATE):
            parts.append(f"# {name}: holds the server's private key; --out DIR writes it\n")
        else:
            parts.append(f"# {name}\n{data.decode()}")
    return "\n".join(parts)


def changes(files: Mapping[str, bytes], folder: Path) -> str:
    """What writing the files would change, as a unified diff; empty if nothing would.

    New files are no change to anything and are left out; private ones are named only.

    Raises:
        MilvusSecureError: If an existing file cannot be read.
    """
    shown = []
    for name, data in files.items():
        path = folder / name
        before = _existing(path)
        if before is None or before == data:
            continue
        if name.endswith(_PRIVATE):
            shown.append(f"{path}: differs\n")
            continue
        shown += difflib.unified_diff(
            before.decode("utf-8", "replace").splitlines(keepends=True),
            data.decode("utf-8", "replace").splitlines(keepends=True),
            f"{path}",
            f"{path} (new)",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in shown)


def write(files: Mapping[str, bytes], folder: Path, *, force: bool = False) -> tuple[str, ...]:
    """Write the files, private ones with mode 0600.

    Args:
        files: Contents by path relative to ``folder``.
        folder: Made if it is missing.
        force: Whether files that differ may be overwritten.

    Returns:
        The names that were written; files that were as they should be are left alone.

    Raises:
        MilvusSecureError: If a file differs and ``force`` is not given, or cannot be written.
            Nothing is written then.
    """
    differing = [
        name for name, data in files.items() if _existing(folder / name) not in {None, data}
    ]
    if differing and not force:
        raise MilvusSecureError(
            f"{', '.join(differing)} in {folder} would change. "
            "Fix: look at the difference above, then add --force, or choose another --out."
        )
    due = [name for name, data in files.items() if _existing(folder / name) != data]
    staged: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for name in due:  # one by one, so that an error leaves what is staged to be removed
            private = name.endswith(_PRIVATE)
            _make_folder((folder / name).parent, made)
            staged += [(_stage(folder / name, files[name], private=private), folder / name)]
        for temporary, path in staged:
            temporary.replace(path)
    except OSError as error:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
        for empty in reversed(made):
            with suppress(OSError):  # what was moved before the error stays
                empty.rmdir()
        why = (error.strerror or type(error).__name__).lower()
        raise MilvusSecureError(
            f"{folder} cannot be written: {why}. Fix: choose another --out, or make room there."
        ) from None
    return tuple(due)


def _make_folder(path: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and note each that was not there."""
    for one in reversed((path, *path.parents)):
        if not one.exists():
            one.mkdir()
            made.append(one)


def _stage(path: Path, data: bytes, *, private: bool) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _existing(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise MilvusSecureError(
            f"{path} cannot be read: {why}. Fix: choose another --out."
        ) from None
