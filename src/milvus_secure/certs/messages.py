"""Text for the screen: prose is wrapped, commands to paste are not."""

from __future__ import annotations

import shlex

from .._common.text import filled, printable


def certs(*words: object) -> str:
    """A ``milvus-secure certs`` command, quoted for a shell."""
    return shlex.join(["milvus-secure", "certs", *map(str, words)])


def fill(text: str, first: str = "", hang: str = "", width: int | None = None) -> str:
    """Wrap a text. A command after a line break stays on a line of its own.

    Args:
        text: One paragraph, and after each line break a command to paste.
        first: What the first line begins with.
        hang: What every other line begins with.
        width: Columns to wrap at; None for one line.
    """
    prose, *commands = text.split("\n")
    prose = printable(prose)
    lines = f"{first}{prose}" if width is None else filled(prose, first, hang, width)
    return "\n".join([lines, *(f"{hang}  {printable(command)}" for command in commands)])
