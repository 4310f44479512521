"""Text in: a configuration file or standard input, with a limit and with clear errors."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final

from ....errors import MilvusSecureError

MAX_BYTES: Final = 1 << 20
"""A Kubernetes object may have no more; a rendered chart of Milvus has a tenth."""

STANDARD_INPUT: Final = Path("-")


def shown_path(path: Path) -> str:
    """A file as a report names it."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def read_input(path: Path) -> str:
    """The text of a file, or of standard input for ``-``.

    Raises:
        MilvusSecureError: See `read_text`.
    """
    if path != STANDARD_INPUT:
        return read_text(path)
    if sys.stdin is None or sys.stdin.isatty():
        raise MilvusSecureError(
            "Nothing is piped into standard input.",
            "Pipe a configuration into it.",
            "docker compose config | milvus-secure server check -",
        )
    return _limited(sys.stdin.buffer, "standard input")


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        MilvusSecureError: If it is no file, larger than `MAX_BYTES`, or not UTF-8 text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a directory" if path.is_dir() else "not a regular file"
            raise MilvusSecureError(
                f"{path} is {kind}.", "Name the file with the server's configuration."
            )
        with path.open("rb") as stream:
            return _limited(stream, str(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        folder = shlex.quote(os.path.dirname(path) or ".")  # noqa: PTH120 - Path would drop "."
        raise MilvusSecureError(
            f"{path} cannot be read: {why.lower()}.",
            "Check the name and the permissions.",
            f"ls -la {folder}",
        ) from None


def _limited(stream: BinaryIO, name: str) -> str:
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise MilvusSecureError(
            f"{name} is larger than {MAX_BYTES >> 20} MiB.",
            "Name a file with only the server's configuration.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MilvusSecureError(
            f"{name}, line {line}: it is not UTF-8 text.", "Save it as UTF-8."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise MilvusSecureError(
            f"{name}, line {line}: it contains a NUL byte, so it is not a text file.",
            "Name the file with the server's configuration.",
        )
    return text
