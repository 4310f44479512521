"""Texts in a Compose file that Compose itself reads further: numbers, flags, durations, ports.

compose-go ``interpolation``, ``types`` and ``format``; docker ``go-units`` and ``nat``. What is not
certainly wrong is accepted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

_LONGEST: Final = 100
"""No such text is longer; the patterns below need the square of a text's length."""

_FLAG: Final = re.compile(r"true|false|yes|no|y|n|on|off", re.IGNORECASE)
_SIZE: Final = re.compile(
    r"[-+]?[0-9._]+(e[-+]?[0-9]+)?( ?[kmgtp]?(i?b)?)?", re.IGNORECASE | re.ASCII
)
_DURATION: Final = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w))+)", re.ASCII)
_DURATIONS: Final = re.compile(
    r"\.(healthcheck\.(interval|timeout|start_period|start_interval)|stop_grace_period"
    r"|deploy\.\w+\.(delay|window|monitor))"
)
_MEMORY: Final = re.compile(r"\.deploy\.resources\.\w+\.memory")
_PORTS: Final = re.compile(r"services\.[^.]+\.ports\[\d+\]")
_PORT: Final = re.compile(
    r"(?:(?:(?P<address>.*):)?(?P<host>[^:]*):)?(?P<target>[^:/]+)(?:/(?:tcp|udp|sctp))?",
    re.IGNORECASE,
)
_TEST: Final = re.compile(r"\.healthcheck\.test\[0\]")
_RANGE: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


def fault_of_text(text: str, types: Sequence[str], where: str) -> str | None:
    """What Compose refuses in a text, as a predicate, or None.

    Args:
        text: The value.
        types: Its types in the schema; the first says what Compose makes of a text.
        where: Its place, such as ``services.milvus.healthcheck.interval``.
    """
    text = text[:_LONGEST]
    if _PORTS.fullmatch(where):
        return None if _is_port(text) else "is not a port, such as 19530:19530"
    if types[:1] == ["boolean"]:
        return None if _FLAG.fullmatch(text) else "is not true or false"
    if types[:1] in (["integer"], ["number"]):
        return None if _SIZE.fullmatch(text) else "is not a number"
    if _DURATIONS.search(where):
        return None if _DURATION.fullmatch(text) else "is not a duration, such as 30s"
    if _MEMORY.search(where):
        return None if _SIZE.fullmatch(text) else "is not a size, such as 4g"
    if _TEST.search(where):
        return None if text in {"CMD", "CMD-SHELL", "NONE"} else "is not CMD, CMD-SHELL or NONE"
    return None


def _is_port(text: str) -> bool:
    match = _PORT.fullmatch(text)
    if match is None:
        return False
    address, host, target = match["address"], match["host"], match["target"]
    try:
        ipaddress.ip_address(address.strip("[]")) if address else None
    except ValueError:
        return False
    wanted, published = _length(target), _length(host) if host else None
    fits = not host or (published is not None and published == wanted) or wanted == 1
    return wanted is not None and fits and target != "0" and not (host and published is None)


def _length(ports: str) -> int | None:
    """How many ports a range has; None for what is none."""
    match = _RANGE.fullmatch(ports)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return last - first + 1 if first <= last <= 65535 else None
