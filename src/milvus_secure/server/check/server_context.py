"""What a server's rules may look at: its configuration and the files behind it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from stat import S_IMODE
from typing import Final

from ..._common.tls_mode import TLSMode
from ...diagnosis.material import read_settled
from ...pem.material import Material, parse_material, read_one
from ...reporting.report import Finding, Severity, finding
from .kubernetes.placeholders import is_placeholder
from .milvus.container_files import ContainerFile, Presence
from .milvus.milvus_config import PATH_KEYS, MilvusConfig

_INTERNAL_TLS: Final = "common.security.internaltlsEnabled"


@dataclass(frozen=True)
class ServerContext:
    """The immutable input of every rule about a server.

    Attributes:
        config: What Milvus runs with.
        located: Where the certificate files are that it names, by slot.
        material: What those files hold, by slot, where they can be read here.
        permissions: Permission bits and owner of the files on this machine, by slot.
        now: The time certificates are judged at, with zone.
    """

    config: MilvusConfig
    located: Mapping[str, ContainerFile] = field(default_factory=dict)
    material: Mapping[str, Material] = field(default_factory=dict)
    permissions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def mode(self) -> TLSMode:
        """The mode the server runs in; ``AUTO`` where it cannot be known."""
        return self.config.tls_mode or TLSMode.AUTO

    @property
    def origin(self) -> str:
        """The file that was given, as a finding's origin."""
        return f"file:{self.config.path}"

    def finding(
        self,
        code: str,
        message: str,
        remedy: str,
        *,
        setting: str | None,
        source: str | None = None,
        severity: Severity | None = None,
        expected: str | None = None,
        presented: str | None = None,
    ) -> Finding:
        """A finding about a key of Milvus, by default with the place where the key is set."""
        return finding(
            code,
            message,
            remedy,
            severity=severity,
            setting=setting,
            source=source or (self.config.source_of(setting) if setting else None),
            origin=self.origin,
            expected=expected,
            presented=presented,
        )

    def has_blank(self, slot: str) -> bool:
        """True for a path with a blank at an end, unless a file has just that name."""
        path, material = self.config.value(PATH_KEYS[slot]), self.material.get(slot)
        missing = material is None or (material.fault and material.fault.code == "file-missing")
        return bool(path and path != path.strip() and missing)

    def includes(self, subject: str) -> bool:
        """True if a subject is part of the configuration.

        Args:
            subject: A slot (``server_pem``); ``tls_mode``; ``tls``, which is TLS towards clients;
                ``internal_tls``, which is TLS among Milvus's components; or ``paths``, which are
                the certificate files it names.
        """
        if subject == "tls":
            return self.config.tls_mode in {TLSMode.ONE_WAY, TLSMode.MUTUAL}
        if subject == "internal_tls":
            return self.config.flag(_INTERNAL_TLS)
        if subject == "paths":
            return bool(self.located)
        return subject == "tls_mode" or subject in self.material

    def blocked_by(self, need: str) -> str | None:
        """Why an input of a rule cannot be had, as a finding code, or None if it can."""
        if need == "tls_mode":
            return None if self.config.tls_mode else "server-not-judged"
        material = self.material.get(need)
        return material.fault.code if material is not None and material.fault else None


def needed_paths(config: MilvusConfig) -> Mapping[str, str | None]:
    """The certificate paths that Milvus reads with this configuration, by slot.

    A path is empty if the key is not set, and None if its value cannot be known.
    """
    slots: list[str] = []
    if config.tls_mode in {TLSMode.ONE_WAY, TLSMode.MUTUAL}:
        slots += ["server_pem", "server_key"]
    if config.tls_mode is TLSMode.MUTUAL:
        slots.append("ca_pem")
    if config.flag(_INTERNAL_TLS):
        slots.append("internal_pem")
    return {slot: config.setting(PATH_KEYS[slot]).value for slot in slots}


def _not_left_out(file: ContainerFile) -> ContainerFile:
    """The file; for a placeholder, that its content is not known."""
    if file.content is None or not is_placeholder(file.content):
        return file
    return replace(file, presence=Presence.UNKNOWN, origin=f"the real content of {file.origin}")


def _file_of(config: MilvusConfig, key: str, path: str) -> ContainerFile:
    """Where a path leads. Of a user.yaml alone, the image's own paths lead into the image."""
    file = _not_left_out(config.files.find(path))
    exists = file.path is not None and file.path.exists()
    if config.setting(key).layer == "image" and not config.files.is_container and not exists:
        return ContainerFile(Presence.IMAGE, f"{path} in the image")
    return file


def server_context(config: MilvusConfig) -> ServerContext:
    """Find the certificate files, and read those on this machine, each once."""
    located = {
        slot: _file_of(config, PATH_KEYS[slot], path)
        for slot, path in needed_paths(config).items()
        if path
    }
    paths = {
        slot: file.path.absolute()
        for slot, file in located.items()
        if file.presence is Presence.HERE and file.path is not None
    }

    def read() -> dict[str, Material]:
        material: dict[str, Material] = {}
        for slot, file in located.items():
            key, source = PATH_KEYS[slot], config.source_of(PATH_KEYS[slot])
            if slot in paths:
                material[slot] = read_one(slot, str(paths[slot]), key, source)
            elif file.presence is Presence.CONTENT:
                raw = Material(slot, key, source, file.origin, file.content or b"")
                material[slot] = parse_material(raw)
        return material

    material = read_settled(read, map(str, paths.values()), ("server_pem", "server_key"))
    permissions: dict[str, tuple[int, int]] = {}
    for slot, path in paths.items():
        with suppress(OSError, ValueError):  # what cannot be reached is a fault already
            status = path.stat()
            permissions[slot] = (S_IMODE(status.st_mode), status.st_uid)
    return ServerContext(config, located, material, permissions)
