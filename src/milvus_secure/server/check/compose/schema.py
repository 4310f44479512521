"""What Compose's schema refuses: unknown keys, and values of the wrong kind.

The schema is Compose's own. ``compose-spec.json`` is the Compose Specification (Apache-2.0,
github.com/compose-spec/compose-go ``schema/compose-spec.json``) without its descriptions, as
``tools/compose_schema.py`` takes it out of Docker Compose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from ...._common.text import nearest
from ..yaml.go_scalars import compose_value
from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null
from .refusal import ComposeRefusedError, ComposeUnresolvedError
from .values import fault_of_text

RELEASE: Final = "2.40.3"
"""The Compose that the schema is of."""

Schema = Mapping[str, Any]

_WORDS: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "a boolean",
    "null": "empty",
    "array": "a list",
    "object": "a mapping",
    "date": "a date",
}
# gopkg.in/yaml.v3, resolve.go: a plain date is a time.Time, which the schema has no type for.
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d.*)?", re.ASCII
)


@cache
def compose_schema() -> Schema:
    """The schema of a Compose file."""
    schema: Schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text("utf-8"))
    return schema


def is_top_level(key: str) -> bool:
    """True for a key that a Compose file may have at its top level."""
    return key in compose_schema()["properties"] or key.startswith("x-")


def check_schema(document: Block, file: str) -> None:
    """Refuse what Compose's schema refuses.

    Args:
        document: A file with its variables filled in, nothing resolved yet.
        file: Its name.

    Raises:
        ComposeRefusedError: With the first reason.
        ComposeUnresolvedError: If it has a key that only a later release can know.
    """
    faults = _faults(document, compose_schema(), "", 0)
    for fault in chain(_repeats(document, ""), faults, _faults_of_transform(document)):
        source = f"{file}:{fault.line}" if fault.line else file
        if fault.fix is None:
            why = f"Compose {RELEASE} refuses it, because {fault.where} {fault.why}"
            raise ComposeUnresolvedError(file, why, source)
        place = f"{fault.where} " if fault.where else ""
        raise ComposeRefusedError(f"Compose refuses {file}: {place}{fault.why}.", fault.fix, source)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What the schema refuses.

    Attributes:
        where: Keys with dots between them; empty for the file.
        why: What is said of it, a predicate.
        fix: What helps; None for a key that a later Compose may know.
        line: From 1; 0 if unknown.
    """

    where: str
    why: str
    fix: str | None
    line: int


def _faults(tree: Tree, schema: Schema, where: str, line: int) -> Iterator[_Fault]:
    """What a part of the schema refuses.

    Args:
        tree: A value.
        schema: What the value must be.
        where: Its place.
        line: The line of its key.
    """
    branches = [_resolved(branch) for branch in (_resolved(schema).get("oneOf") or [schema])]
    fitting = [branch for branch in branches if _has_type(tree, branch)]
    if not fitting:
        yield _wrong_type(tree, branches, where, line)
        return
    faults = [list(_faults_of_type(tree, branch, where, line)) for branch in fitting]
    yield from min(faults, key=len)


def _faults_of_type(tree: Tree, schema: Schema, where: str, line: int) -> Iterator[_Fault]:
    if isinstance(tree, Block):
        yield from _faults_of_mapping(tree, schema, where, line)
    elif isinstance(tree, Items):
        for number, item in enumerate(tree):
            at = getattr(item, "line", 0) or line
            yield from _faults(item, schema.get("items", {}), f"{where}[{number}]", at)
    else:
        yield from _faults_of_value(tree, schema, where, line)


def _faults_of_mapping(block: Block, schema: Schema, where: str, line: int) -> Iterator[_Fault]:
    above = f"{where}." if where else ""
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, value in block.items():
        below = properties.get(key)
        for pattern, schema_of_pattern in patterns.items() if below is None else ():
            below = schema_of_pattern if re.search(pattern, key, re.ASCII) else below
        at = block.lines.get(key, 0)
        if below is not None and key not in block.tags:
            yield from _faults(value, below, f"{above}{key}", at)
        elif below is None and schema.get("additionalProperties") is False:
            yield _unknown_key(key, tuple(properties), where, at)
    for key in schema.get("required", ()):
        if key not in block:
            yield _Fault(where, f"has no {key}", f"Set {key}.", block.line or line)


