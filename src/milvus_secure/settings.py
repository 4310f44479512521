"""`MilvusSettings`: every setting declared once, with where its value came from.

Loading opens no certificate: a broken environment still becomes an object to diagnose.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .endpoint import DEFAULT_URI, mask_uri, split_uri
from .errors import SettingsError
from .mode import TLSMode
from .report import Finding, finding
from .sources import Places, Sourced, gather
from .spool import Spool

if TYPE_CHECKING:
    from .wiring import ClientKwargs

MASK = "**********"

_Mode = Annotated[TLSMode, BeforeValidator(TLSMode.parse)]
# pymilvus waits for ever on a negative budget and overflows on an absurd one.
_Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
_Days = Annotated[int, Field(ge=0, le=36_500)]


def _setting(default: Any, meaning: str, *aliases: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    return Field(default, description=meaning, json_schema_extra={"aliases": list(aliases)})


class MilvusSettings(BaseSettings):
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

    uri: str = _setting(DEFAULT_URI, "`http`, `https` or `tcp` endpoint")
    user: str | None = _setting(None, "Milvus user", "MILVUS_USERNAME")
    password: SecretStr | None = _setting(None, "Milvus password")
    token: SecretStr | None = _setting(None, "Milvus token, instead of user and password")
    db_name: str | None = _setting(None, "database", "MILVUS_DATABASE", "MILVUS_DB")
    timeout: _Seconds = _setting(
        10.0, "seconds to connect, the diagnosis of a failure included", "MILVUS_CONN_TIMEOUT"
    )
    secure: bool | None = _setting(
        None, "unset: TLS if the scheme or a PEM setting says so", "MILVUS_SSL", "MILVUS_USE_SSL"
    )
    tls_mode: _Mode = _setting(
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
        None, "client certificate chain; with the key it selects mutual TLS",
        "MILVUS_MTLS_CERT_PATH",
    )  # fmt: skip
    client_key_path: Path | None = _setting(
        None, "private key of the client certificate", "MILVUS_MTLS_KEY_PATH"
    )
    client_key_password: SecretStr | None = _setting(None, "password of an encrypted client key")
    server_pem: str | None = _setting(None, "`server_pem_path` as PEM text")
    ca_pem: str | None = _setting(None, "`ca_pem_path` as PEM text")
    client_pem: str | None = _setting(None, "`client_pem_path` as PEM text")
    client_key: SecretStr | None = _setting(None, "`client_key_path` as PEM text")
    allow_plaintext: bool = _setting(False, "without it a plaintext connection is refused")
    expiry_warning_days: _Days = _setting(30, "days before its end that a certificate expires soon")

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _notes: tuple[Finding, ...] = PrivateAttr(default=())
    _spool: Spool = PrivateAttr(default_factory=Spool)

    def __init__(
        self,
        *,
        profile: str | None = None,
        config: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        secrets_dir: str | os.PathLike[str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        **values: Any,  # noqa: ANN401 - the fields above
    ) -> None:
        places = Places(
            environ=os.environ if environ is None else environ,
            config=config, profile=profile, env_file=env_file, secrets_dir=secrets_dir,
            cwd=Path.cwd() if cwd is None else Path(cwd).absolute(),
        )  # fmt: skip
        gathered = gather(values, places, VARIABLES)
        cleaned, notes = _clean_all(gathered.values, places.environ)
        cleaned = _unpack_uri(cleaned)
        try:
            super().__init__(**{name: one.value for name, one in cleaned.items()})
        except ValidationError as error:
            raise SettingsError(*_invalid(error, cleaned)) from None
        self._sources = {name: one.source for name, one in cleaned.items()}
        self._notes = (*gathered.notes, *notes)

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
    def spool(self) -> Spool:
        """Holds the paths of inline material; they last as long as these settings."""
        return self._spool

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What was noticed while loading: cleaned values and misspelled variables."""
        return self._notes

    def replace(self, **values: Any) -> MilvusSettings:  # noqa: ANN401 - the fields above
        """A copy with some settings given as arguments; no source is read again.

        Raises:
            SettingsError: As the constructor does.
        """
        kept = {name: getattr(self, name) for name in self._sources}
        copy = MilvusSettings(environ={}, env_file=None, cwd=_NOWHERE, **{**kept, **values})
        given = {name for name, value in values.items() if value is not None}
        kept_sources = {n: s for n, s in self._sources.items() if n not in given}
        copy._sources = {**copy._sources, **kept_sources}
        copy._notes = (*self._notes, *copy._notes)
        return copy

    def client_kwargs(self) -> ClientKwargs:
        """The keyword arguments that make pymilvus do what these settings ask for.

        They fit ``MilvusClient``, ``AsyncMilvusClient``, ``connections.connect`` and frameworks
        that hand them on. No value is None. Give each client its own call: on the releases of
        pymilvus that pool by alias the result carries a fresh one. Keep the settings as long
        as the client when material is given as text: its paths last that long.

        Raises:
            SecureConnectionError: If the settings contradict each other or would be refused.
        """
        from .wiring import client_kwargs  # noqa: PLC0415 - keeps settings light

        return client_kwargs(self)

    def shown(self) -> dict[str, dict[str, str]]:
        """Every setting as ``{"value": ..., "source": ...}``, secrets masked."""
        return {
            name: {"value": _shown(name, getattr(self, name)), "source": self.source_of(name)}
            for name in type(self).model_fields
        }

    def __repr__(self) -> str:
        given = ((name, _shown(name, getattr(self, name))) for name in self._sources)
        return f"MilvusSettings({', '.join(f'{name}={value!r}' for name, value in given)})"

    __str__ = __repr__


