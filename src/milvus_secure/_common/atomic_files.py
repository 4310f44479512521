"""Writes files so that all of them are replaced or none, even if the process is killed.

`replace_files` changes several files of one directory. The directory itself stays the same
directory (the same inode): containers mount it, and shells and services work inside it. Only
``rename`` is needed, no exchange of directories and no lock.

The steps:

1. Make the hidden directory `PENDING` inside the directory. Put every new file and a backup of
   every old file into it, then a journal that names them. Until the journal is there, nothing has
   changed.
2. Rename each new file to its name, in the order in which the caller lists them.
3. Remove the journal, then the rest of `PENDING`.

A failure in step 2 restores the backups. A process that is killed leaves `PENDING` behind, and
`finish_interrupted` completes step 2, or removes what step 1 left.
"""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .file_checks import (
    FileChangeError,
    explained,
    not_written,
    require_directory,
    require_replaceable,
    require_writable,
)
from .file_journal import PENDING, Journal, JournalError, sync_directory

Snapshot = tuple[object, ...]
"""The entries of a directory at one moment, to be compared; empty if it is missing."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """The contents that a file is to have.

    A file that exists already keeps its mode, group, owner and access control list.

    Attributes:
        data: The contents; never shown.
        private: Whether a file that does not exist yet gets mode 0600 instead of 0644.
        mode: Mode bits for the file even if it exists; None to keep them.
    """

    data: bytes = field(repr=False)
    private: bool = False
    mode: int | None = None


def snapshot(directory: Path) -> Snapshot:
    """The identity of a directory, and each file in it with its size and time of change."""
    try:
        status = directory.stat()
        with os.scandir(directory) as entries:
            files = sorted(
                (entry.name, entry.inode(), file.st_size, file.st_mtime_ns)
                for entry in entries
                if entry.name != PENDING
                for file in [entry.stat(follow_symlinks=False)]
            )
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, *files)


def check_replaceable(directory: Path, names: Collection[str]) -> None:
    """Check without writing anything that files can be replaced, as far as this can be known.

    Args:
        directory: Where they are; a missing one must have a parent that can be written.
        names: Relative to the directory. ``/`` separates the parts.

    Raises:
        FileChangeError: If one of them cannot be replaced.
    """
    with explained(directory):
        require_directory(directory)
        existing = directory if directory.is_dir() else directory.parent
        require_writable(existing)
        for name in names:
            require_replaceable(directory, name)


def replace_files(
    directory: Path,
    files: Mapping[str, NewFile],
    remove: Collection[str] = (),
    *,
    expected: Snapshot | None = None,
) -> None:
    """Put files into an existing directory, all of them or none.

    Args:
        directory: Keeps its identity, its mode, and every file that is not named here.
        files: New contents by name relative to the directory, in the order in which they are to
            replace the old ones. ``/`` separates the parts; missing directories are made.
        remove: Names of files to remove afterwards.
        expected: The `snapshot` on which the caller's decision rests. None for no check.

    Raises:
        FileChangeError: If that is impossible, or the directory is no longer as expected. Then
            nothing has changed.
    """
    with explained(directory):
        require_directory(directory)
        for name in (*files, *remove):
            require_replaceable(directory, name)
        journal = Journal(directory)
        try:
            journal.pending.mkdir(mode=0o700)
        except FileExistsError:
            raise FileChangeError(
                f"Another command is changing {directory} now. This command changed nothing.",
                "Wait until it has ended, then run this command again.",
            ) from None
        try:
            for name, new in files.items():
                _stage(directory / name, journal.add(name), new)
            for name in remove:
                journal.add_removal(name)
            if expected is not None and snapshot(directory) != expected:
                raise changed_meanwhile(directory)
            journal.commit()
        except BaseException:
            journal.discard()
            raise
        try:
            journal.apply()
        except BaseException:
            _undo(journal)
            raise
        journal.discard()


def _undo(journal: Journal) -> None:
    try:
        journal.undo()
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise FileChangeError(
            f"{journal.directory} was changed in part, and restoring the files failed: {why}.",
            "Repair the cause, then run this command again; it restores the files first.",
        ) from None


def has_interrupted(directory: Path) -> bool:
    """Whether a process was killed, or is still working, while it changed a directory."""
    return os.path.lexists(directory / PENDING)


def finish_interrupted(directory: Path) -> bool:
    """Complete the change of a process that was killed; only for the holder of the lock.

    Args:
        directory: Where it was killed.

    Returns:
        Whether there was anything to do.

    Raises:
        FileChangeError: If a file was changed by hand since, or another user left the change.
    """
    if not has_interrupted(directory):
        return False
    try:
        Journal(directory).recover()
    except JournalError as error:
        raise FileChangeError(
            f"An earlier command was interrupted while it changed {directory}, and this cannot be "
            f"completed: {error}.",
            "Check the files there, then remove the record of the earlier command.",
            shlex.join(["rm", "-r", str(directory / PENDING)]),
        ) from None
    except OSError as error:
        raise not_written(directory, error) from None
    return True


def write_file(path: Path, new: NewFile, *, overwrite: bool = False) -> None:
    """Write one file, whole or not at all.

    Args:
        path: Its directory must exist.
        new: Its contents.
        overwrite: Whether a file that exists may be replaced.

    Raises:
        FileExistsError: If it exists and ``overwrite`` is false.
        FileChangeError: If it cannot be written. Then nothing has changed.
    """
    with explained(path):
        staged = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
        try:
            _stage(path, staged, new)
            _place(staged, path, overwrite=overwrite)
            sync_directory(path.parent)
        finally:
            staged.unlink(missing_ok=True)


def changed_meanwhile(directory: Path) -> FileChangeError:
    """The error for a directory that is no longer as it was when the work began."""
    return FileChangeError(
        f"{directory} was changed by another program meanwhile. This command changed nothing.",
        "Look at the files there, then run this command again if it is still needed.",
    )


def _stage(target: Path, staged: Path, new: NewFile) -> None:
    """Write a new file next to the old one, with its final access rights."""
    mode = 0o600 if new.private or new.mode is not None else 0o644
    try:
        old = target.lstat()
    except FileNotFoundError:
        old = None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # Private until it has its owner: the mode of the old file may be meant for another group.
    descriptor = os.open(staged, flags, mode if old is None else 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(new.data)
        stream.flush()
        if old is not None and stat.S_ISREG(old.st_mode):
            _copy_access(target, old, staged)
        if new.mode is not None:
            staged.chmod(new.mode)
        os.fsync(descriptor)


def _copy_access(source: Path, status: os.stat_result, target: Path) -> None:
    """Give a file the owner, group, mode and access control list of another.

    Args:
        source: The other file.
        status: Of the other file.
        target: A file of this user.
    """
    if hasattr(os, "chown"):
        made = target.stat()
        if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            # What may not be kept, and who would lose access by that, was judged before.
            with suppress(PermissionError):
                os.chown(target, -1, status.st_gid)
            with suppress(PermissionError):
                os.chown(target, status.st_uid, -1)
    shutil.copystat(source, target)  # extended attributes, which hold access control lists, too
    os.utime(target)


def _place(staged: Path, path: Path, *, overwrite: bool) -> None:
    """Give a file its name. A file that has appeared meanwhile is not replaced unasked."""
    if not overwrite:
        try:
            os.link(staged, path)  # fails where a file exists, which a rename would replace
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError from None
        else:
            return
    staged.replace(path)


_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
"""What file systems without hard links answer, such as a USB stick's."""
