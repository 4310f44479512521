"""Checks endpoints, and checks them again while they only need time."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from time import sleep as pause
from typing import TYPE_CHECKING, Final

from ..diagnosis.check import check_many
from .console import spinner

if TYPE_CHECKING:
    from ..client.settings import MilvusSettings
    from ..reporting.report import Report

_PAUSE = 1.0  # seconds between two tries
_SHORTEST_TRY = 1.0  # seconds that the last try gets at least

# What a server, its network or its proxy may still be without while it starts.
PASSING: Final = frozenset(
    {
        "dns-failed",
        "tcp-refused",
        "tcp-timeout",
        "tcp-unreachable",
        "proxy-failed",
        "tls-failed",
        "backend-closed",
        "front-end-answered",
        "not-milvus",
        "server-not-ready",
    }
)


def check_until(targets: Sequence[MilvusSettings], seconds: float) -> list[Report]:
    """Check endpoints until each is in order, or has a fault that time does not repair.

    Args:
        targets: Loaded settings.
        seconds: How long to try again; 0 checks once.
    """
    end = monotonic() + seconds
    with spinner(f"Asking {_named(targets)} ...") as show:
        reports = check_many(targets)
        while _pending(reports) and monotonic() + _PAUSE < end:
            places = _pending(reports)
            waiting = [targets[place] for place in places]
            cause = reports[places[0]].root_cause
            show(f"Waiting for {_named(waiting)} ({cause.code if cause else ''}) ...")
            pause(_PAUSE)
            seconds_left = max(end - monotonic(), _SHORTEST_TRY)
            bounded = [
                target if target.timeout <= seconds_left else target.replace(timeout=seconds_left)
                for target in waiting
            ]
            for place, report in zip(places, check_many(bounded), strict=True):
                reports[place] = report
    return reports


def _pending(reports: Sequence[Report]) -> list[int]:
    """The places of the reports whose every error may pass."""
    return [
        place
        for place, report in enumerate(reports)
        if report.errors and all(error.code in PASSING for error in report.errors)
    ]


def _named(targets: Sequence[MilvusSettings]) -> str:
    return targets[0].shown()["uri"]["value"] if len(targets) == 1 else f"{len(targets)} endpoints"
