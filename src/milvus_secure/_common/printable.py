"""Text that any terminal and any JSON takes: control characters are shown, not obeyed."""

from __future__ import annotations

import os
from collections.abc import Iterable


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
