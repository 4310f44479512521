"""What a probe has seen so far: its steps, and the fields of the observation."""

from __future__ import annotations

import time
from typing import Any

from ...reporting.observation import Step


class Record:
    """The steps of one probe, and what they brought.

    Attributes:
        steps: In their order, each with the time it took.
        fields: Those of `Observation`, by name.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.fields: dict[str, Any] = {}
        self._since = time.monotonic()

    def step(self, name: str, ok: bool | None, detail: str) -> None:
        """Note a step, timed since the one before."""
        now = time.monotonic()
        self.steps.append(Step(name, ok, detail, now - self._since))
        self._since = now
