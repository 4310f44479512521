"""A milvus.yaml as Milvus reads it: dotted keys, every value a text.

Milvus unmarshals the file with ``gopkg.in/yaml.v2`` (YAML 1.1 types), flattens it and turns every
value into text with ``cast.ToStringE`` (Milvus ``pkg/config/file_source.go``). Keys are compared
in lower case without ``_``, ``.`` and ``/`` (``pkg/config/config.go``, formatKey).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ...errors import MilvusSecureError
from .yaml_tree import Block, Items, Repeat, Scalar, Tree, documents, is_null

_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE: Final = frozenset(
    ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
)

# strconv.ParseBool
_PARSED_TRUE: Final = frozenset(["1", "t", "T", "true", "TRUE", "True"])


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of the file.

    Attributes:
        key: As it is written, with dots between the levels.
        value: The text that Milvus keeps.
        line: From 1; 0 if unknown.
    """

    key: str
    value: str = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class MilvusFile:
    """What one configuration file says.

    Attributes:
        name: How to call the file in a report.
        entries: Its keys, in the order of the file.
        repeats: Keys that stand twice in one mapping; Milvus takes the last one.
    """

    name: str
    entries: tuple[Entry, ...] = ()
    repeats: tuple[Repeat, ...] = ()


def parse_file(text: str, name: str, first_line: int = 1) -> MilvusFile:
    """Read the text of a configuration file.

    Args:
        text: YAML; Milvus reads its first document alone.
        name: How to call it.
        first_line: The line that the text begins on in what ``name`` calls; 0 if unknown.

    Raises:
        MilvusSecureError: If it is not YAML or no mapping.
    """
    trees = documents(text, name)
    if not trees:
        return MilvusFile(name)
    tree = trees[0]
    if not isinstance(tree, Block):
        raise MilvusSecureError(
            f"{name} is not a mapping of settings.", "Write a milvus.yaml in it."
        )
    return file_of(tree, name, first_line - 1)


def file_of(tree: Block, name: str, offset: int = 0) -> MilvusFile:
    """The keys of a mapping that is read already."""
    entries = [
        Entry(key, value, line + offset if offset >= 0 else 0)
        for key, value, line in _flattened(tree, "")
    ]
    repeats = [
        Repeat(repeat.key, repeat.earlier + offset, repeat.later + offset)
        for repeat in _repeats(tree, "")
    ]
    return MilvusFile(name, tuple(entries), tuple(repeats))


def _flattened(block: Block, above: str) -> Iterator[tuple[str, str, int]]:
    for key, value in block.items():
        dotted = f"{above}{key}"
        if isinstance(value, Block):
            yield from _flattened(value, f"{dotted}.")
        else:
            yield dotted, _text(value), block.lines[key]


def _repeats(block: Block, above: str) -> Iterator[Repeat]:
    for repeat in block.repeats:
        yield Repeat(f"{above}{repeat.key}", repeat.earlier, repeat.later)
    for key, value in block.items():
        if isinstance(value, Block):
            yield from _repeats(value, f"{above}{key}.")


def _text(value: Tree) -> str:
    """A value as ``cast.ToStringE`` gives it; of a list, its values between commas."""
    if isinstance(value, Items):
        return ",".join(_text(item) for item in value)
    return scalar_text(value) if isinstance(value, Scalar) else ""


def scalar_text(value: Scalar) -> str:
    """A scalar as ``yaml.v2`` and ``cast.ToStringE`` turn it into text.

    Quoted texts stay as they are, blanks included. Of plain ones, YAML 1.1's booleans become
    ``true`` and ``false``, null becomes empty, and numbers are written in decimal.
    """
    if not value.plain:
        return str(value)
    if is_null(value):
        return ""
    if value in _TRUE:
        return "true"
    if value in _FALSE:
        return "false"
    # yaml.v2 resolve.go: the first character decides whether it may be a number at all.
    digits = value.replace("_", "") if value[0] in "+-.0123456789" else ""
    number = _integer(digits)
    if number is not None:
        return str(number)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?", digits):
        return _decimal(digits)
    return str(value)


def _integer(text: str) -> int | None:
    """``strconv.ParseInt(text, 0, 64)``, with ``0b``, ``0o`` or ``0``, and ``0x``."""
    match = re.fullmatch(
        r"([-+]?)(?:0[bB]([01]+)|0[oO]?([0-7]+)|0[xX]([0-9a-fA-F]+)|(0|[1-9][0-9]*))",
        text,
        re.ASCII,
    )
    if match is None or len(text) > 64:
        return None
    sign, binary, octal, hexadecimal, decimal = match.groups()
    digits, base = next(
        (digits, base)
        for digits, base in ((binary, 2), (octal, 8), (hexadecimal, 16), (decimal, 10))
        if digits is not None
    )
    return int(f"{sign}{digits}", base)


def _decimal(text: str) -> str:
    """A float without an exponent and without trailing zeros, as Go's ``'f', -1`` writes it."""
    written = format(Decimal(text), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def atoi(text: str) -> int:
    """``strconv.Atoi``, with Milvus's default of 0 for what is no number.

    Milvus ``pkg/util/paramtable/param_item.go``, GetAsInt: blanks make it fail as well.
    """
    return int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text, re.ASCII) else 0


def parse_bool(text: str) -> bool:
    """``strconv.ParseBool``, with Milvus's default of false for what is none (GetAsBool)."""
    return text in _PARSED_TRUE
