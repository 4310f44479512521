"""Text for a terminal, and letters as gRPC compares them."""

from __future__ import annotations

import os
from collections.abc import Iterable

WIDTH = 80


def lower_ascii(name: str) -> str:
    """Fold the case of ASCII letters alone, as absl does."""
    if name.isascii():
        return name.lower()
    return "".join(c.lower() if c.isascii() else c for c in name)


def filled(prose: str, first: str = "", hang: str = "", width: int = WIDTH) -> str:
    """One paragraph in lines of at most `width` columns; a longer word has a line of its own.

    Args:
        prose: Without line breaks.
        first: What the first line begins with.
        hang: What every other line begins with.
        width: Columns.
    """
    import textwrap  # noqa: PLC0415 - only for a terminal

    return textwrap.fill(
        prose,
        width,
        initial_indent=first,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that a misspelled one most likely means, if any is close.

    Args:
        word: As it was written.
        known: Any number.
        cutoff: How alike the two must be, from 0 to 1.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    return next(iter(get_close_matches(word, known, n=1, cutoff=cutoff)), None)


def printable(text: str) -> str:
    """Text that any terminal and any JSON takes: control characters and stray bytes escaped."""
    if text.isprintable():
        return text
    escaped = os.fsencode(text) if _fits(text) else text.encode("utf-8", "backslashreplace")
    decoded = escaped.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def _fits(text: Iterable[str]) -> bool:
    """True if the only surrogates are bytes that were not UTF-8 (PEP 383)."""
    return not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in text)
