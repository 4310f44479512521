"""What a command would do to a set, so that it can be shown before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """Files to write, and what people need to know about it.

    Attributes:
        files: Contents by file name; empty if there is nothing to do.
        dropped: Files that go.
        done: What it does, a line each.
        breaks: Who stops working, and when, a line each.
        order: The steps of deployment that never break a client.
    """

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    dropped: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def text(self, *, dry_run: bool = False) -> str:
        """The change in words, for a screen."""
        parts = list(self.done)
        if dry_run:
            parts = [f"would: {line}" for line in self.done]
        if self.breaks:
            parts += ["", "What breaks:", *(f"  - {line}" for line in self.breaks)]
        if self.order:
            parts += ["", "Deploy in this order:"]
            parts += [f"  {number}. {line}" for number, line in enumerate(self.order, 1)]
        return "\n".join(parts)
