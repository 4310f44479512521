"""Asks all sources, merges what they give, and notes what none of them reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ..pem.slots import Slot
from ..reporting.report import Finding
from .loading import Loading, Places
from .normalize import clean, with_scheme
from .provenance import Sourced
from .pymilvus_variables import unreadable
from .sources import (
    ArgumentsSource,
    EnvFileSource,
    EnvironmentSource,
    SecretsDirSource,
    SettingsFileSource,
    SourceWithProvenance,
    VariablesSource,
)
from .unread_names import unread_variables


def load(
    settings_cls: type[BaseSettings], values: Mapping[str, object], places: Places
) -> tuple[dict[str, Sourced], list[Finding]]:
    """Load settings from the sources that a class wants.

    Args:
        settings_cls: Its ``settings_customise_sources`` chooses the sources.
        values: The arguments.
        places: Where the other sources are.

    Returns:
        The cleaned settings with their provenance, and what was noticed while loading.

    Raises:
        SettingsError: As the sources do.
    """
    loading = Loading(settings_cls, places)
    sources = settings_cls.settings_customise_sources(
        settings_cls,
        init_settings=ArgumentsSource(settings_cls, values, loading),
        env_settings=EnvironmentSource(settings_cls, loading),
        dotenv_settings=EnvFileSource(settings_cls, loading),
        file_secret_settings=SecretsDirSource(settings_cls, loading),
    )
    if not loading.has_file_source:
        sources = _with_file(sources, SettingsFileSource(settings_cls, loading))
    merged = merge(sources, loading)
    cleaned, notes = clean(with_scheme(merged), places.environ)
    variables = _variables(sources)
    unread = unread_variables(
        {**_secret_files(sources), **variables},
        loading.variables,
        places.prefix,
        uri_is_default="uri" not in merged,
    )
    return cleaned, [*loading.notes, *unread, *unreadable(variables), *notes]


def merge(
    sources: tuple[PydanticBaseSettingsSource | Callable[[], dict[str, Any]], ...],
    loading: Loading,
) -> dict[str, Sourced]:
    """The value of each setting from the strongest source that gives it.

    Args:
        sources: The strongest first.
        loading: What they share.

    Raises:
        SettingsError: As the sources do, and for a setting that does not exist.
    """
    merged: dict[str, Sourced] = {}
    for rank, source in enumerate(sources):
        for name, value in _values(source, merged, loading).items():
            ranked = value if value.rank == rank else replace(value, rank=rank)
            stronger = merged.get(name)
            if stronger is None:
                merged[name] = ranked
            elif isinstance(stronger.value, dict) and isinstance(value.value, dict):
                merged[name] = replace(stronger, value=_deep(value.value, stronger.value))
    return _without_implicit(merged)


def _with_file(
    sources: tuple[PydanticBaseSettingsSource, ...], file: SettingsFileSource
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Put the settings file in its place, after arguments and variables.

    pydantic-settings' hook has no parameter for it, so that a class that names the four it has
    would ignore a file that was named. ``config=False`` leaves it out.
    """
    kinds = (ArgumentsSource, VariablesSource)
    stronger = [place for place, source in enumerate(sources, 1) if isinstance(source, kinds)]
    place = max(stronger, default=0)
    return (*sources[:place], file, *sources[place:])


def _variables(sources: tuple[object, ...]) -> dict[str, Sourced]:
    """The variables of these sources; those of the stronger go before the others."""
    variables: dict[str, Sourced] = {}
    for source in reversed(sources):
        if isinstance(source, VariablesSource):
            variables.update(source.variables_at_top)
    return variables


def _secret_files(sources: tuple[object, ...]) -> dict[str, Sourced]:
    secrets = (source for source in sources if isinstance(source, SecretsDirSource))
    return {name: value for source in secrets for name, value in source.variables.items()}


def _values(
    source: PydanticBaseSettingsSource | Callable[[], dict[str, Any]],
    merged: Mapping[str, Sourced],
    loading: Loading,
) -> dict[str, Sourced]:
    if isinstance(source, SourceWithProvenance):
        return source.sourced()
    if isinstance(source, PydanticBaseSettingsSource):
        state = {name: value.value for name, value in merged.items()}
        source._set_current_state(state)  # noqa: SLF001 - what BaseSettings does, for current_state
    where = getattr(source, "__name__", type(source).__name__)
    values = source()
    loading.keys.refuse_unknown({where: values})
    return {
        name: Sourced(value, where, loading.places.cwd, literal=True)
        for name, value in loading.keys.settings(values).items()
    }


def _deep(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values of a subclass's field, merged as pydantic-settings merges them."""
    merged = {**weaker, **stronger}
    for name in weaker.keys() & stronger.keys():
        if isinstance(weaker[name], dict) and isinstance(stronger[name], dict):
            merged[name] = _deep(weaker[name], stronger[name])
    return merged


def _without_implicit(merged: Mapping[str, Sourced]) -> dict[str, Sourced]:
    """Leave out a file used for its name alone where its piece, or half of its pair, is set."""
    explicit = {name for name, value in merged.items() if not value.implicit}
    pair = {*Slot.CLIENT_PEM.settings, *Slot.CLIENT_KEY.settings}

    def counts(name: str) -> bool:
        siblings = pair if name in pair else set(Slot(name.removesuffix("_path")).settings)
        return not explicit & siblings

    return {name: value for name, value in merged.items() if not value.implicit or counts(name)}