class Declaration(NamedTuple):
    """One setting as documentation, flags and variables need it."""

    name: str
    variable: str
    aliases: tuple[str, ...]
    type: str
    default: str
    meaning: str


def declarations() -> tuple[Declaration, ...]:
    """Every setting, in the order it is declared."""
    rows = []
    for name, info in MilvusSettings.model_fields.items():
        extra: Any = info.json_schema_extra
        default = "" if info.default is None else str(info.default)
        rows.append(Declaration(
            name, f"MILVUS_{name.upper()}", tuple(extra["aliases"]), _type_name(name),
            default, info.description or "",
        ))  # fmt: skip
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


SECRETS = ("password", "token", "client_key_password", "client_key")
PATHS = ("server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path")
INLINE = ("server_pem", "ca_pem", "client_pem", "client_key")
# Every variable with its setting: all proper names first, so that they win over aliases.
VARIABLES = {
    **{row.variable: row.name for row in declarations()},
    **{alias: row.name for row in declarations() for alias in row.aliases},
}
_NOWHERE = Path("/")


def _clean_all(
    raw: Mapping[str, Sourced], environ: Mapping[str, str]
) -> tuple[dict[str, Sourced], list[Finding]]:
    cleaned: dict[str, Sourced] = {}
    notes: list[Finding] = []
    for name, one in raw.items():
        value = one.value
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, str) and name not in INLINE:
            stripped = _stripped(value)
            if stripped != value:
                notes.append(_cleaned(name, one, value, stripped))
            value = _resolved(stripped, one.base, environ) if name in PATHS else stripped
        if value != "":
            cleaned[name] = Sourced(value, one.source, one.base)
    return cleaned, notes


def _stripped(value: str) -> str:
    """Drop what shells, Windows editors and ``docker --env-file`` leave around a value."""
    text = value.strip()
    while len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def _resolved(value: str, base: Path, environ: Mapping[str, str]) -> str:
    if value in {"", "system"}:
        return value
    if value.startswith("~"):
        home = environ.get("HOME")
        head, _, rest = value.partition("/")
        value = os.path.join(home, rest) if head == "~" and home else os.path.expanduser(value)  # noqa: PTH111, PTH118 - a str in, a str out
    expanded = re.sub(
        r"\$(?:(\w+)|\{(\w+)\})",
        lambda match: environ.get(match[1] or match[2], match[0]),
        value,
    )
    return os.path.normpath(base / expanded)


def _cleaned(name: str, one: Sourced, before: str, after: str) -> Finding:
    hidden = name in SECRETS
    return finding(
        "value-cleaned",
        f"Blanks or quotes around the value of {name} were removed.",
        f"Write the value without them in {one.source}.",
        setting=name, source=one.source,
        expected=None if hidden else mask_uri(after),
        presented=None if hidden else ascii(mask_uri(before)),
    )  # fmt: skip


def _unpack_uri(values: dict[str, Sourced]) -> dict[str, Sourced]:
    """Move credentials and database of the URI into their settings, as pymilvus takes them."""
    uri = values.get("uri")
    if uri is None or not isinstance(uri.value, str):
        return values
    bare, extras = split_uri(uri.value)
    unpacked = {**values, "uri": Sourced(bare, uri.source, uri.base)}
    origin = f"uri of {uri.source}"
    found: dict[str, str] = {}
    if "token" not in values and not ("user" in values and "password" in values):
        found = {"user": extras.user, "password": extras.password}
    found["db_name"] = "" if "db_name" in values else extras.db_name
    for name, value in found.items():
        if value:
            unpacked[name] = Sourced(value, origin, uri.base)
    return unpacked


def _invalid(error: ValidationError, values: Mapping[str, Sourced]) -> list[Finding]:
    found: dict[str, Finding] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(detail["loc"][0])
        why = detail["msg"].removeprefix("Value error, ")
        one = values.get(name)
        source = one.source if one else "default"
        shown = None
        if one is not None and name not in SECRETS and name not in INLINE:
            shown = ascii(mask_uri(str(one.value)))[:80]
        found.setdefault(name, finding(
            "value-invalid",
            f"The value of {name} cannot be used: {why[:1].lower()}{why[1:]}.",
            f"Correct it in {source}.",
            setting=name, source=source, presented=shown,
        ))  # fmt: skip
    return list(found.values())


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in SECRETS:
        return MASK
    if name in INLINE:
        return "<PEM text>"
    if name == "uri":
        return mask_uri(str(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
