"""The settings without what they make: each declared once, with where its value came from.

Loading opens no certificate: a broken environment still becomes an object to diagnose.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import PrivateAttr, SecretStr

from .._common.endpoint import Endpoint
from .._common.tls_mode import TLSMode
from ..pem.slots import Slot
from ..pem.temp_files import TempFiles
from .base import LoadedSettings
from .declarations import Declaration, declared, setting, variables
from .field_types import Days, Mode, Pem, Seconds
from .pem_source import PemSource


class SettingsModel(LoadedSettings):
    """The settings alone; `MilvusSettings` adds what they make, and describes the arguments.

    Raises:
        SettingsError: If a value is not of its type, a key is unknown, or a named file or
            profile does not exist.
    """

    user: str | None = setting(None, "Milvus user", "USERNAME")
    password: SecretStr | None = setting(None, "Milvus password")
    token: SecretStr | None = setting(None, "Milvus token, instead of user and password")
    db_name: str | None = setting(None, "database", "DATABASE", "DB")
    timeout: Seconds = setting(
        10.0, "seconds to connect, including the diagnosis of a failure", "CONN_TIMEOUT"
    )
    secure: bool | None = setting(
        None,
        "use TLS, or not; if unset, the scheme and the PEM settings decide",
        "SSL",
        "USE_SSL",
        "USE_TLS",
    )
    tls_mode: Mode = setting(
        TLSMode.AUTO,
        "required TLS mode: `auto`, `plaintext`, `one-way`, `mutual` (or 0, 1, 2)",
    )
    server_name: str | None = setting(
        None,
        "name that the server certificate must contain, if it is not the host in `uri`",
        "TLS_SERVER_NAME",
    )
    server_pem_path: Path | None = setting(
        None, "trust anchor for one-way TLS: the server's certificate, or a CA"
    )
    ca_pem_path: Path | Literal["system"] | None = setting(
        None,
        "trust anchor for one-way and mutual TLS; `system` means public roots",
        "CA_CERT_PATH",
        "CA_CERT",
        "TLS_ROOT_CERT_PATH",
        "TLS_ROOT_CERT",
    )
    client_pem_path: Path | None = setting(
        None,
        "client certificate chain, or a PKCS#12 store with key; it selects mutual TLS",
        "MTLS_CERT_PATH",
        "TLS_CERT_CHAIN_PATH",
        "TLS_CERT_CHAIN",
    )
    client_key_path: Path | None = setting(
        None,
        "private key of the client certificate",
        "MTLS_KEY_PATH",
        "TLS_PRIVATE_KEY_PATH",
        "TLS_PRIVATE_KEY",
    )
    client_key_password: SecretStr | None = setting(
        None, "password of an encrypted client key or PKCS#12 store"
    )
    server_pem: Pem | None = setting(None, "`server_pem_path` as PEM text, or base64 of it")
    ca_pem: Pem | None = setting(None, "`ca_pem_path` as PEM text, or base64 of it")
    client_pem: Pem | None = setting(None, "`client_pem_path` as PEM text, or base64 of the file")
    client_key: SecretStr | None = setting(None, "`client_key_path` as PEM text, or base64 of it")
    allow_plaintext: bool = setting(
        False, "allow a connection without TLS; otherwise it is refused"
    )
    expiry_warning_days: Days = setting(
        30, "warn about a certificate this many days before it expires"
    )

    _temp_files: TempFiles = PrivateAttr(default_factory=TempFiles)

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


def declarations() -> tuple[Declaration, ...]:
    """Every setting, in the order it is declared."""
    return declared(SettingsModel.model_fields)


VARIABLES = variables(SettingsModel.model_fields)
