"""Keeps two runs on one directory apart, and tells when something else wrote there meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import CertificateError
from ..messages import certs

Seen = tuple[object, ...]
"""What stood in a directory, to be compared; empty for none."""

PATIENCE = 30.0
"""Seconds to wait for another run; three RSA keys of 4096 bits take up to ten."""


@contextmanager
def alone(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Let no other run of this library change a directory meanwhile.

    The directory itself may not exist yet, and is exchanged when it is written, so the one above
    it is locked, for `PATIENCE` seconds at most: whoever may read it can hold its lock. Where the
    system locks none (NFS, Windows), and after that time, comparing with `look` must do.

    Args:
        directory: What is going to be read and then written.
    """
    above = Path(os.path.realpath(directory)).parent
    try:
        descriptor = os.open(above, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:  # Windows opens none; elsewhere the write says what is wrong with it
        yield
        return
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)  # and the lock with it


def look(directory: Path) -> Seen:
    """What stands in a directory: which one it is, and every file with its size and time."""
    try:
        own = directory.stat()
        with os.scandir(directory) as found:
            files = sorted(
                (entry.name, entry.inode(), status.st_size, status.st_mtime_ns)
                for entry in found
                for status in [entry.stat(follow_symlinks=False)]
            )
    except OSError:
        return ()
    return (own.st_dev, own.st_ino, *files)


def changed(directory: str | os.PathLike[str]) -> CertificateError:
    """The error for a directory that is not as it was when the work began."""
    return CertificateError(
        f"{os.fspath(directory)} was changed by another program meanwhile; this run wrote nothing.",
        f"see what is there now, and decide anew: {certs('show', directory)}",
    )


def _lock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - POSIX alone has it

    def taken() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # NFS locks no directory
            return False
        return False

    end = time.monotonic() + PATIENCE
    while taken() and time.monotonic() < end:
        time.sleep(0.05)
