"""What a server's rules may look at: its configuration and the files behind it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from stat import S_IMODE
from typing import Final

from ..._common.tls_mode import TLSMode
from ...pem.material import Material, read_one
from .model import ServerSide

PATH_KEYS: Final = {
    "server_pem": "tls.serverPemPath",
    "server_key": "tls.serverKeyPath",
    "ca_pem": "tls.caPemPath",
    "internal_pem": "internaltls.serverPemPath",
}


@dataclass(frozen=True)
class ServerContext:
    """The immutable input of every rule about a server.

    Attributes:
        side: The configuration.
        material: What the server's certificate files hold, by slot, where they can be found.
        permissions: Permission bits and owner of those files, by slot.
        now: The time certificates are judged at, with zone.
    """

    side: ServerSide
    material: Mapping[str, Material]
    permissions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def mode(self) -> TLSMode:
        """The mode the server would run in; plaintext where it would not start."""
        return self.side.tls_mode or TLSMode.PLAINTEXT

    @property
    def named(self) -> Mapping[str, str]:
        """The certificate paths the configuration makes the server read, by slot."""
        slots: list[str] = []
        if self.mode is not TLSMode.PLAINTEXT:
            slots += ["server_pem", "server_key"]
        if self.mode is TLSMode.MUTUAL:
            slots.append("ca_pem")
        if self.side.value("common.security.internaltlsEnabled") == "true":
            slots.append("internal_pem")
        return {slot: self.side.value(PATH_KEYS[slot]) for slot in slots}

    def includes(self, subject: str) -> bool:
        """True if a slot (``server_pem``) or ``tls_mode`` is part of the configuration."""
        return subject == "tls_mode" or subject in self.material

    def blocked_by(self, need: str) -> str | None:
        """Why an input of a rule cannot be had: a slot's fault, or a tlsMode that is none."""
        if need == "tls_mode":
            return None if self.side.tls_mode else "server-tls-mode-invalid"
        given = self.material.get(need)
        return given.fault.code if given is not None and given.fault else None


def server_context(side: ServerSide) -> ServerContext:
    """Read the certificate files that can be found on this machine, each once."""
    found: dict[str, Material] = {}
    permissions: dict[str, tuple[int, int]] = {}
    for slot, path in ServerContext(side, {}).named.items():
        here = side.on_this_machine(path) if path else None
        if here is None:
            continue
        key = PATH_KEYS[slot]
        found[slot] = read_one(slot, str(here.absolute()), key, side.source_of(key))
        with suppress(OSError, ValueError):  # what cannot be reached is a fault already
            status = here.stat()
            permissions[slot] = (S_IMODE(status.st_mode), status.st_uid)
    return ServerContext(side, found, permissions)
