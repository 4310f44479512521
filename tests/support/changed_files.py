"""A directory of files, and a change of several of them at once."""

from __future__ import annotations

from pathlib import Path

from milvus_secure._common.atomic_files import NewFile, replace_files

OLD = {"a.key": b"old key", "a.pem": b"old certificate", "gone.txt": b"obsolete", "mine": b"mine"}
NEW = {"a.key": b"new key", "a.pem": b"new certificate", "b.pem": b"b", "tls/c.pem": b"c"}
AFTER = {**NEW, "mine": b"mine"}


def write_old(folder: Path) -> None:
    """Make the directory as it is before the change."""
    folder.mkdir()
    for name, data in OLD.items():
        (folder / name).write_bytes(data)


def change(folder: Path, **options: object) -> None:
    """Replace, make and remove files."""
    files = {name: NewFile(data) for name, data in NEW.items()}
    replace_files(folder, files, ["gone.txt"], **options)


def tree_contents(folder: Path) -> dict[str, bytes]:
    """What is in all files, by their relative names."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
