"""What reaches the screen: text on stdout, progress on stderr, colour on terminals only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from .._common.text import WIDTH

_STYLES = {"error": "bold red", "warning": "yellow", "ok": "green", "info": "cyan"}


def text_width(*, error: bool = False) -> int | None:
    """The columns to wrap text at, or None where a stream is no terminal.

    Args:
        error: True for stderr.
    """
    stream = sys.stderr if error else sys.stdout
    if stream is None or not stream.isatty():
        return None
    from shutil import get_terminal_size  # noqa: PLC0415 - not needed in a pipe

    return max(40, min(WIDTH, get_terminal_size().columns))


def echo(text: str, *, error: bool = False) -> None:
    """Print, outcomes coloured on a terminal unless ``NO_COLOR`` is set.

    The text is flushed: a reader at the other end of a pipe gets it at once, and in the order in
    which it was written to stdout and stderr.

    Args:
        text: What was asked for, which goes to stdout.
        error: True for what was not, which goes to stderr.
    """
    stream = sys.stderr if error else sys.stdout
    if stream is None:  # it was closed before we came, as by `>&-`
        return
    if _is_plain(stream):
        # A name from a peer may not fit the terminal's encoding; show it escaped then.
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
        return
    from rich.console import Console  # noqa: PLC0415 - not needed in a pipe
    from rich.text import Text  # noqa: PLC0415

    shown = Text(text)
    for word, style in _STYLES.items():
        shown.highlight_regex(rf"(?m)^ *{word}\b:?", style)
    Console(stderr=error, highlight=False, soft_wrap=True).print(shown)


def _is_plain(stream: TextIO) -> bool:
    """True for a stream that shows no colour and moves no cursor."""
    dumb = os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
    return not stream.isatty() or bool(os.environ.get("NO_COLOR")) or dumb


@contextmanager
def spinner(text: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal's stderr what is being waited for.

    A terminal without colour or cursor movement gets plain lines; a pipe and a notebook nothing.

    Yields:
        A function that changes the text.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    if _is_plain(sys.stderr):
        echo(text, error=True)
        shown = [text]

        def line(text: str) -> None:
            if text != shown[-1]:
                shown.append(text)
                echo(text, error=True)

        yield line
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Console(stderr=True).status(Text(text)) as status:  # a Text: no markup is read in it
        yield lambda text: status.update(Text(text))
