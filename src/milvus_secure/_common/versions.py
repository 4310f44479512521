"""Which releases of pymilvus and grpcio are installed, without importing them."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version


@cache
def installed_pymilvus() -> tuple[int, ...]:
    """Release of the installed pymilvus, as ``(major, minor, patch)``."""
    return tuple(int(part) for part in re.findall(r"\d+", version("pymilvus"))[:3])


@cache
def installed_grpc() -> tuple[int, int]:
    """Release of the installed grpcio, as ``(major, minor)``."""
    major, minor = version("grpcio").split(".")[:2]
    return int(major), int(minor)
