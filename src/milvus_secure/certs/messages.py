"""Words for the screen: prose filled to 80 columns, commands to be pasted left whole."""

from __future__ import annotations

import shlex

from .._common.text import filled, printable


def certs(*words: object) -> str:
    """A ``milvus-secure certs`` command as a shell takes it, whatever its paths hold."""
    return shlex.join(["milvus-secure", "certs", *map(str, words)])


def fill(text: str, first: str = "", hang: str = "") -> str:
    """Fill prose to the width; what stands behind a line break is a command and stays whole.

    Args:
        text: The prose, and a command behind a line break where there is one.
        first: What the first line begins with.
        hang: What every other line begins with.
    """
    prose, *commands = text.split("\n")
    lines = filled(printable(prose), first, hang)
    return "\n".join([lines, *(f"{hang}  {printable(command)}" for command in commands)])
