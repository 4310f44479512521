"""Plain scalars as Go programs read them from YAML, and as the text that they write for them.

Milvus and the Kubernetes tools use YAML 1.1 (``gopkg.in/yaml.v2``), Compose uses ``yaml.v3``; both
read numbers alike (``resolve.go``).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from .yaml_tree import Scalar, Tree, is_null

_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE: Final = frozenset(
    ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
)
_PARSED_TRUE: Final = frozenset(["1", "t", "T", "true", "TRUE", "True"])
_INTEGER: Final = re.compile(
    r"([-+]?)(?:0[bB]([01]+)|0[oO]?([0-7]+)|0[xX]([0-9a-fA-F]+)|(0|[1-9][0-9]*))", re.ASCII
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_NUMBER: Final = 64
_NOT_TEXT: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)", re.ASCII)


def scalar_text(value: Scalar) -> str:
    """A scalar as Milvus keeps it (``yaml.v2``, then ``cast.ToStringE``).

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
    typed = _number(value)
    if isinstance(typed, float):  # strconv.FormatFloat(typed, 'f', -1, 64)
        text = format(Decimal(repr(typed)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value) if typed is None else str(typed)


def compose_value(value: Scalar) -> bool | int | float | str:
    """A scalar as Compose decodes it (``yaml.v3``); nulls and dates stay text."""
    if not value.plain:
        return str(value)
    if value in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return value.lower() == "true"
    typed = _number(value)
    return str(value) if typed is None else typed


def compose_text(value: Scalar) -> str:
    """A value of ``environment`` as the text that the container gets (Go's ``%v``)."""
    typed = compose_value(value)
    if isinstance(typed, bool):
        return str(typed).lower()
    if not isinstance(typed, float):
        return str(typed)
    # strconv.FormatFloat(typed, 'g', -1, 64): the shortest digits, from 1e6 on with an exponent.
    shortest = Decimal(repr(typed)).normalize()
    exponent = shortest.adjusted()
    if -4 <= exponent < 6:
        return format(shortest, "f")
    sign, digits, _ = shortest.as_tuple()
    first, *others = map(str, digits)
    fraction = f".{''.join(others)}" if others else ""
    return f"{'-' * sign}{first}{fraction}e{exponent:+03d}"


def boolean(value: Tree | None) -> bool | None:
    """A plain YAML 1.1 boolean, as ``sigs.k8s.io/yaml`` reads it; None for anything else."""
    if not isinstance(value, Scalar) or not value.plain:
        return None
    return {"true": True, "false": False}.get(scalar_text(value))


def number(value: Tree | None) -> int | None:
    """A plain whole number, or None for anything else."""
    if not isinstance(value, Scalar) or not value.plain:
        return None
    text = scalar_text(value)
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) else None


def is_text(value: Scalar) -> bool:
    """Whether a scalar is a string to a cluster: quoted, or neither number, boolean nor null."""
    if not value.plain:
        return True
    if is_null(value) or boolean(value) is not None:
        return False
    return _NOT_TEXT.fullmatch(scalar_text(value)) is None


def atoi(text: str) -> int:
    """``strconv.Atoi``, with Milvus's default of 0 for what is no number.

    Milvus ``pkg/util/paramtable/param_item.go``, GetAsInt: blanks make it fail as well.
    """
    return int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text, re.ASCII) else 0


def parse_bool(text: str) -> bool:
    """``strconv.ParseBool``, with Milvus's default of false for what is none (GetAsBool)."""
    return text in _PARSED_TRUE


def _number(value: str) -> int | float | None:
    """A plain scalar as a number: ``strconv.ParseInt(text, 0, 64)``, then a float, else None."""
    text = value.replace("_", "")
    if value[:1] not in tuple("+-.0123456789") or len(text) > _LONGEST_NUMBER:
        return None
    match = _INTEGER.fullmatch(text)
    if match is not None:
        sign, *digits = match.groups()
        [integer] = [
            int(f"{sign}{part}", base)
            for part, base in zip(digits, (2, 8, 16, 10), strict=True)
            if part is not None
        ]
        if -(2**63) <= integer < 2**64:
            return integer
    real = float(text) if _FLOAT.fullmatch(text) else math.inf
    return None if math.isinf(real) else real
