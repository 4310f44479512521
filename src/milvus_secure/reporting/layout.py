"""Text of labelled fields, for a terminal and for a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .._common.text import filled, printable

_LABEL = 11
_QUOTED = re.compile(r"`[^`]*`")
_GLUE = "\N{NO-BREAK SPACE}"  # `printable` has escaped all others


class ShownAsText:
    """What is shown as its text: by ``print``, in IPython and in Jupyter."""

    __slots__ = ()

    def text(self, width: int | None = None) -> str:
        """The text, for a terminal of so many columns or, without a width, for a pipe."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - for notebooks alone

        return f'<pre style="white-space: pre-wrap">{escape(str(self))}</pre>'

    def _repr_pretty_(self, printer: Any, _: bool) -> None:  # noqa: ANN401 - IPython's printer
        printer.text(str(self))


def field_lines(label: str, text: str | None, width: int | None = None) -> Iterator[str]:
    """The line of one field; none for an empty one.

    Args:
        label: At most 9 characters.
        text: Its value.
        width: Columns to wrap at; None wraps nothing.
    """
    if text:
        yield labelled(f"  {label:<{_LABEL - 2}}", text, width, hang=_LABEL + 1)


def labelled(label: str, text: str, width: int | None, *, hang: int = 4) -> str:
    """A label and its text.

    Args:
        label: Without the blank that follows it.
        text: Its line breaks are kept; control characters are escaped.
        width: Columns to wrap at, for a terminal; None wraps nothing. A word, and a command
            in backticks, is never broken.
        hang: Blanks before every line but the first.
    """
    lines = [printable(line) for line in text.split("\n")]
    margin = " " * hang
    if width is None:
        return f"{label} {f'{chr(10)}{margin}'.join(lines)}".rstrip()
    parts = [
        filled(
            _QUOTED.sub(lambda match: match[0].replace(" ", _GLUE), line),
            margin if place else f"{label} ",
            margin,
            width,
        )
        for place, line in enumerate(lines)
    ]
    wrapped = "\n".join(parts).replace(_GLUE, " ").split("\n")
    return "\n".join(line.rstrip() for line in wrapped) or label.rstrip()


def error_text(cause: str, fix: str, command: str | None, width: int | None = None) -> str:
    """An error of this library: its cause, and what repairs it."""
    lines = [labelled("error:", cause, width)]
    lines += field_lines("fix", fix, width)
    lines += field_lines("run", command)
    return "\n".join(lines)
