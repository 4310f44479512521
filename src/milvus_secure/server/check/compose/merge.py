"""How Compose lays one file or service over another (compose-go ``override/merge.go``)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null
from .volumes import parse_volume

_REPLACED: Final = frozenset({"command", "entrypoint"})
_AS_LIST: Final = frozenset(
    {"env_file", "tmpfs", "dns", "dns_search", "profiles", "volumes_from", "expose", "cap_add"}
)


def merge_files(base: Block, over: Block) -> Block:
    """A whole file over another."""
    return _laid_over(base, over, _section)


def merge_services(base: Block, over: Block) -> Block:
    """A service over another: mappings merge, lists append, elements of one target replace."""
    return _laid_over(base, over, _key_of_service)


def _section(name: str, earlier: Tree | None, later: Tree) -> Tree:
    if name == "services" and isinstance(later, Block):
        return _laid_over(_block(earlier), later, _service)
    return _any_value(name, earlier, later)


def _service(_: str, earlier: Tree | None, later: Tree) -> Tree:
    return merge_services(_block(earlier), later) if isinstance(later, Block) else later


def _any_value(_: str, earlier: Tree | None, later: Tree) -> Tree:
    if isinstance(earlier, Block) and isinstance(later, Block):
        return _laid_over(earlier, later, _any_value)
    return later


def _block(tree: Tree | None) -> Block:
    return tree if isinstance(tree, Block) else Block()


def _laid_over(base: Block, over: Block, merged: Callable[[str, Tree | None, Tree], Tree]) -> Block:
    """A mapping over another; ``merged`` makes the value of a key from the earlier one, if any."""
    result = Block(over.line or base.line, over.file or base.file)
    result.tags = dict(base.tags)
    for key, value in base.items():
        result.put(key, value, base.lines[key])
    for key, value in over.items():
        tag = over.tags.get(key)
        if tag == "!reset":
            result.pop(key, None)
        else:
            earlier = None if tag == "!override" else result.get(key)
            result.put(key, merged(key, earlier, value), over.lines[key])
    return result


def as_environment(value: Tree | None) -> Iterator[tuple[str, Scalar | None, Tree]]:
    """The entries of ``environment`` in either form, each with the node that it stands in.

    The value is None for a variable without one.
    """
    if isinstance(value, Block):
        for name, item in value.items():
            yield name, item if isinstance(item, Scalar) and not is_null(item) else None, item
    elif isinstance(value, Items):
        for item in value:
            if isinstance(item, Scalar):
                name, equals, text = item.partition("=")
                yield name, Scalar.of(text, item.line, file=item.file) if equals else None, item


def _without_repeats(key: str, value: Tree) -> Tree:
    """Within one file too, a later element takes the place of one with the same index.

    compose-go ``override/uncity.go``, EnforceUnicity.
    """
    if not isinstance(value, Items):
        return value
    if key in _TARGETS:
        return _unique(tuple(value), _TARGETS[key], value)
    return _unique(tuple(value), _path_or_text, value) if key in _AS_LIST else value


def _key_of_service(key: str, earlier: Tree | None, later: Tree) -> Tree:
    if earlier is None or key in _REPLACED:
        return _without_repeats(key, later)
    if key == "environment":
        return _environment(earlier, later)
    if key in _TARGETS:
        return _unique((*_items(earlier), *_items(later)), _TARGETS[key], later)
    if key in _AS_LIST:
        return _unique((*_items(earlier), *_items(later)), _path_or_text, later)
    if isinstance(earlier, Items) and isinstance(later, Items):
        return _list((*earlier, *later), later)
    return _any_value(key, earlier, later)


def _environment(earlier: Tree, later: Tree) -> Block:
    block = Block(later.line, later.file)
    for name, text, node in (*as_environment(earlier), *as_environment(later)):
        unset = Scalar.of("", node.line, file=node.file, plain=True)
        block.put(name, unset if text is None else text, node.line)
    return block


def _items(value: Tree) -> tuple[Tree, ...]:
    return tuple(value) if isinstance(value, Items) else (value,)


def _list(items: Iterable[Tree], place: Tree) -> Items:
    merged = Items(items)
    merged.line, merged.file = place.line, place.file
    return merged


def _unique(items: tuple[Tree, ...], index: Callable[[Tree], str], place: Tree) -> Items:
    """A later element with the same index takes the earlier one's place."""
    kept = {index(item): item for item in items}
    return _list(kept.values(), place)


def _path_or_text(item: Tree) -> str:
    """What an ``env_file`` is called in either form; any other element is its text."""
    return str(item.get("path", "")) if isinstance(item, Block) else str(item)


def _volume_target(item: Tree) -> str:
    """What volumes are compared by; one whose target is not clean is like no other.

    Compose cleans such a target at another moment in each form, so that its verdict on two at one
    place depends on how they are written; `service` does not judge them.
    """
    written = item.get("target", "") if isinstance(item, Block) else parse_volume(str(item)).target
    target = str(written)
    return target if posixpath.normpath(target) == target else f"{target} {id(item)}"


def _mount_target(default: str) -> Callable[[Tree], str]:
    def index(item: Tree) -> str:
        if isinstance(item, Block):
            return str(item.get("target") or f"{default}/{item.get('source', '')}")
        return f"{default}/{item}"

    return index


_TARGETS: Final[dict[str, Callable[[Tree], str]]] = {
    "volumes": _volume_target,
    "secrets": _mount_target("/run/secrets"),
    "configs": _mount_target(""),
}
