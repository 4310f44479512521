"""Finds the directories for temporary files in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISVTX

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only where it is checked to be private memory
_MEMORY = ("tmpfs", "ramfs")


def memory_directories() -> Iterator[str]:
    """The directories for temporary files that are in memory and that no other user can change."""
    kinds = _file_systems()
    if not kinds:
        return
    candidates = (_SHARED_MEMORY, os.environ.get("XDG_RUNTIME_DIR", ""), _temporary_directory())
    for candidate in candidates:
        try:
            status = os.stat(candidate)  # noqa: PTH116 - text
        except OSError:
            continue
        device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
        guarded = status.st_mode & S_ISVTX or not status.st_mode & 0o022
        if kinds.get(device) in _MEMORY and guarded:
            yield candidate


def _temporary_directory() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # none can be written
        return ""


def _file_systems() -> dict[str, str]:
    """The kind of each mounted file system by its device, ``MAJOR:MINOR`` (``man 5 proc``)."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:  # not Linux, or a chroot without /proc
        return {}
    rows = [line.split() for line in lines]
    return {row[2].decode(): row[row.index(b"-") + 1].decode() for row in rows}
