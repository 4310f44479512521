"""What a server configuration says, whatever file it was found in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..._common.tls_mode import TLSMode


@dataclass(frozen=True, slots=True)
class Located:
    """A value and the line it stands on, from 1; 0 where a file has no lines to tell."""

    value: object
    line: int = 0

    @property
    def text(self) -> str:
        """The value as Milvus reads it: every value is text to its parameter table."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return "" if self.value is None else str(self.value).strip()


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the container.

    Attributes:
        target: Path in the container.
        source: Path on this machine, or None where only a cluster knows it.
    """

    target: PurePosixPath
    source: Path | None = None


@dataclass(frozen=True)
class ServerSide:
    """The TLS part of a server's configuration.

    Attributes:
        path: The file that was read.
        kind: ``milvus.yaml``, ``Compose file``, ``Helm values`` or ``Operator resource``.
        keys: milvus.yaml's keys, dotted and in lower case, with the file each came from.
        mounts: The container's mounts; None when Milvus runs on this machine's own paths.
        environment: The container's environment.
        ignored: Keys that look like Milvus's but stand where nothing reads them.
        version: Milvus's release when an image tells it, such as ``(2, 5)``.
        absent: Configuration files that are mounted and are not there.
        user: The container's numeric user, where the file sets one other than root.
    """

    path: Path
    kind: str
    keys: Mapping[str, tuple[Located, Path]] = field(default_factory=dict)
    mounts: tuple[Mount, ...] | None = None
    environment: Mapping[str, Located] = field(default_factory=dict)
    ignored: Mapping[str, Located] = field(default_factory=dict)
    version: tuple[int, int] | None = None
    absent: tuple[Path, ...] = ()
    user: int | None = None

    def value(self, key: str) -> str:
        """A key's effective value: the environment overrides the file; empty when unset."""
        overriding = self.override(key)
        if overriding is not None:
            return overriding[1].text
        found = self.keys.get(key.lower())
        return found[0].text if found else ""

    def source_of(self, key: str) -> str:
        """Where a key's effective value stands, such as ``milvus.yaml:12``."""
        overriding = self.override(key)
        if overriding is not None:
            return f"env {overriding[0]} in {self.path.name}"
        found = self.keys.get(key.lower())
        if found is None:
            return "default"
        return f"{found[1].name}:{found[0].line}" if found[0].line else found[1].name

    def override(self, key: str) -> tuple[str, Located] | None:
        """The environment variable that overrides a key, if there is one.

        Milvus takes a key's name in upper case with dots as underscores, also behind
        ``MILVUS_CONF_`` (Milvus ``pkg/config/env_source.go``).
        """
        plain = key.replace(".", "_").upper()
        for name in (plain, f"MILVUS_CONF_{plain}"):
            if name in self.environment:
                return name, self.environment[name]
        return None

    @property
    def tls_mode(self) -> TLSMode | None:
        """``common.security.tlsMode``, or None where it is none of 0, 1 and 2."""
        text = self.value("common.security.tlsMode") or "0"
        return TLSMode.parse(text) if text in {"0", "1", "2"} else None

    def on_this_machine(self, path: str) -> Path | None:
        """Where a path of the server lies on this machine, or None if it cannot be known."""
        if self.mounts is None:
            return self.path.parent / path
        mount = self.mount_of(path)
        if mount is None or mount.source is None:
            return None
        rest = PurePosixPath(path).relative_to(mount.target)
        return mount.source / rest if rest.parts else mount.source

    def mount_of(self, path: str) -> Mount | None:
        """The most specific mount that provides a path of the container."""
        wanted = PurePosixPath(path)
        fitting = [one for one in self.mounts or () if wanted.is_relative_to(one.target)]
        return max(fitting, key=lambda one: len(one.target.parts), default=None)
