"""Chains that were accepted, for programs that connect again and again with the same files.

A verdict depends on the certificates and the time alone: it stays the same until one of them begins
or ends to be valid.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from ..pem.certificate import validity
from .verdict import Verdict

_MOST = 64


class _Entry(NamedTuple):
    start: datetime
    end: datetime
    verdict: Verdict


_ENTRIES: dict[Hashable, _Entry] = {}


def recent_verdict(
    key: Hashable,
    certificates: Iterable[x509.Certificate],
    now: datetime,
    judge: Callable[[], Verdict],
) -> Verdict:
    """The verdict on a chain, which is judged unless it was accepted before.

    Args:
        key: Everything that the verdict depends on, except the time.
        certificates: Those among it, whose dates count.
        now: The time to judge at, with zone.
        judge: Judges the chain.
    """
    entry = _ENTRIES.get(key)
    if entry is not None and entry.start < now < entry.end:
        return entry.verdict
    verdict = judge()
    if verdict.accepted:
        dates = [date for certificate in certificates for date in validity(certificate)]
        start = max((date for date in dates if date <= now), default=now)
        end = min((date for date in dates if date >= now), default=now)
        if len(_ENTRIES) >= _MOST:
            _ENTRIES.clear()
        _ENTRIES[key] = _Entry(start, end, verdict)
    return verdict
