"""What a setting is called, and what documentation, flags and variables say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import AliasChoices, Field
from pydantic.fields import FieldInfo

from .arguments import SettingsKwargs
from .normalize import INLINE, PATHS, SECRETS

PREFIX = "MILVUS_"
"""What variables begin with, unless ``env_prefix`` says otherwise."""


def setting(default: Any, meaning: str, *aliases: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Declare a setting.

    Args:
        default: Its default.
        meaning: For documentation and flags.
        *aliases: Other projects' names of its variable, without the prefix.
    """
    return Field(default, description=meaning, json_schema_extra={"aliases": list(aliases)})


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
        default = "" if info.default is None else str(info.default)
        aliases = tuple(f"{PREFIX}{alias}" for alias in _aliases(info))
        variable = f"{PREFIX}{name.upper()}"
        row = Declaration(
            name, variable, aliases, _type_name(name), default, info.description or ""
        )
        rows.append(row)
    return tuple(rows)


def variables(fields: Mapping[str, FieldInfo], prefix: str = PREFIX) -> dict[str, str]:
    """Every variable with the setting it stands for.

    Args:
        fields: Of a settings model.
        prefix: What the variables begin with; case does not matter.

    Returns:
        The proper names first, so that they go before the names of other projects.
    """
    upper = prefix.upper()
    proper = {f"{upper}{name.upper()}": name for name in fields}
    others = {f"{upper}{alias}": name for name, info in fields.items() for alias in _aliases(info)}
    for name, info in fields.items():
        others |= {alias.upper(): name for alias in pydantic_aliases(info)}
    return {**proper, **{name: setting for name, setting in others.items() if name not in proper}}


def added_fields(fields: Mapping[str, FieldInfo]) -> dict[str, FieldInfo]:
    """The fields that a subclass added to the settings."""
    return {
        name: info for name, info in fields.items() if name not in SettingsKwargs.__annotations__
    }


def pydantic_aliases(info: FieldInfo) -> list[str]:
    """The names by which pydantic takes a field in place of the field's name."""
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias] if isinstance(alias, str) else []


def _aliases(info: FieldInfo) -> tuple[str, ...]:
    """Other projects' names for a setting, without the prefix."""
    extra = info.json_schema_extra
    aliases = extra.get("aliases") if isinstance(extra, Mapping) else None
    return tuple(map(str, aliases)) if isinstance(aliases, list) else ()


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
