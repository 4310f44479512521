"""Programs that tests start: each ends with its test, and every read of its output has a limit.

A test of the tests (`test_suite_rules.py`) holds this: `subprocess.Popen` is called here alone.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LIMIT = 120
"""Seconds: far more than a program here takes on a loaded machine."""


@contextmanager
def started(
    command: Sequence[str | Path], *, seconds: float = LIMIT, text: bool = True, **options: object
) -> Iterator[subprocess.Popen[str]]:
    """Start a program that is killed when the block ends.

    Args:
        command: The program and its arguments.
        seconds: When it is killed at the latest: then every read of its output ends, too.
        text: Whether its output is text.
        **options: For `subprocess.Popen`.
    """
    with subprocess.Popen(command, text=text, **options) as process:
        limit = threading.Timer(seconds, process.kill)
        limit.daemon = True
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


def empty_environment(folder: Path, **variables: str) -> dict[str, str]:
    """What ``env -i`` and a minimal shell leave: HOME, PATH, LANG and TMPDIR.

    Args:
        folder: The home and the temporary directory.
        **variables: Variables in addition to these.
    """
    return {
        "HOME": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        **variables,
    }
