"""A point in time that several steps share."""

from __future__ import annotations

import math
import time
from typing import Final


class TimeIsUpError(Exception):
    """A deadline has passed, and what was to be done before it is left."""


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
        """A deadline for a single step, no later than this one."""
        return Deadline(min(seconds, self.left))

    def check(self) -> None:
        """Raise an error if the time is over.

        Raises:
            TimeIsUpError: If there is none.
        """
        if not self.left:
            raise TimeIsUpError


NO_DEADLINE: Final = Deadline(math.inf)
