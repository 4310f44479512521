"""Keeps two runs apart that change the files of one directory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .atomic_files import finish_interrupted, has_interrupted

PATIENCE_SECONDS = 30.0
"""How long to wait for another run; three RSA keys of 4096 bits take up to ten seconds."""

PENDING_SECONDS = 5.0
"""How long to wait, without a lock, for a run that is writing; that takes well below a second."""


@contextmanager
def exclusive(directory: Path, *, create: bool = False) -> Iterator[None]:
    """Let no other run of this library change a directory, and finish what one left behind.

    The directory itself is locked, so that a container that mounts it and its host exclude each
    other. Where nothing can be locked (NFS, Windows), and after `PATIENCE_SECONDS`, another run
    shows by its pending change, and comparing `atomic_files.snapshot` finds what it wrote.

    Args:
        directory: What is going to be read and then changed; it may be missing.
        create: Whether to make it with mode 0700 if it is missing. It is removed again if
            nothing was put into it. The directory above it must exist.

    Raises:
        FileChangeError: If an interrupted change cannot be finished.
        OSError: If the directory cannot be made.
    """
    made = False
    while True:
        if create:
            made = _make(directory) or made
        descriptor = _open(directory)
        try:
            locked = descriptor is not None and _lock(descriptor)
            if descriptor is not None and not _is_at(descriptor, directory):
                made = False
                continue  # it was removed while this run waited; another run may have made it again
            if not locked:
                _wait_for_pending(directory)
            finish_interrupted(directory)
            yield
            return
        finally:
            if made:
                with suppress(OSError):  # not empty
                    directory.rmdir()
            if descriptor is not None:
                os.close(descriptor)  # and the lock with it


def _make(directory: Path) -> bool:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def _open(directory: Path) -> int | None:
    try:
        return os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:  # Windows opens no directory; elsewhere reading it says what is wrong
        return None


def _is_at(descriptor: int, directory: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), directory.stat())
    except OSError:
        return False


def _lock(descriptor: int) -> bool:
    """Wait for the lock; False if there is none to be had."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX alone has it
    except ImportError:
        return False
    end = time.monotonic() + PATIENCE_SECONDS

    def is_taken() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    try:
        while is_taken():
            if time.monotonic() > end:  # any user who may read the directory can hold its lock
                return False
            time.sleep(0.05)
    except OSError:  # NFS locks no directory
        return False
    return True


def _wait_for_pending(directory: Path) -> None:
    """Let a run that is writing end; what is still there afterwards was interrupted."""
    end = time.monotonic() + PENDING_SECONDS
    while has_interrupted(directory) and time.monotonic() < end:
        time.sleep(0.05)
