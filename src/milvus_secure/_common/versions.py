"""Which release of pymilvus is installed, told without importing it."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version


@cache
def installed_pymilvus() -> tuple[int, ...]:
    """Release of the installed pymilvus, as ``(major, minor, patch)``."""
    return tuple(int(part) for part in re.findall(r"\d+", version("pymilvus"))[:3])
