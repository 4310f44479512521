"""Generated files, shown or written: a diff first, and nothing is overwritten without --force."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from ..._common import atomic_files, directory_lock
from ..._common.atomic_files import NewFile
from ..._common.file_checks import FileChangeError, not_written
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
            parts.append(f"# {name}: contains the server's private key; --out DIR writes it\n")
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
        The names that were written; files that have these contents already are not written.

    Raises:
        MilvusSecureError: If a file differs and ``force`` is not given, or cannot be written.
            Nothing is written then.
    """
    differing = [
        name for name, data in files.items() if _existing(folder / name) not in {None, data}
    ]
    if differing and not force:
        raise MilvusSecureError(
            f"{', '.join(differing)} in {folder} would change.",
            "Look at the difference above, then add --force, or choose another --out.",
        )
    due = [name for name in files if _existing(folder / name) != files[name]]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with directory_lock.exclusive(folder, create=True):
            new = {name: NewFile(files[name], name.endswith(_PRIVATE)) for name in due}
            atomic_files.replace_files(folder, new)
    except FileChangeError as error:
        raise MilvusSecureError(error.cause, error.fix, error.command) from None
    except OSError as error:
        failed = not_written(folder, error)
        raise MilvusSecureError(failed.cause, failed.fix) from None
    return tuple(due)


def _existing(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise MilvusSecureError(f"{path} cannot be read: {why}.", "Choose another --out.") from None
