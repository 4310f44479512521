"""YAML as a tree of texts with their lines, before any reader gives the scalars a type.

Milvus (``gopkg.in/yaml.v2``) and Compose (``yaml.v3``) give different types to the same plain
scalar, and both take the last of two equal keys. So the tree keeps what is written: a scalar's
text, whether it is plain (without quotes), and every repeated key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from ....errors import MilvusSecureError
from ...config.yaml_text import brief_errors

MAX_NODES: Final = 50_000
"""Most values of a file, with aliases and without: the parser needs seconds for so many."""

MAX_DEPTH: Final = 100


class Scalar(str):
    """The text of a scalar.

    Attributes:
        line: From 1.
        file: Name of the file that contains it; empty if it is made here.
        plain: True if it is written without quotes, so that it may be a number or a boolean.
    """

    __slots__ = ("file", "line", "plain")
    line: int
    file: str
    plain: bool

    @classmethod
    def of(cls, text: str, line: int = 0, *, file: str = "", plain: bool = False) -> Scalar:
        """A scalar at a line."""
        scalar = cls(text)
        scalar.line, scalar.file, scalar.plain = line, file, plain
        return scalar


class Items(list["Tree"]):
    """A sequence.

    Attributes:
        line: From 1.
        file: As of a scalar.
    """

    line: int = 0
    file: str = ""


class Block(dict[str, "Tree"]):
    """A mapping; of a key that is repeated, the last value.

    Attributes:
        line: From 1.
        file: As of a scalar.
        lines: The line of each key.
        repeats: Every key that is given again, with its earlier line and the later one.
        tags: Keys whose value has the tag ``!reset`` or ``!override``, which only Compose knows.
    """

    def __init__(self, line: int = 0, file: str = "") -> None:
        super().__init__()
        self.line = line
        self.file = file
        self.lines: dict[str, int] = {}
        self.repeats: list[Repeat] = []
        self.tags: dict[str, str] = {}

    def put(self, key: str, value: Tree, line: int) -> None:
        """Set a key and remember its line."""
        self[key] = value
        self.lines[key] = line


Tree: TypeAlias = "Scalar | Items | Block"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A key that stands twice in one mapping, with its file and its two lines."""

    key: str
    earlier: int
    later: int
    file: str = ""


def documents(text: str, name: str) -> list[Tree]:
    """Every document of a YAML (or JSON) text; empty documents are left out.

    Args:
        text: At most a few MiB.
        name: How to call it in an error.

    Raises:
        MilvusSecureError: If it is not YAML, or is nested too deep, refers to itself, or would
            grow beyond `MAX_NODES`; with line and column where the parser knows them.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _BoundedComposer
    budget = _Budget(name)
    with brief_errors(name):
        composed = [node for node in yaml.compose_all(text) if node is not None]
        trees = [budget.tree(node, 0) for node in composed]
    return [tree for tree in trees if not (isinstance(tree, Scalar) and is_null(tree))]


def place_of(node: Tree | None) -> str:
    """Where a node stands, such as ``docker-compose.yml:12``; empty for what is made here."""
    if node is None or not node.line:
        return "" if node is None else node.file
    return f"{node.file}:{node.line}" if node.file else ""


def is_null(value: Tree | None) -> bool:
    """True for YAML's null, in any of its spellings, and for nothing at all."""
    if not isinstance(value, Scalar):
        return value is None
    return value.plain and value in {"", "~", "null", "Null", "NULL"}


class _BoundedComposer(Composer):
    """Stops the parser where the file is too large or too deep, before it has read the rest."""

    def __init__(self, loader: Any = None) -> None:  # noqa: ANN401 - ruamel is untyped here
        super().__init__(loader)
        self.warn_double_anchors = False  # YAML takes the last one
        self.nodes = 0
        self.levels = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._refuse(f"more than {MAX_NODES} values, so it is not a configuration")
        if self.levels > MAX_DEPTH:
            self._refuse(f"nested more than {MAX_DEPTH} levels deep")
        self.levels += 1
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def _refuse(self, why: str) -> None:
        raise MarkedYAMLError(problem=why, problem_mark=self.parser.peek_event().start_mark)


class _Budget:
    """Turns nodes into a tree, and stops where aliases make it too large."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left = MAX_NODES

    def tree(self, node: Any, depth: int) -> Tree:  # noqa: ANN401 - ruamel's nodes are untyped
        line = node.start_mark.line + 1
        self.left -= 1
        if depth > MAX_DEPTH:
            raise MilvusSecureError(
                f"{self.name}, line {line}: nested more than {MAX_DEPTH} levels deep.",
                "Write a flatter file.",
            )
        if self.left < 0:
            raise MilvusSecureError(
                f"{self.name}, line {line}: its aliases expand to more than {MAX_NODES} values.",
                "Write the values without aliases.",
            )
        if isinstance(node, ScalarNode):
            plain = node.style is None and not _is_tagged_as_text(node)
            return Scalar.of(node.value, line, file=self.name, plain=plain)
        if isinstance(node, MappingNode):
            return self._block(node, line, depth)
        items = Items(self.tree(item, depth + 1) for item in node.value)
        items.line, items.file = line, self.name
        return items

    def _block(self, node: MappingNode, line: int, depth: int) -> Block:
        block = Block(line, self.name)
        merged: list[Block] = []
        merge_line = 0
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                raise MilvusSecureError(
                    f"{self.name}, line {key_line}: a key is a list or a mapping.",
                    "Write the key as a word.",
                )
            value = self.tree(value_node, depth + 1)
            if key_node.value == "<<" and key_node.style is None:
                if merge_line:
                    block.repeats.append(Repeat("<<", merge_line, key_line))
                merge_line = key_line
                merged += self._mergeable(value, key_line)
                continue
            key = str(key_node.value)
            if key in block:
                block.repeats.append(Repeat(key, block.lines[key], key_line))
            tag = str(value_node.tag or "")
            if tag in {"!reset", "!override"}:
                block.tags[key] = tag
            block.put(key, value, key_line)
        for source in merged:
            for key, value in source.items():
                if key not in block:
                    block.put(key, value, source.lines[key])
        return block

    def _mergeable(self, value: Tree, line: int) -> list[Block]:
        """What ``<<`` merges; all readers of these files refuse anything but mappings."""
        items = [value] if isinstance(value, Block) else value
        if isinstance(items, Scalar) or not all(isinstance(item, Block) for item in items):
            raise MilvusSecureError(
                f"{self.name}, line {line}: << merges something that is not a mapping.",
                "Name anchors of mappings there.",
            )
        return [item for item in items if isinstance(item, Block)]


def _is_tagged_as_text(node: ScalarNode) -> bool:
    """``!!str`` written out; the parser gives the same tag to a plain word."""
    tag: Any = node.ctag
    return bool(tag and tag.handle == "!!" and tag.suffix == "str")
