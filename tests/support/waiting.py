"""Waiting in tests: each wait has a limit, and the threads of the library are found by name.

Counts of all threads, channels or descriptors of a process depend on the tests before and on what
gRPC does in the background, so nothing here counts them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 60
"""Seconds: far more than anything here takes on a loaded machine."""


def eventually(happened: Callable[[], object], *, seconds: float = LIMIT) -> bool:
    """Wait for what happens in another thread or process.

    Args:
        happened: Called repeatedly until it returns something true.
        seconds: How long at most.

    Returns:
        Whether it happened.
    """
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def library_threads() -> set[threading.Thread]:
    """The threads that the library has started for its clients and that still run."""
    return {t for t in threading.enumerate() if t.name.startswith("milvus-secure")}


def open_connections(port: int) -> int:
    """How many client connections to a port of this machine are open (Linux)."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    established, close_wait = "01", "08"
    remote = f":{port:04X}"
    return sum(row[2].endswith(remote) and row[3] in {established, close_wait} for row in rows)
