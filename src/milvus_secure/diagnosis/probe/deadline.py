"""One deadline for every step of a probe."""

from __future__ import annotations

import time


class Deadline:
    """A point in time that all steps share.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self._end - time.monotonic())

    def within(self, seconds: float) -> Deadline:
        """A deadline of its own for one step, no later than this one."""
        return Deadline(min(seconds, self.left))
