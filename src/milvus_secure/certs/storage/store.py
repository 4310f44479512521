"""Writes a whole directory in one step: an interrupted run leaves the old set or the new one.

The new directory is made complete beside the old one and then takes its place by one system
call. What is foreign in the old one moves along untouched, as the same file.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from ...errors import CertificateError
from .lock import Seen, alone, changed, look

_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_AT_FDCWD = -100


def write_set(
    directory: Path,
    files: Mapping[str, bytes],
    drop: Collection[str] = (),
    seen: Seen | None = None,
) -> None:
    """Put files into a directory, all of them or none.

    Keys (``*.key``) get mode 0600, other files 0644, a new directory 0700. Files that are there
    already and not among those given stay as they are.

    Args:
        directory: Made if it is missing; its parent must exist.
        files: Contents by file name.
        drop: Files that go at the same time.
        seen: What stood there when it was decided what to write (`lock.look`); None for what
            stands there now.

    Raises:
        CertificateError: If it cannot be written, or is not as it was seen; then nothing has
            changed.
    """
    target = Path(os.path.realpath(directory))
    try:
        _write(target, files, drop, look(target) if seen is None else seen)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise CertificateError(
            f"{directory} cannot be written: {why}. Nothing was changed.",
            _FIXES.get(
                error.errno or 0, f"check the permissions and the space of {target.parent}."
            ),
        ) from None


def write_file(path: Path, data: bytes, *, private: bool = False, overwrite: bool = False) -> None:
    """Write one file, whole or not at all.

    Args:
        path: Where to.
        data: Its contents.
        private: Whether its mode is 0600 instead of 0644.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        CertificateError: If it is there, or cannot be written; then nothing has changed.
    """
    try:
        with alone(path.parent):
            staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            try:
                _write_file(staging / "data", data, private=private)
                _place(staging / "data", path, overwrite=overwrite)
                _sync(path.parent)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except FileExistsError:
        raise CertificateError(
            f"{path} is there already.", "name another, or say --force."
        ) from None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise CertificateError(
            f"{path} cannot be written: {why}.",
            _FIXES.get(error.errno or 0, "name another file, or mend the permissions."),
        ) from None


_FIXES = {
    2: "create the directory above it first.",
    16: "a mount point cannot be replaced in one step; name a directory below it.",
    18: "a mount point cannot be replaced in one step; name a directory below it.",
    20: "name a directory.",
    28: "free some space.",
    30: "name a place that can be written.",
}


def _place(new: Path, path: Path, *, overwrite: bool) -> None:
    """Give a file its name; one that appeared meanwhile is not replaced unasked."""
    if not overwrite:
        try:
            os.link(new, path)  # fails where something is, which a rename replaces
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            if os.path.lexists(path):
                raise FileExistsError from None
        else:
            return
    new.replace(path)


_NO_LINK = {1, 38, 45, 95}  # EPERM, ENOSYS, ENOTSUP of macOS and Linux: such as a USB stick


def _write(target: Path, files: Mapping[str, bytes], drop: Collection[str], seen: Seen) -> None:
    old = _status(target)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, data in files.items():
            _write_file(staging / name, data, private=name.endswith(".key"))
        if old is not None:
            _carry_over(target, staging, drop)
            _like(staging, old, keep_mode=any(target.iterdir()))
        _sync(staging)
        if look(target) != seen:
            raise changed(target)
        if old is None:
            _rename(staging, target)
        else:
            _exchange(staging, target)
        _sync(target.parent)
    finally:
        # The old directory, if it was exchanged; what failed half-way, if it was not.
        shutil.rmtree(staging, ignore_errors=True)


def _status(target: Path) -> os.stat_result | None:
    try:
        status = target.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        raise CertificateError(f"{target} is not a directory.", "name a directory.")
    return status


def _write_file(path: Path, data: bytes, *, private: bool) -> None:
    mode = 0o600 if private else 0o644
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)


def _carry_over(old: Path, new: Path, drop: Collection[str]) -> None:
    """Link what stays into the new directory: the same file under the same name."""
    with os.scandir(old) as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            raise CertificateError(
                f"{old} holds the directory {entry.name}, which cannot move along in one step.",
                "move it elsewhere, or use another directory for the set.",
            )
        if entry.name in drop:
            continue
        if not (new / entry.name).exists():
            os.link(entry.path, new / entry.name, follow_symlinks=False)
        elif os.name == "posix" and os.geteuid() == 0:
            status = entry.stat(follow_symlinks=False)
            os.chown(new / entry.name, status.st_uid, status.st_gid)


def _like(new: Path, old: os.stat_result, *, keep_mode: bool) -> None:
    """Give a directory the owner of the old one, and its mode unless that was empty."""
    if keep_mode:
        new.chmod(stat.S_IMODE(old.st_mode))
    if os.name == "posix" and os.geteuid() == 0:
        os.chown(new, old.st_uid, old.st_gid)


def _sync(directory: Path) -> None:
    if os.name != "posix":
        return  # a directory cannot be opened there
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(new: Path, target: Path) -> None:
    """Put a directory where there is none; a set that is there by now is not replaced."""
    try:
        new.rename(target)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
            raise changed(target) from None
        raise


def _exchange(new: Path, old: Path) -> None:
    """Swap two directories in one step; where the system cannot, in two that undo themselves."""
    if _swapped(new, old):
        return
    aside = new.with_name(f"{new.name}.old")
    old.rename(aside)
    try:
        new.rename(old)
    except BaseException:
        aside.rename(old)
        raise
    aside.rename(new)


def _swapped(new: Path, old: Path) -> bool:
    import ctypes  # noqa: PLC0415 - Python has no name for this call

    libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    here, there = os.fsencode(new), os.fsencode(old)
    if sys.platform == "darwin" and libc is not None:
        failed = libc.renamex_np(here, there, _SWAP)
    elif hasattr(libc, "renameat2") and libc is not None:
        failed = libc.renameat2(_AT_FDCWD, here, _AT_FDCWD, there, _SWAP)
    else:
        return False
    if not failed:
        return True
    error = ctypes.get_errno()
    if error in _NO_SWAP:
        return False
    raise OSError(error, os.strerror(error), os.fspath(old))


_NO_SWAP = {22, 38, 45, 95}  # EINVAL, ENOSYS, ENOTSUP of macOS and Linux: this file system cannot
