"""The settings without what they do: each declared once, with where its value came from.

Loading opens no certificate: a broken environment still becomes an object to diagnose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .._common.endpoint import DEFAULT_URI, Endpoint, ParsedUri, parse_uri
from .._common.frames import without_arguments_in_frames
from .._common.tls_mode import TLSMode
from ..errors import SettingsError
from ..pem.slots import Slot
from ..pem.temp_files import TempFiles
from ..reporting.report import Finding
from .declarations import PREFIX, Declaration, declared, variables
from .field_types import Days, Mode, Pem, Seconds, Uri, checked_text
from .loading import DEFAULT_ENV_FILE, Loading, PathText, Places, aliases, key_names
from .normalize import clean, shown_value, unpack, with_scheme
from .other_names import ENDPOINTS
from .pem_source import PemSource
from .provenance import Sourced, is_inside
from .pymilvus_variables import unreadable
from .source_errors import invalid_values
from .sources import (
    ArgumentsSource,
    EnvFileSource,
    EnvironmentSource,
    SecretsDirSource,
    SettingsFileSource,
    SourceWithProvenance,
    as_arguments,
    merge,
    variable_notes,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .arguments import SettingsKwargs


_AS_CONFIGURED = Path()
"""Stands for what ``model_config`` says, as in pydantic-settings."""


def _each(paths: PathText | Sequence[PathText] | None) -> tuple[PathText, ...]:
    if paths is None:
        return ()
    return (paths,) if isinstance(paths, (str, os.PathLike)) else tuple(paths)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us; absolute paths still work
        return Path(os.sep)


def _setting(default: Any, meaning: str, *aliases: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(default, description=meaning, json_schema_extra={"aliases": list(aliases)})


class SettingsModel(BaseSettings):
    """The settings alone; `MilvusSettings` adds what they make, and describes the arguments.

    Raises:
        SettingsError: If a value is not of its type, a key is unknown, or a named file or
            profile does not exist.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
        env_prefix=PREFIX,
        env_file=DEFAULT_ENV_FILE,
    )

    uri: Uri = _setting(DEFAULT_URI, "`http`, `https` or `tcp` endpoint", *ENDPOINTS)
    user: str | None = _setting(None, "Milvus user", "USERNAME")
    password: SecretStr | None = _setting(None, "Milvus password")
    token: SecretStr | None = _setting(None, "Milvus token, instead of user and password")
    db_name: str | None = _setting(None, "database", "DATABASE", "DB")
    timeout: Seconds = _setting(
        10.0, "seconds to connect, the diagnosis of a failure included", "CONN_TIMEOUT"
    )
    secure: bool | None = _setting(
        None, "unset: TLS if the scheme or a PEM setting says so", "SSL", "USE_SSL", "USE_TLS"
    )
    tls_mode: Mode = _setting(
        TLSMode.AUTO,
        "what you insist on: `auto`, `plaintext`, `one-way`, `mutual` (or 0, 1, 2)",
    )
    server_name: str | None = _setting(
        None,
        "name the server certificate must carry, when not the host in `uri`",
        "TLS_SERVER_NAME",
    )
    server_pem_path: Path | None = _setting(
        None, "trust anchor for one-way TLS: the server's certificate, or a CA"
    )
    ca_pem_path: Path | Literal["system"] | None = _setting(
        None,
        "trust anchor for one-way and mutual TLS; `system` means public roots",
        "CA_CERT_PATH",
        "CA_CERT",
        "TLS_ROOT_CERT_PATH",
        "TLS_ROOT_CERT",
    )
    client_pem_path: Path | None = _setting(
        None,
        "client certificate chain, or a PKCS#12 store with key; it selects mutual TLS",
        "MTLS_CERT_PATH",
        "TLS_CERT_CHAIN_PATH",
        "TLS_CERT_CHAIN",
    )
    client_key_path: Path | None = _setting(
        None,
        "private key of the client certificate",
        "MTLS_KEY_PATH",
        "TLS_PRIVATE_KEY_PATH",
        "TLS_PRIVATE_KEY",
    )
    client_key_password: SecretStr | None = _setting(
        None, "password of an encrypted client key or PKCS#12 store"
    )
    server_pem: Pem | None = _setting(None, "`server_pem_path` as PEM text, or base64 of it")
    ca_pem: Pem | None = _setting(None, "`ca_pem_path` as PEM text, or base64 of it")
    client_pem: Pem | None = _setting(None, "`client_pem_path` as PEM text, or base64 of the file")
    client_key: SecretStr | None = _setting(None, "`client_key_path` as PEM text, or base64 of it")
    allow_plaintext: bool = _setting(False, "without it a plaintext connection is refused")
    expiry_warning_days: Days = _setting(30, "days before its end that a certificate expires soon")

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _notes: tuple[Finding, ...] = PrivateAttr(default=())
    _parsed_uri: ParsedUri = PrivateAttr()
    _temp_files: TempFiles = PrivateAttr(default_factory=TempFiles)

    @field_validator("*", mode="before")
    @classmethod
    def _checked(cls, value: object, info: ValidationInfo) -> object:
        name = info.field_name or ""
        return checked_text(name, value) if name in SettingsModel.model_fields else value

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
            env_files=_each(files),
            secrets_dirs=_each(secrets),
            cwd=_here() if cwd is None else Path(cwd).absolute(),
            prefix=prefix.upper(),
        )
        loading = Loading(cls.model_fields, places)
        sources = cls.settings_customise_sources(
            cls,
            init_settings=ArgumentsSource(cls, values, loading),
            env_settings=EnvironmentSource(cls, loading),
            dotenv_settings=EnvFileSource(cls, loading),
            file_secret_settings=SecretsDirSource(cls, loading),
        )
        merged = merge(sources, loading)
        cleaned, notes = clean(with_scheme(merged), places.environ)
        unread = variable_notes(sources, merged, loading)
        clash = unreadable({**loading.env_file, **loading.environ})
        self._fill(cleaned, (*loading.notes, *unread, *clash, *notes))

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
        cleaned, notes = clean(as_arguments(values, key_names(cls.model_fields), _here()), {})
        settings = cls.__new__(cls)
        cls._fill(settings, cleaned, tuple(notes))
        return settings

    def _fill(self, cleaned: Mapping[str, Sourced], notes: tuple[Finding, ...]) -> None:
        uri = cleaned.get("uri")
        parsed = parse_uri(uri.value) if uri and isinstance(uri.value, str) else None
        settings, unused = unpack(cleaned, parsed)
        by_alias = {name: alias for alias, name in aliases(type(self).model_fields).items()}
        try:
            # Past BaseSettings, which would ask all sources once more.
            BaseModel.__init__(
                self, **{by_alias.get(name, name): each.value for name, each in settings.items()}
            )
        except ValidationError as error:
            invalid = invalid_values(error, settings, key_names(type(self).model_fields))
        else:
            invalid = []
        if invalid:  # outside the handler: pydantic's exception holds on to the values
            raise SettingsError(*invalid)
        self._sources = {name: each.source for name, each in settings.items()}
        self._notes = (*notes, *unused)
        self._parsed_uri = parsed or parse_uri(self.uri)

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

    @property
    def endpoint(self) -> Endpoint | None:
        """The address pymilvus would dial, or None if the URI cannot be used."""
        return self._parsed_uri.endpoint

    @property
    def valid_endpoint(self) -> Endpoint:
        """The address pymilvus would dial.

        Raises:
            ValueError: If the URI cannot be used, with the reason.
        """
        if self._parsed_uri.endpoint is None:
            raise ValueError(self._parsed_uri.fault)
        return self._parsed_uri.endpoint

    @property
    def uri_fault(self) -> str:
        """Why the URI cannot be used; empty if it can."""
        return self._parsed_uri.fault

    @cached_property
    def pem_sources(self) -> Mapping[Slot, PemSource]:
        """Where each piece of PEM material is that the settings give; a text goes before a path."""
        sources = {}
        for slot in Slot:
            text, path = (getattr(self, name) for name in slot.settings)
            if text is not None:
                text = text.get_secret_value() if isinstance(text, SecretStr) else text
                source = self.source_of(slot.text_setting)
                sources[slot] = PemSource(slot, slot.text_setting, source, text=text)
            elif path is not None:
                sources[slot] = PemSource.of(slot, self.source_of(slot.path_setting), path)
        return sources

    def has(self, slot: Slot | str) -> bool:
        """True if a piece of material is given, as text or as a path.

        Args:
            slot: A `Slot`, or its name: ``server_pem``, ``ca_pem``, ``client_pem``, ``client_key``.
        """
        return slot in self.pem_sources

    @property
    def effective_tls_mode(self) -> TLSMode:
        """How to connect; contradictions are judged by `check`.

        An explicit ``tls_mode`` decides, then ``secure=False``. Otherwise either half of a client
        pair means mutual TLS, any other PEM setting, ``secure=True`` or https means one-way TLS.
        """
        if self.tls_mode is not TLSMode.AUTO:
            return self.tls_mode
        if self.secure is False:
            return TLSMode.PLAINTEXT
        if self.has(Slot.CLIENT_PEM) or self.has(Slot.CLIENT_KEY):
            return TLSMode.MUTUAL
        if self.pem_sources or self.secure or self.uri.lower().startswith("https:"):
            return TLSMode.ONE_WAY
        return TLSMode.PLAINTEXT

    @property
    def temp_files(self) -> TempFiles:
        """Gives inline material paths; they last until the process ends, or until closed."""
        return self._temp_files

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
        cwd = _here()
        names = key_names(type(self).model_fields)
        given, notes = clean(as_arguments(values, names, cwd), os.environ)
        kept = {
            name: Sourced(getattr(self, name), source, cwd, rank=1)
            for name, source in self._sources.items()
            if name not in values and not is_inside(source, values)
        }
        cls = type(self)
        copy = cls.__new__(cls)
        cls._fill(copy, {**kept, **given}, (*self._notes, *notes))
        return copy

    def shown(self) -> dict[str, dict[str, str]]:
        """Every setting as ``{"value": ..., "source": ...}``, secrets masked."""
        return {
            name: {"value": shown_value(name, getattr(self, name)), "source": self.source_of(name)}
            for name in type(self).model_fields
        }

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - the fields above
        if not name.startswith("_"):  # pydantic's own error would show the value
            raise ValueError(f"settings are frozen; take settings.replace({name}=...)")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SettingsModel):
            return NotImplemented
        return self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[object, ...]:
        """The values alone: where they came from and what was made of them are no difference."""
        return tuple(getattr(self, name) for name in type(self).model_fields)

    def __repr__(self) -> str:
        given = ((name, shown_value(name, getattr(self, name))) for name in self._sources)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given)})"

    __str__ = __repr__


def declarations() -> tuple[Declaration, ...]:
    """Every setting, in the order it is declared."""
    return declared(SettingsModel.model_fields)


VARIABLES = variables(SettingsModel.model_fields)
