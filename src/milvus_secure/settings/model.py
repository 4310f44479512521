"""The settings without what they do: each declared once, with where its value came from.

Loading opens no certificate: a broken environment still becomes an object to diagnose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .._common.endpoint import DEFAULT_URI, Endpoint, ParsedUri, parse_uri
from .._common.tls_mode import TLSMode
from ..errors import SettingsError
from ..pem.slots import Slot
from ..pem.temp_files import TempFiles
from ..reporting.report import Finding
from .declarations import Declaration, declared
from .field_types import Days, Mode, Pem, Seconds, Uri, checked_text
from .invalid_values import invalid_values
from .normalize import clean, shown_value, unpack
from .pem_source import PemSource
from .provenance import Sourced, is_inside
from .sources import Places, as_arguments, gather

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from .arguments import SettingsKwargs


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed under us; absolute paths still work
        return Path(os.sep)


def _setting(default: Any, meaning: str, *aliases: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(default, description=meaning, json_schema_extra={"aliases": list(aliases)})


class SettingsModel(BaseSettings):
    """How to reach a Milvus, and whom to trust on the way.

    Each field is named as pymilvus names the keyword. Values come, strongest first, from
    arguments, the environment (``MILVUS_`` and the field's name in upper case), ``.env``, a
    TOML, YAML or JSON file, a secrets directory, and the defaults. Instances are immutable.

    Args:
        profile: Which ``[profiles.NAME]`` of the file to lay over its top level.
        config: The settings file; it must exist.
        environ: The environment to read instead of ``os.environ``.
        env_file: The ``.env`` file, or None for none.
        secrets_dir: A directory with one file per setting, such as ``/run/secrets``.
        cwd: What relative paths start from, instead of the working directory.
        **values: Any setting, strongest of all sources.

    Raises:
        SettingsError: If a value is not of its type, a key is unknown, or a named file or
            profile does not exist.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
    )

    uri: Uri = _setting(DEFAULT_URI, "`http`, `https` or `tcp` endpoint")
    user: str | None = _setting(None, "Milvus user", "MILVUS_USERNAME")
    password: SecretStr | None = _setting(None, "Milvus password")
    token: SecretStr | None = _setting(None, "Milvus token, instead of user and password")
    db_name: str | None = _setting(None, "database", "MILVUS_DATABASE", "MILVUS_DB")
    timeout: Seconds = _setting(
        10.0, "seconds to connect, the diagnosis of a failure included", "MILVUS_CONN_TIMEOUT"
    )
    secure: bool | None = _setting(
        None, "unset: TLS if the scheme or a PEM setting says so", "MILVUS_SSL", "MILVUS_USE_SSL"
    )
    tls_mode: Mode = _setting(
        TLSMode.AUTO,
        "what you insist on: `auto`, `plaintext`, `one-way`, `mutual` (or 0, 1, 2)",
    )
    server_name: str | None = _setting(
        None, "name the server certificate must carry, when not the host in `uri`"
    )
    server_pem_path: Path | None = _setting(
        None, "trust anchor for one-way TLS: the server's certificate, or a CA"
    )
    ca_pem_path: Path | Literal["system"] | None = _setting(
        None,
        "trust anchor for one-way and mutual TLS; `system` means public roots",
        "MILVUS_CA_CERT_PATH",
    )
    client_pem_path: Path | None = _setting(
        None,
        "client certificate chain, or a PKCS#12 store with key; it selects mutual TLS",
        "MILVUS_MTLS_CERT_PATH",
    )
    client_key_path: Path | None = _setting(
        None, "private key of the client certificate", "MILVUS_MTLS_KEY_PATH"
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
        return checked_text(info.field_name or "", value)

    def __init__(
        self,
        *,
        profile: str | None = None,
        config: str | os.PathLike[str] | Literal[False] | None = None,
        environ: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        secrets_dir: str | os.PathLike[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        **values: Unpack[SettingsKwargs],
    ) -> None:
        places = Places(
            environ=os.environ if environ is None else environ,
            config=config,
            profile=profile,
            env_file=env_file,
            secrets_dir=secrets_dir,
            cwd=_here() if cwd is None else Path(cwd).absolute(),
        )
        gathered = gather(values, places, VARIABLES)
        cleaned, notes = clean(gathered.values, places.environ)
        self._fill(cleaned, (*gathered.notes, *notes))

    @classmethod
    def from_arguments(cls, **values: Unpack[SettingsKwargs]) -> Self:
        """Settings from these arguments alone; no environment variable and no file is read.

        Args:
            **values: Any setting. A relative path starts at the working directory; ``~`` is the
                home directory, and a ``$VAR`` stays as it is written.

        Raises:
            SettingsError: If a name is not a setting, or a value is not of its type.
        """
        cleaned, notes = clean(as_arguments(values, tuple(cls.model_fields), _here()), {})
        settings = cls.__new__(cls)
        cls._fill(settings, cleaned, tuple(notes))
        return settings

    def _fill(self, cleaned: Mapping[str, Sourced], notes: tuple[Finding, ...]) -> None:
        uri = cleaned.get("uri")
        parsed = parse_uri(uri.value) if uri and isinstance(uri.value, str) else None
        given, unused = unpack(cleaned, parsed)
        try:
            super().__init__(**{name: one.value for name, one in given.items()})
        except ValidationError as error:
            invalid = invalid_values(error, given)
        else:
            invalid = []
        if invalid:  # outside the handler: pydantic's exception holds on to the values
            raise SettingsError(*invalid)
        self._sources = {name: one.source for name, one in given.items()}
        self._notes = (*notes, *unused)
        self._parsed_uri = parsed or parse_uri(self.uri)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `sources.gather` merged: the built-in sources keep no provenance."""
        return (init_settings,)

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
        return MappingProxyType(sources)

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

    def replace(self, **values: Unpack[SettingsKwargs]) -> Self:
        """A copy with some settings given as arguments; no other source is read again.

        Args:
            **values: New values. A None takes the setting back to its default. A relative path
                starts at the working directory. New credentials replace all old ones.

        Raises:
            SettingsError: As the constructor does.
        """
        cwd = _here()
        names = tuple(type(self).model_fields)
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


# Every variable with its setting: all proper names first, so that they win over aliases.
VARIABLES = {
    **{row.variable: row.name for row in declarations()},
    **{alias: row.name for row in declarations() for alias in row.aliases},
}
