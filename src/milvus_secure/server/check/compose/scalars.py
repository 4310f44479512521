"""A value of ``environment`` as Compose writes it (``gopkg.in/yaml.v3``, then Go's ``%v``)."""

from __future__ import annotations

import re
from typing import Final

from ..yaml_tree import Scalar

_INTEGER: Final = re.compile(
    r"([-+]?)(?:0b([01_]+)|0o([0-7_]+)|0x([0-9a-fA-F_]+)|0([0-7_]+)|(0|[1-9][0-9_]*))", re.ASCII
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)


def compose_text(value: Scalar) -> str:
    """A scalar of the file as the text that the container gets."""
    typed = typed_scalar(value)
    if isinstance(typed, bool):
        return str(typed).lower()
    return _float(typed) if isinstance(typed, float) else str(typed)


def typed_scalar(value: Scalar) -> bool | int | float | str:
    """A scalar as ``yaml.v3`` decodes it; nulls and dates stay text."""
    if not value.plain:
        return str(value)
    if value.lower() in {"true", "false"} and value in {
        value.lower(),
        value.title(),
        value.upper(),
    }:
        return value.lower() == "true"
    match = _INTEGER.fullmatch(value)
    if match is not None and len(value) < 64:
        sign, *digits = match.groups()
        for text, base in zip(digits, (2, 8, 16, 8, 10), strict=True):
            if text is not None and text.replace("_", ""):
                return int(f"{sign}{text.replace('_', '')}", base)
    if _FLOAT.fullmatch(value) and len(value) < 64:
        return float(value)
    return str(value)


def _float(value: float) -> str:
    """Go's ``%v``: the shortest form, with an exponent below 1e-4 and from 1e21 on."""
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].zfill(2)}"
