"""A milvus.yaml as Milvus reads it: dotted keys, every value a text.

Milvus unmarshals the file with ``gopkg.in/yaml.v2`` (YAML 1.1 types), flattens it and turns every
value into text with ``cast.ToStringE`` (Milvus ``pkg/config/file_source.go``). Keys are compared
in lower case without ``_``, ``.`` and ``/`` (``pkg/config/config.go``, formatKey).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ....errors import MilvusSecureError
from ..yaml.go_scalars import scalar_text
from ..yaml.yaml_tree import Block, Items, Repeat, Scalar, Tree, documents


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
        repeats: Keys that occur twice in one mapping; Milvus uses the last one.
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
        Repeat(repeat.key, repeat.earlier + offset, repeat.later + offset, name)
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
