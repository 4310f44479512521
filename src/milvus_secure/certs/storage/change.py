"""A change to a certificate set, described so that it can be shown before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..messages import fill


@dataclass(frozen=True)
class Change:
    """Files to write, and what a user needs to know about that.

    In a text, a command to paste follows a line break, so that it is shown unbroken.

    Attributes:
        files: Contents by file name; empty if there is nothing to do.
        modes: Mode bits by file name, for files that are not to keep theirs.
        dropped: Files to remove.
        done: What it changes, a line each.
        breaks: Which clients stop working, and when, a line each.
        order: The steps of deployment, in an order that breaks no client.
    """

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    modes: Mapping[str, int] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def with_notes(self, notes: tuple[str, ...]) -> Change:
        """The same change with more lines in `done`."""
        return replace(self, done=(*self.done, *notes))

    def text(self, *, dry_run: bool = False, width: int | None = None) -> str:
        """Describe the change.

        Args:
            dry_run: Whether it was not made.
            width: Columns to wrap the text at; None for a line for each entry.
        """
        first = "would: " if dry_run else ""
        parts = [fill(line, first, "    ", width) for line in self.done]
        if self.breaks:
            parts += ["", "What breaks:"]
            parts += [fill(line, "  - ", "    ", width) for line in self.breaks]
        if self.order:
            parts += ["", "Deploy in this order:"]
            parts += [
                fill(line, f"  {number}. ", "     ", width)
                for number, line in enumerate(self.order, 1)
            ]
        return "\n".join(parts)
