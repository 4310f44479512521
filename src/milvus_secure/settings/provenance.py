"""A raw value together with where it came from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_INSIDE = " of "


@dataclass(frozen=True, slots=True)
class Sourced:
    """A raw value and its provenance.

    Attributes:
        value: As it was read.
        source: Where it came from, such as ``env MILVUS_URI``.
        base: The directory that a relative path in it starts from.
        rank: The place of its source among all sources; 0 is the strongest.
        literal: True where what is written is what is meant (code, TOML, YAML, JSON, a secret
            file): a secret from there is not cleaned.
        without_scheme: True for an address to which ``https://`` or ``http://`` is to be added.
        implicit: True for a file that is used because of its name alone, such as ``tls.crt``.
        comment_cut: True if a part of the line in ``.env`` was read as a comment.
        unset_variable: True if a ``${NAME}`` in ``.env`` names a variable that is not set.
    """

    value: Any = field(repr=False)  # it may be a secret
    source: str
    base: Path
    rank: int = 0
    literal: bool = False
    without_scheme: bool = False
    implicit: bool = False
    comment_cut: bool = False
    unset_variable: bool = False


def inside(setting: str, source: str) -> str:
    """The source of a value that is part of another setting's value."""
    return f"{setting}{_INSIDE}{source}"


def is_inside(source: str, settings: Collection[str]) -> bool:
    """True if a value with this source was part of one of these settings."""
    holder, of, _ = source.partition(_INSIDE)
    return bool(of) and holder in settings
