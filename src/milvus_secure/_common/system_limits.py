"""Whether this machine has room for a connection."""

from __future__ import annotations

import errno
import os

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NEEDED = 16
"""Descriptors a connection and the look at one hold at a time, gRPC's own among them."""


def exhausted(error: Exception) -> str:
    """What this machine has run out of, in the system's words; empty if it is nothing such."""
    if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
        return ""
    return os.strerror(error.errno).lower()


class NoPlaceError(OSError):
    """Material given as text, or opened, can be put nowhere for pymilvus to read.

    Args:
        error: What the system said.
    """

    def __init__(self, error: OSError) -> None:
        why = (error.strerror or str(error) or type(error).__name__).lower()
        self.cause = f"The TLS files that pymilvus needs cannot be written on this machine: {why}."
        self.fix = "Free some space, or set TMPDIR to a directory that can be written."
        super().__init__(f"{self.cause} Fix: {self.fix}")


def require_descriptors() -> None:
    """See that there are descriptors left: gRPC aborts the process when it gets none.

    Raises:
        OSError: If there are too few.
    """
    opened: list[int] = []
    try:
        while len(opened) < _NEEDED:
            opened.extend(os.pipe())
    finally:
        for descriptor in opened:
            os.close(descriptor)
