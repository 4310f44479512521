"""How Compose lays one file or service over another (compose-go ``override/merge.go``)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Final

from ..yaml_tree import Block, Items, Scalar, Tree, is_null
from .volumes import parse_volume

_REPLACED: Final = frozenset({"command", "entrypoint"})
_AS_LIST: Final = frozenset(
    {"env_file", "tmpfs", "dns", "dns_search", "profiles", "volumes_from", "expose", "cap_add"}
)


def merge_services(base: Block, over: Block) -> Block:
    """A service over another: mappings merge, lists append, elements of one target replace."""
    merged = _copy(base)
    for key, value in over.items():
        line = over.lines[key]
        tag = over.tags.get(key)
        if tag == "!reset":
            merged.pop(key, None)
            continue
        if key not in merged or tag == "!override" or key in _REPLACED:
            merged.put(key, _without_repeats(key, value), line)
            continue
        merged.put(key, _merged(key, merged[key], value), line)
    return merged


def merge_blocks(base: Block, over: Block) -> Block:
    """Any mapping over another."""
    merged = _copy(base)
    for key, value in over.items():
        earlier = merged.get(key)
        tag = over.tags.get(key)
        if tag == "!reset":
            merged.pop(key, None)
        elif isinstance(earlier, Block) and isinstance(value, Block) and tag != "!override":
            merged.put(key, merge_blocks(earlier, value), over.lines[key])
        else:
            merged.put(key, value, over.lines[key])
    return merged


def merge_files(base: Block, over: Block) -> Block:
    """A whole file over another."""
    merged = merge_blocks(base, _without(over, "services"))
    services, above = base.get("services"), over.get("services")
    if not isinstance(above, Block):
        return merged
    result = _copy(services) if isinstance(services, Block) else Block(above.line)
    for name, service in above.items():
        earlier = result.get(name)
        if above.tags.get(name) == "!reset":
            result.pop(name, None)
            continue
        if isinstance(service, Block):
            base_service = earlier if isinstance(earlier, Block) else Block(service.line)
            result.put(name, merge_services(base_service, service), above.lines[name])
        else:
            result.put(name, service, above.lines[name])
    merged.put("services", result, above.line)
    return merged


def as_environment(value: Tree | None) -> Iterator[tuple[str, Scalar | None, int]]:
    """The entries of ``environment`` in either form; None for a variable without a value."""
    if isinstance(value, Block):
        for name, item in value.items():
            text = item if isinstance(item, Scalar) and not is_null(item) else None
            yield name, text, value.lines[name]
    elif isinstance(value, Items):
        for item in value:
            if isinstance(item, Scalar):
                name, equals, value_text = item.partition("=")
                yield name, Scalar.of(value_text, item.line) if equals else None, item.line


def _without_repeats(key: str, value: Tree) -> Tree:
    """Within one file too, a later element takes the place of one with the same index.

    compose-go ``override/uncity.go``, EnforceUnicity.
    """
    if not isinstance(value, Items):
        return value
    if key in _TARGETS:
        return _unique(tuple(value), _TARGETS[key], value)
    return _unique(tuple(value), _path_or_text, value) if key in _AS_LIST else value


def _merged(key: str, earlier: Tree, later: Tree) -> Tree:
    if key == "environment":
        return _environment(earlier, later)
    if key in _TARGETS:
        return _unique((*_items(earlier), *_items(later)), _TARGETS[key], later)
    if key in _AS_LIST:
        return _unique((*_items(earlier), *_items(later)), _path_or_text, later)
    if isinstance(earlier, Block) and isinstance(later, Block):
        return merge_blocks(earlier, later)
    if isinstance(earlier, Items) and isinstance(later, Items):
        return _list((*earlier, *later), later.line)
    return later


def _environment(earlier: Tree, later: Tree) -> Block:
    block = Block(later.line)
    for name, text, line in (*as_environment(earlier), *as_environment(later)):
        block.put(name, Scalar.of("", line, plain=True) if text is None else text, line)
    return block


def _items(value: Tree) -> tuple[Tree, ...]:
    return tuple(value) if isinstance(value, Items) else (value,)


def _list(items: tuple[Tree, ...], line: int) -> Items:
    merged = Items(items)
    merged.line = line
    return merged


def _unique(items: tuple[Tree, ...], index: Callable[[Tree], str], place: Tree) -> Items:
    """A later element with the same index takes the earlier one's place."""
    kept = {index(item): item for item in items}
    return _list(tuple(kept.values()), place.line)


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


def _copy(block: Block) -> Block:
    copy = Block(block.line)
    for key, value in block.items():
        copy.put(key, value, block.lines[key])
    copy.tags = dict(block.tags)
    return copy


def _without(block: Block, key: str) -> Block:
    copy = _copy(block)
    copy.pop(key, None)
    return copy
