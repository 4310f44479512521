"""Interpolation of variables, as Compose does it (compose-go ``template/template.go``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

_NAME: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR: Final = re.compile(r":?[-+?]")


class InterpolationError(ValueError):
    """The text is no valid template, or a required variable is missing."""


def interpolate(
    text: str, variables: Mapping[str, str], unset: Callable[[str], object] = lambda _: None
) -> str:
    """Replace ``$NAME``, ``${NAME}`` and its forms ``:-``, ``-``, ``:?``, ``?``, ``:+``, ``+``.

    Args:
        text: What to fill in; ``$$`` means one dollar sign.
        variables: The values.
        unset: Called with each name that has no value and no default; it becomes empty.

    Raises:
        InterpolationError: With the reason, which never has a variable's value in it.
    """
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            parts.append("$")
            at = dollar + 2
        elif following == "{":
            end = _closing_brace(text, dollar)
            parts.append(_braced(text[dollar + 2 : end], variables, unset))
            at = end + 1
        else:
            name = _NAME.match(text, dollar + 1)
            # A dollar sign before anything else is a dollar sign.
            parts.append("$" if name is None else _value(name[0], variables, unset))
            at = dollar + 1 if name is None else name.end()
    return "".join((*parts, text[at:]))


def _closing_brace(text: str, start: int) -> int:
    depth = 0
    at = start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise InterpolationError("a ${ has no closing brace")


def _braced(inner: str, variables: Mapping[str, str], unset: Callable[[str], object]) -> str:
    name = _NAME.match(inner)
    if name is None:
        raise InterpolationError("a ${ is not followed by a variable")
    if name.end() == len(inner):
        return _value(inner, variables, unset)
    operator = _OPERATOR.match(inner, name.end())
    if operator is None:
        raise InterpolationError(f"what follows {name[0]} in its braces is not a default")
    rest = interpolate(inner[operator.end() :], variables, unset)
    value = variables.get(name[0])
    empty_counts = operator[0].startswith(":")
    present = value is not None and (value != "" or not empty_counts)
    if operator[0].endswith("-"):
        return value or "" if present else rest
    if operator[0].endswith("+"):
        return rest if present else ""
    if not present:
        raise InterpolationError(f"the required variable {name[0]} is not set")
    return value or ""


def _value(name: str, variables: Mapping[str, str], unset: Callable[[str], object]) -> str:
    value = variables.get(name)
    if value is None:
        unset(name)
        return ""
    return value
