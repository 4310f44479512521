"""What a setting is called, and what documentation, flags and variables say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from .normalize import INLINE, PATHS, SECRETS


class Declaration(NamedTuple):
    """One setting as documentation, flags and variables need it."""

    name: str
    variable: str
    aliases: tuple[str, ...]
    type: str
    default: str
    meaning: str


def declared(fields: Mapping[str, FieldInfo]) -> tuple[Declaration, ...]:
    """What the fields of a settings model declare, in their order.

    Args:
        fields: Each described by ``description`` and, in ``json_schema_extra``, its aliases.
    """
    rows = []
    for name, info in fields.items():
        extra: Any = info.json_schema_extra
        default = "" if info.default is None else str(info.default)
        rows.append(
            Declaration(
                name,
                f"MILVUS_{name.upper()}",
                tuple(extra["aliases"]),
                _type_name(name),
                default,
                info.description or "",
            )
        )
    return tuple(rows)


def _type_name(name: str) -> str:
    if name in SECRETS:
        return "secret"
    if name == "ca_pem_path":
        return "path or `system`"
    if name in PATHS:
        return "path"
    if name in INLINE:
        return "PEM text"
    words = {"timeout": "seconds", "expiry_warning_days": "days", "tls_mode": "mode"}
    truth = {"secure", "allow_plaintext"}
    return words.get(name, "true or false" if name in truth else "text")
