"""YAML in and out: new documents in one style, existing ones with everything else kept."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.tokens import AliasToken
from ruamel.yaml.util import load_yaml_guess_indent

from ...errors import MilvusSecureError
from ..milvus_keys import format_key

_MAX_DEPTH = 20
MAX_ALIASES = 200
"""Anchors are legal in these files; more aliases than this is a bomb, not a configuration."""

_OTHER_KINDS = {
    "services": "a Compose file",
    "extraConfigFiles": "values of the Helm chart",
    "customConfigMap": "values of the Helm chart",
    "apiVersion": "a Kubernetes resource",
}
"""The kind of file that a top-level key identifies; no milvus.yaml has these keys."""


def dumped(*documents: Mapping[str, Any], header: str = "") -> str:
    """New YAML text from plain values; several documents are separated by ``---``."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1 << 20
    stream = io.StringIO()
    yaml.dump_all([dict(document) for document in documents], stream)
    return header + stream.getvalue()


def parsed(text: str, name: str) -> list[Any]:
    """Every document of a YAML text, with line numbers and comments kept.

    Args:
        text: At most a few MiB.
        name: What to call it in an error.

    Raises:
        MilvusSecureError: If it is not YAML, a key is repeated, or it is an entity bomb; with
            line and column, never with the text around them.
    """
    yaml = YAML()
    _refuse_bombs(text, name)
    with brief_errors(name):
        return list(yaml.load_all(text))


def patched(text: str, keys: Mapping[str, Any], name: str) -> str:
    """An existing milvus.yaml with some keys set; comments, order and other keys stay.

    A key is changed in place, in any spelling that Milvus reads.

    Args:
        text: The file as it is.
        keys: Nested mappings of what to set.
        name: What to call it in an error.

    Raises:
        MilvusSecureError: If it is not YAML, is another kind of file than a milvus.yaml, or a
            key to descend into is no mapping.
    """
    _refuse_bombs(text, name)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    with brief_errors(name):
        document, indent, offset = load_yaml_guess_indent(text, yaml=yaml)
    if document is None:
        return text + dumped(keys)
    if not isinstance(document, CommentedMap):
        raise MilvusSecureError(f"{name} is not a mapping of settings.", "Patch a milvus.yaml.")
    other_kind = next((kind for key, kind in _OTHER_KINDS.items() if key in document), None)
    if other_kind is not None:
        raise MilvusSecureError(
            f"{name} is {other_kind}, not a milvus.yaml.", "Patch a milvus.yaml."
        )
    for dotted, value in leaves(keys):
        _set(document, dotted, value, name)
    yaml.indent(mapping=2, sequence=indent or 2, offset=offset or 0)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def leaves(keys: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted key and the value of everything in nested mappings."""
    for key, value in keys.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _set(document: CommentedMap, dotted: str, value: Any, name: str) -> None:  # noqa: ANN401 - as YAML has it
    """Set a key in every spelling in which it stands; else add it to its section."""
    key_name = format_key(dotted)
    entries = list(_entries(document))
    places = [(holder, key) for holder, key, path in entries if format_key(path) == key_name]
    for holder, key in places:
        holder[key] = value
    if places:
        return
    words = dotted.split(".")
    section = document
    for depth in range(len(words) - 1, 0, -1):
        prefix = format_key(".".join(words[:depth]))
        sections = [(holder, key) for holder, key, path in entries if format_key(path) == prefix]
        if sections:
            section = _section(*sections[-1], ".".join(words[:depth]), name)
            words = words[depth:]
            break
    for word in words[:-1]:
        section[word] = CommentedMap()
        section = section[word]
    # At the front: comments behind the last key belong to the next section.
    section.insert(0, words[-1], value)


def _section(holder: CommentedMap, key: Any, dotted: str, name: str) -> CommentedMap:  # noqa: ANN401
    if holder[key] is None:
        holder[key] = CommentedMap()
    section = holder[key]
    if not isinstance(section, CommentedMap):
        line = holder.lc.key(key)[0] + 1
        raise MilvusSecureError(f"{name}, line {line}: {dotted} is not a mapping.", "Correct it.")
    return section


def _entries(
    node: CommentedMap, above: str = "", depth: int = 0
) -> Iterator[tuple[CommentedMap, Any, str]]:
    """Each key of nested mappings with its holder and its dotted path."""
    for key, value in node.items():
        path = f"{above}{key}"
        yield node, key, path
        if isinstance(value, CommentedMap) and depth < _MAX_DEPTH:  # an alias may lead upwards
            yield from _entries(value, f"{path}.", depth + 1)


@contextmanager
def brief_errors(name: str) -> Iterator[None]:
    """Turn the parser's errors into one that names file, line and column, and quotes nothing."""
    try:
        yield
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        repeated = isinstance(error, DuplicateKeyError)
        why = "a key appears twice" if repeated else error.problem or "it is not YAML"
        raise MilvusSecureError(f"{name}{place}: {why}.", "Correct it.") from None
    except MilvusSecureError:
        raise
    except Exception:  # noqa: BLE001 - ruamel.yaml fails on odd keys and scalars in many ways
        raise MilvusSecureError(f"{name} is not YAML.", "Correct it.") from None


def _refuse_bombs(text: str, name: str) -> None:
    with brief_errors(name):
        if sum(1 for _ in _aliases(text)) > MAX_ALIASES:
            raise MilvusSecureError(
                f"{name} has more than {MAX_ALIASES} YAML aliases.",
                "Write the values without aliases.",
            )


def _aliases(text: str) -> Iterator[AliasToken]:
    if "*" in text:
        yield from (token for token in YAML().scan(text) if isinstance(token, AliasToken))
