"""Judges whether files can be replaced before anything is written, and words refusals."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileChangeError(Exception):
    """Files cannot be changed as asked, and were not changed.

    Attributes:
        cause: What is wrong, one sentence.
        fix: The change that helps.
        command: A line for a POSIX shell that carries out the fix, or None.
    """

    def __init__(self, cause: str, fix: str, command: str | None = None) -> None:
        self.cause = cause
        self.fix = fix
        self.command = command
        super().__init__(f"{cause} Fix: {fix}{f' Run: {command}' if command else ''}")


def require_directory(directory: Path) -> None:
    try:
        mode = directory.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        raise FileChangeError(f"{directory} is not a directory.", "Name a directory.")


def require_writable(directory: Path) -> None:
    """Raise the error that writing would raise; a full disk is found only by writing."""
    directory.stat()
    effective = os.access in os.supports_effective_ids
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=effective):
        read_only = getattr(os, "ST_RDONLY", 0)
        flags = os.statvfs(directory).f_flag if read_only else 0
        number = errno.EROFS if flags & read_only else errno.EACCES
        raise OSError(number, os.strerror(number))


def require_replaceable(directory: Path, name: str) -> None:
    """Refuse names that leave the directory, and what is no regular file."""
    parts = name.split("/")
    if not all(parts) or {".", ".."}.intersection(parts):
        raise FileChangeError(f"{name!r} is not a name within {directory}.", "Choose another name.")
    for depth, _ in enumerate(parts, 1):
        path = directory.joinpath(*parts[:depth])
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        if stat.S_ISLNK(status.st_mode):
            raise FileChangeError(
                f"{path} is a symbolic link to {path.readlink()}, and would be replaced by a file.",
                "Work in the directory that the link leads to, or replace the link by a copy.",
            )
        if depth < len(parts):
            if not stat.S_ISDIR(status.st_mode):
                raise FileChangeError(f"{path} is not a directory.", "Move it to another place.")
        elif not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise FileChangeError(f"{path} is {kind}.", "Move it to another place.")
        else:
            _require_owner_kept(path, status)


def _require_owner_kept(path: Path, status: os.stat_result) -> None:
    """Refuse to lock out the user or group that reads a file which others may not read."""
    if not hasattr(os, "geteuid") or os.geteuid() == 0 or status.st_mode & stat.S_IROTH:
        return
    if status.st_uid == os.geteuid() and status.st_gid in {os.getegid(), *os.getgroups()}:
        return
    raise FileChangeError(
        f"{path} belongs to user {status.st_uid} and group {status.st_gid}. You may not make them "
        "the owner of the new file, and they could not read it.",
        "Run this command as that user, or as root.",
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise not_written(path, error) from None


def not_written(path: Path, error: OSError) -> FileChangeError:
    """What the system refused, and what helps."""
    why = (error.strerror or type(error).__name__).lower()
    fix = _FIXES.get(error.errno or 0, f"Check the permissions and the free space of {path}.")
    return FileChangeError(f"{path} cannot be written: {why}. Nothing was changed.", fix)


_FIXES = {
    errno.ENOENT: "Create the directory above it first.",
    errno.EBUSY: "A file that is mounted by itself cannot be replaced; mount its directory.",
    errno.ENOTDIR: "Name a directory.",
    errno.ENOSPC: "Free some space.",
    errno.EDQUOT: "Free some space.",
    errno.EROFS: "Name a directory that can be written.",
}
