"""What Milvus runs with: the one model that the rules about a server judge.

`config_layers` computes it from the sources that Milvus reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

from ...._common.tls_mode import TLSMode
from ...milvus_keys import format_key
from ..yaml.go_scalars import atoi, parse_bool
from ..yaml.yaml_tree import Repeat
from .container import EnvValue, NotJudged
from .container_files import ContainerFiles
from .milvus_yaml import Entry

MODE: Final = "common.security.tlsMode"
PATH_KEYS: Final[Mapping[str, str]] = {
    "server_pem": "tls.serverPemPath",
    "server_key": "tls.serverKeyPath",
    "ca_pem": "tls.caPemPath",
    "internal_pem": "internaltls.serverPemPath",
}

# configs/milvus.yaml in the image, as far as it concerns TLS.
IMAGE_DEFAULTS: Final[Mapping[str, str]] = {
    "tls.serverPemPath": "configs/cert/server.pem",
    "tls.serverKeyPath": "configs/cert/server.key",
    "tls.caPemPath": "configs/cert/ca.pem",
    MODE: "0",
    "common.security.internaltlsEnabled": "false",
    "internaltls.serverPemPath": "configs/cert/server.pem",
    "internaltls.serverKeyPath": "configs/cert/server.key",
    "internaltls.caPemPath": "configs/cert/ca.pem",
    "internaltls.sni": "localhost",
    "proxy.http.enabled": "true",
    "proxy.http.port": "",
    "proxy.port": "19530",
}
# The parameter table's own defaults, where no file says anything (http_param.go and others).
_DEFAULTS: Final[Mapping[str, str]] = {"proxy.http.enabled": "true", "proxy.port": "19530"}

JUDGED_KEYS: Final = frozenset(map(format_key, (*IMAGE_DEFAULTS, "tls.caPemPath")))
"""The keys that the rules look at, formatted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The effective value of a key.

    Attributes:
        key: As it is spelled where it is set.
        value: The text that Milvus keeps, or None if it cannot be known here.
        source: Where it is set, such as ``milvus.yaml:12``.
        layer: ``default``, ``image``, ``file`` or ``environment``.
    """

    key: str
    value: str | None = field(repr=False)
    source: str
    layer: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two spellings of one key in one source, with different values: Milvus's pick is random."""

    key: str
    spellings: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A configuration file in the container that Milvus does not read.

    Attributes:
        target: Where it is in the container.
        origin: Where it comes from.
        why: The reason, a clause.
        entries: What it says, as far as it can be read here.
    """

    target: PurePosixPath
    origin: str
    why: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class MilvusConfig:
    """Everything that Milvus's proxy is configured with, each value with its source.

    Attributes:
        path: The file that was given.
        kind: ``milvus.yaml``, ``Compose file``, ``Helm values``, ``Kubernetes manifest`` or
            ``Operator resource``.
        settings: Effective settings by formatted key.
        files: Where the paths in them lead.
        name: The service or workload; empty for a milvus.yaml.
        place: Where Milvus's keys belong in a file of this kind, as an advice says it.
        config_directory: The directory that Milvus reads, in the container.
        release: Milvus's release if the image's tag contains it, such as ``(2, 5)``.
        environment: The container's variables.
        written: Every key of the files and overlays that are read, with its source.
        conflicts: See `Conflict`.
        repeats: Keys that occur twice in one mapping; Milvus uses the last one.
        absent: Configuration files that are mounted and do not exist.
        unread: See `UnreadFile`.
        not_judged: What cannot be known here.
        unknown_from: Why no setting below the environment can be known, or empty.
        user: The container's numeric user, where it is not the image's own.
    """

    path: Path
    kind: str
    settings: Mapping[str, Setting]
    files: ContainerFiles
    name: str = ""
    place: str = "milvus.yaml"
    config_directory: PurePosixPath | None = None
    release: tuple[int, int] | None = None
    environment: Mapping[str, EnvValue] = field(default_factory=dict)
    written: tuple[tuple[Entry, str], ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    absent: tuple[Path, ...] = ()
    unread: tuple[UnreadFile, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    unknown_from: str = ""
    user: int | None = None

    def setting(self, key: str) -> Setting:
        """The effective setting of a key, its default included."""
        effective = self.settings.get(format_key(key))
        if effective is not None:
            return effective
        if self.unknown_from:
            return Setting(key, None, self.unknown_from, "file")
        return Setting(key, _DEFAULTS.get(key, ""), "default", "default")

    def value(self, key: str) -> str:
        """A key's effective value; empty where it is unset or unknown."""
        return self.setting(key).value or ""

    def knows(self, key: str) -> bool:
        """False if the value is in an object that is not in the input."""
        return self.setting(key).value is not None

    def source_of(self, key: str) -> str:
        """The place of a key's effective value, such as ``milvus.yaml:12``."""
        return self.setting(key).source

    def flag(self, key: str) -> bool:
        """A boolean setting, as Milvus parses it."""
        return parse_bool(self.value(key))

    @cached_property
    def tls_mode(self) -> TLSMode | None:
        """The mode that Milvus runs in, or None if it cannot be known.

        Any number other than 1 and 2, and what is no number, is plaintext
        (Milvus ``internal/distributed/proxy/service.go``, startExternalGrpc).
        """
        mode = self.setting(MODE).value
        if mode is None:
            return None
        return {1: TLSMode.ONE_WAY, 2: TLSMode.MUTUAL}.get(atoi(mode), TLSMode.PLAINTEXT)
