"""The names by which a class of settings may be given its values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .declarations import added_fields, pydantic_aliases, variables
from .source_errors import unknown_key

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings


class Keys:
    """The keys that arguments, files and sources may use for settings.

    Attributes:
        names: Each with the setting's name.
        aliases: The aliases that pydantic takes for fields, with the fields' names.
        added: The fields that a subclass added to the settings.
        extra: What becomes of others: ``forbid``, ``ignore`` or ``allow``, as in pydantic.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        fields = settings_cls.model_fields
        self.aliases = {
            alias: name for name, info in fields.items() for alias in pydantic_aliases(info)
        }
        self.names = {**{name: name for name in fields}, **self.aliases}
        self.added = added_fields(fields)
        self.variables = cache(partial(variables, fields))
        self.extra = settings_cls.model_config.get("extra") or "forbid"

    def refuse_unknown(
        self, sections: Mapping[str, Mapping[str, object]], path: Path | None = None
    ) -> None:
        """Refuse keys that are no settings, unless the class wants others too.

        Args:
            sections: Values by key, by what is to be named as their source.
            path: The file they are in, if they are in one.

        Raises:
            SettingsError: With one finding for each of them.
        """
        unknown = [
            unknown_key(
                str(key),
                where,
                tuple(self.names),
                path,
                is_table=path is not None and isinstance(value, Mapping),
            )
            for where, section in sections.items()
            for key, value in section.items()
            if key not in self.names and self.extra == "forbid"
        ]
        if unknown:
            raise SettingsError(*unknown)

    def settings(self, values: Mapping[str, object]) -> dict[str, object]:
        """The values by the names of settings, without those that count as not given."""
        return {
            self.names.get(key, key): value
            for key, value in values.items()
            if value is not None and (key in self.names or self.extra == "allow")
        }


@lru_cache(maxsize=64)
def keys_of(settings_cls: type[BaseSettings]) -> Keys:
    """The keys of a class, gathered from its fields once."""
    return Keys(settings_cls)
