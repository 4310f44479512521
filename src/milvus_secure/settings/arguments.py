"""The keyword arguments of `MilvusSettings` and `connect_secure`, for editors and type checkers.

A test compares the names with the fields.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from pydantic import SecretStr

from .._common.tls_mode import TLSMode

Secret = str | SecretStr | None
Path = str | os.PathLike[str] | None
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
Text = str | bytes | None


class SettingsKwargs(TypedDict, total=False):
    """Every setting, as it may be written in code; a None counts as not given."""

    uri: str | None
    user: str | None
    password: Secret
    token: Secret
    db_name: str | None
    timeout: float | None
    secure: bool | None
    tls_mode: TLSMode | Literal["auto", "plaintext", "one-way", "mutual", 0, 1, 2] | None
    server_name: str | None
    server_pem_path: Path
    ca_pem_path: Path
    client_pem_path: Path
    client_key_path: Path
    client_key_password: Secret
    server_pem: Text
    ca_pem: Text
    client_pem: Text
    client_key: str | bytes | SecretStr | None
    allow_plaintext: bool | None
    expiry_warning_days: int | None


class LoadingKwargs(SettingsKwargs, total=False):
    """Every setting, and where the other settings are read; see `MilvusSettings`."""

    environ: Mapping[str, str] | None
    env_file: Paths
    secrets_dir: Paths
    cwd: Path
    _env_prefix: str | None
    _env_file: Paths
    _secrets_dir: Paths
