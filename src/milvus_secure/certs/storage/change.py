"""What a command would do to a set, so that it can be shown before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..messages import fill


@dataclass(frozen=True)
class Change:
    """Files to write, and what people need to know about it.

    A command to be pasted stands behind a line break in a line, so that it is shown unbroken.

    Attributes:
        files: Contents by file name; empty if there is nothing to do.
        modes: Mode bits by file name, for files that are not to keep theirs.
        dropped: Files to remove.
        done: What it does, a line each.
        breaks: Who stops working, and when, a line each.
        order: The steps of deployment that never break a client.
    """

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    modes: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def text(self, *, dry_run: bool = False) -> str:
        """The change in words, for a screen."""
        parts = [fill(line, "would: " if dry_run else "", "    ") for line in self.done]
        if self.breaks:
            parts += ["", "What breaks:", *(fill(line, "  - ", "    ") for line in self.breaks)]
        if self.order:
            parts += ["", "Deploy in this order:"]
            parts += [
                fill(line, f"  {number}. ", "     ") for number, line in enumerate(self.order, 1)
            ]
        return "\n".join(parts)
