"""Trees of YAML made without a file, and written out again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from .go_scalars import is_text
from .yaml_tree import Block, Items, Scalar, Tree


def as_text(tree: Tree) -> str:
    """YAML in flow style whose keys stand on their lines of the original file.

    A controller takes a part of a resource and writes it into a file for Milvus. Written so, the
    part is read as Milvus reads that file, and a line still tells where a value is set.

    Args:
        tree: A part of a file, values and quotes as they are.
    """
    writer = _Writer()
    writer.tree(tree)
    return "".join(writer.parts)


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.line = 1

    def tree(self, tree: Tree) -> None:
        if isinstance(tree, Scalar):
            # A plain number, boolean or null stays plain; any text is safe in quotes.
            self.parts.append(_quoted(tree) if is_text(tree) else str(tree) or "null")
            return
        self.parts.append("{" if isinstance(tree, Block) else "[")
        if isinstance(tree, Block):
            for key, value in tree.items():
                self._go_to(tree.lines.get(key, 0))
                self.parts.append(f"{_quoted(key)}: ")
                self.tree(value)
                self.parts.append(", ")
        elif isinstance(tree, Items):
            for value in tree:
                self.tree(value)
                self.parts.append(", ")
        self.parts.append("}" if isinstance(tree, Block) else "]")

    def _go_to(self, line: int) -> None:
        """Begin the line; a key of an anchor that stands above stays where it is."""
        if line > self.line:
            self.parts.append("\n" * (line - self.line))
            self.line = line


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def tree_of(value: object, line: int = 0) -> Tree:
    """A tree of a controller's own making; texts become quoted scalars, parts of files stay.

    Args:
        value: Mappings and lists of texts and of trees.
        line: The line in the file that it represents.
    """
    if isinstance(value, Scalar | Items | Block):
        return value
    if isinstance(value, Mapping):
        block = Block(line)
        for key, below in value.items():
            tree = tree_of(below, line)
            block.put(str(key), tree, getattr(tree, "line", line))
        return block
    if isinstance(value, Iterable) and not isinstance(value, str):
        return Items(tree_of(item, line) for item in value)
    return Scalar.of(str(value), line)


def block_of(values: Mapping[str, object], line: int = 0) -> Block:
    """`tree_of` a mapping."""
    tree = tree_of(values, line)
    assert isinstance(tree, Block)  # noqa: S101 - a mapping becomes one
    return tree