def _faults_of_value(value: Scalar, schema: Schema, where: str, line: int) -> Iterator[_Fault]:
    values = schema.get("enum")
    if values and value not in values:
        why = f"is {str(value)[:40]!a}, and must be one of {', '.join(values)}"
        yield _Fault(where, why, "Write one of these values.", line)
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value, re.ASCII):
        yield _Fault(where, f"does not match {pattern}", "Correct the value.", line)
    typed = compose_value(value)
    wrong = fault_of_text(value, _types(schema), where)
    if wrong is not None:
        yield _Fault(where, f"is {str(value)[:40]!a}, which {wrong}", "Correct it.", line)
    low, high = schema.get("minimum"), schema.get("maximum")
    if not isinstance(typed, str) and (
        (low is not None and typed < low) or (high is not None and typed > high)
    ):
        yield _Fault(where, f"is {typed}, which is not allowed", "Correct the number.", line)


def _faults_of_transform(document: Block) -> Iterator[_Fault]:
    """What Compose refuses of an entry after the schema (compose-go ``transform``, ``types``)."""
    services = document.get("services")
    for name, service in services.items() if isinstance(services, Block) else ():
        for key in ("volumes", "environment"):
            entries = service.get(key) if isinstance(service, Block) else None
            for item in entries if isinstance(entries, Items) else ():
                where = f"services.{name}.{key}"
                if isinstance(item, Block) and not item.get("target"):
                    fix = "Set target to a path in the container."
                    yield _Fault(where, "has a volume without a target", fix, item.line)
                variable = item.partition("=")[0] if isinstance(item, Scalar) else ""
                if key == "environment" and variable != variable.rstrip():
                    why = f"sets {variable.strip()} with a blank after its name"
                    fix = "Remove the blank before the equals sign."
                    yield _Fault(where, why, fix, getattr(item, "line", 0))


def _unknown_key(key: str, known: tuple[str, ...], where: str, line: int) -> _Fault:
    if not known:  # names that the author chooses, such as those of services
        fix = "Use letters, digits, dots, dashes and underscores."
        return _Fault(f"{where}.{key}", "has a name that is not allowed", fix, line)
    near = nearest(key, known, 0.75)
    fix_near = f"Write {near}." if near else None
    return _Fault(where, f"has the unknown key {key}", fix_near, line)


def _wrong_type(tree: Tree, branches: list[Schema], where: str, line: int) -> _Fault:
    actual = _type(tree)
    types = dict.fromkeys(kind for branch in branches for kind in _types(branch))
    expected = " or ".join(_WORDS[kind] for kind in types)
    key = where.rpartition(".")[2]
    fix = f"Write {expected}, or remove {key}."
    if key.startswith("environment["):
        fix = "Write each entry as NAME=value."
    elif actual in {"number", "integer", "boolean", "date"} and "string" in types:
        fix = "Put the value in quotes."
    return _Fault(where, f"is {_WORDS[actual]}, and must be {expected}", fix, line)


def _resolved(schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    name = reference.removeprefix("#/definitions/")
    definition: Schema = compose_schema()["definitions"][name]
    return definition


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _has_type(tree: Tree, schema: Schema) -> bool:
    types, actual = _types(schema), _type(tree)
    return not types or actual in types or (actual == "integer" and "number" in types)


def _type(value: Tree) -> str:
    """The type of a value in JSON Schema; a date has none."""
    if not isinstance(value, Scalar):
        return "object" if isinstance(value, Block) else "array"
    if not value.plain:
        return "string"
    if is_null(value):
        return "null"
    if _TIMESTAMP.fullmatch(value):
        return "date"
    typed = compose_value(value)
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names[type(typed)]


def _repeats(tree: Tree, above: str) -> Iterator[_Fault]:
    """Keys that are given twice, which Compose's parser refuses."""
    if isinstance(tree, Block):
        for repeat in tree.repeats:
            why = f"appears again in line {repeat.later}"
            fix = f"Put everything under one {repeat.key}."
            yield _Fault(f"{above}{repeat.key}", why, fix, repeat.later)
        for key, value in tree.items():
            yield from _repeats(value, f"{above}{key}.")
    elif isinstance(tree, Items):
        for item in tree:
            yield from _repeats(item, above)
