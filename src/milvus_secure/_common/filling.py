"""Prose for a screen of 80 columns."""

from __future__ import annotations

import textwrap

WIDTH = 80


def filled(prose: str, first: str = "", hang: str = "") -> str:
    """One paragraph in lines of at most `WIDTH` columns, but for words that are longer themselves.

    Args:
        prose: Without line breaks.
        first: What the first line begins with.
        hang: What every other line begins with.
    """
    return textwrap.fill(
        prose,
        WIDTH,
        initial_indent=first,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
