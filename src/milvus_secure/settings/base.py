"""How settings are loaded, copied and shown, with any fields."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .._common.endpoint import DEFAULT_URI, ParsedUri, parse_uri
from .._common.frames import without_arguments_in_frames
from ..errors import SettingsError
from ..reporting.report import Finding
from .arguments import SettingsKwargs
from .declarations import PREFIX, setting
from .field_types import Uri, checked_text
from .keys import keys_of
from .loading import DEFAULT_ENV_FILE, PathText, Places
from .merge import load
from .normalize import clean, shown_value, unpack
from .other_names import ENDPOINTS
from .provenance import Sourced, is_inside
from .source_errors import invalid_values
from .sources import SettingsFileSource, SourceWithProvenance, as_arguments

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


_AS_CONFIGURED = Path()
"""Stands for what ``model_config`` says, as in pydantic-settings."""


def _as_tuple(paths: PathText | Sequence[PathText] | None) -> tuple[PathText, ...]:
    if paths is None:
        return ()
    return (paths,) if isinstance(paths, (str, os.PathLike)) else tuple(paths)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us; absolute paths still work
        return Path(os.sep)


def _arguments(
    cls: type[LoadedSettings], values: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[dict[str, Sourced], list[Finding]]:
    return clean(as_arguments(values, keys_of(cls), _working_directory()), environ)


class LoadedSettings(BaseSettings):
    """Settings with provenance: what `SettingsModel` is apart from its fields.

    Only the uri is declared here, since loading takes it apart.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
        defer_build=True,  # of a class and those it is made from, one is used
        env_prefix=PREFIX,
        env_file=DEFAULT_ENV_FILE,
    )

    uri: Uri = setting(DEFAULT_URI, "`http`, `https` or `tcp` endpoint", *ENDPOINTS)

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _prefix: str = PrivateAttr(default=PREFIX)
    _notes: tuple[Finding, ...] = PrivateAttr(default=())
    _parsed_uri: ParsedUri = PrivateAttr()

    @field_validator("*", mode="before")
    @classmethod
    def _checked(cls, value: object, info: ValidationInfo) -> object:
        name = info.field_name or ""
        return checked_text(name, value) if name in SettingsKwargs.__annotations__ else value

    @without_arguments_in_frames
    def __init__(
        self,
        *,
        profile: str | None = None,
        config: PathText | Literal[False] | None = None,
        environ: Mapping[str, str] | None = None,
        env_file: PathText | Sequence[PathText] | None = _AS_CONFIGURED,
        secrets_dir: PathText | Sequence[PathText] | None = None,
        cwd: PathText | None = None,
        _env_prefix: str | None = None,
        _env_file: PathText | Sequence[PathText] | None = _AS_CONFIGURED,
        _secrets_dir: PathText | Sequence[PathText] | None = None,
        **values: Unpack[SettingsKwargs],
    ) -> None:
        cls, configured = type(self), type(self).model_config
        files = _env_file if env_file is _AS_CONFIGURED else env_file
        files = configured.get("env_file") if files is _AS_CONFIGURED else files
        secrets = secrets_dir or _secrets_dir or configured.get("secrets_dir")
        prefix = configured.get("env_prefix", "") if _env_prefix is None else _env_prefix
        places = Places(
            environ=os.environ if environ is None else environ,
            config=config,
            profile=profile,
            env_files=_as_tuple(files),
            secrets_dirs=_as_tuple(secrets),
            cwd=_working_directory() if cwd is None else Path(cwd).absolute(),
            prefix=prefix.upper(),
        )
        self._fill(*load(cls, values, places))
        self._prefix = places.prefix

    @classmethod
    @without_arguments_in_frames
    def from_arguments(cls, **values: Unpack[SettingsKwargs]) -> Self:
        """Settings from these arguments alone; no environment variable and no file is read.

        Args:
            **values: Any setting. A relative path starts at the working directory; ``~`` is the
                home directory, and a ``$VAR`` stays as it is written.

        Raises:
            SettingsError: If a name is not a setting, or a value is not of its type.
        """
        settings = cls.__new__(cls)
        cls._fill(settings, *_arguments(cls, values, {}))
        return settings

    def _fill(self, cleaned: Mapping[str, Sourced], notes: Iterable[Finding]) -> None:
        uri = cleaned.get("uri")
        parsed = parse_uri(uri.value) if uri and isinstance(uri.value, str) else None
        settings, unused = unpack(cleaned, parsed)
        aliases = keys_of(type(self)).aliases
        by_alias = {name: alias for alias, name in aliases.items()}
        try:
            # Past BaseSettings, which would ask all sources once more.
            BaseModel.__init__(
                self,
                **{by_alias.get(name, name): sourced.value for name, sourced in settings.items()},
            )
        except ValidationError as error:
            invalid = invalid_values(error, settings, aliases)
        else:
            invalid = []
        if invalid:  # outside the handler: pydantic's exception holds on to the values
            raise SettingsError(*invalid)
        self._sources = {name: sourced.source for name, sourced in settings.items()}
        self._notes = (*notes, *unused)
        # A validator of a subclass may have changed it.
        same = parsed is not None and parsed.bare == self.uri
        self._parsed_uri = parsed if parsed and same else parse_uri(self.uri)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the strongest first; override it to add, leave out or reorder some.

        The provenance of a value from a source of your own is the name of the source's class.
        """
        files = []
        if isinstance(init_settings, SourceWithProvenance):
            files.append(SettingsFileSource(settings_cls, init_settings.loading))
        return (init_settings, env_settings, dotenv_settings, *files, file_secret_settings)

    def source_of(self, name: str) -> str:
        """Where a setting's value came from, such as ``env MILVUS_URI`` or ``default``."""
        return self._sources.get(name, "default")

    def variable_of(self, name: str) -> str:
        """The environment variable of a setting, such as ``MILVUS_URI``."""
        return f"{self._prefix}{name.upper()}"

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What was noticed while loading: cleaned values and misspelled variables."""
        return self._notes

    @without_arguments_in_frames
    def replace(self, **values: Unpack[SettingsKwargs]) -> Self:
        """A copy with some settings given as arguments; no other source is read again.

        Args:
            **values: New values. A None takes the setting back to its default. A relative path
                starts at the working directory. New credentials replace all old ones.

        Raises:
            SettingsError: As the constructor does.
        """
        cls, cwd = type(self), _working_directory()
        changes, notes = _arguments(cls, values, os.environ)
        kept = {
            name: Sourced(getattr(self, name), source, cwd, rank=1)
            for name, source in self._sources.items()
            if name not in values and not is_inside(source, values)
        }
        copy = cls.__new__(cls)
        cls._fill(copy, {**kept, **changes}, [*self._notes, *notes])
        copy._prefix = self._prefix  # noqa: SLF001 - of its own class
        return copy

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As in pydantic, but what is updated is validated and has its provenance (`replace`)."""
        return self.replace(**update) if update else super().model_copy(deep=deep)

    def shown(self) -> dict[str, dict[str, str]]:
        """Every setting as ``{"value": ..., "source": ...}``, secrets masked."""
        sources = self._sources
        return {
            name: {
                "value": shown_value(name, getattr(self, name)),
                "source": sources.get(name, "default"),
            }
            for name in type(self).model_fields
        }

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - the fields above
        if not name.startswith("_"):  # pydantic's own error would show the value
            raise ValueError(f"settings are frozen; take settings.replace({name}=...)")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LoadedSettings):
            return NotImplemented
        return self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[object, ...]:
        """The values alone: their sources and derived data make no difference."""
        return tuple(getattr(self, name) for name in type(self).model_fields)

    def __repr__(self) -> str:
        shown = ((name, shown_value(name, getattr(self, name))) for name in self._sources)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"

    __str__ = __repr__
