"""Gives pymilvus one client's PEM material; after a renewal the new one, if it is valid.

pymilvus opens its paths each time it makes a channel: when a client connects and, from 2.6.11 on,
when it connects again (``GrpcHandler.reconnect``). It takes any ``os.PathLike`` for a path, so
the files are looked at, judged and handed over in that very moment. Left to itself it would
read half a file, or a new certificate with the old key; and a file that is just being
truncated makes gRPC abort the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ..diagnosis.check import judge
from ..diagnosis.context import Context
from ..diagnosis.material import read_material
from ..diagnosis.rules import OFFLINE
from ..reporting.report import Report
from .kwargs import guard
from .logs import LOG, log
from .memory_files import MemoryFiles
from .recent_checks import Check, recent_check, remember_check

if TYPE_CHECKING:
    from ..pem.material import Material
    from ..settings.model import SettingsModel


class MaterialProvider:
    """The material of one client: what is in use, and what is to be used next.

    It is released with the client, together with the files that exist for it only.

    Args:
        settings: Say where the material is.
    """

    def __init__(self, settings: SettingsModel) -> None:
        self.settings = settings
        self._check = recent_check(settings)
        self._edition = _Snapshot(settings, self._check.material if self._check else None)
        self.logged: frozenset[str] = frozenset()
        self._handed_out = False
        self._refused: Mapping[str, bytes] = {}
        self._reading = _Reading()

    def guard(self, *, check: bool) -> None:
        """Refuse what must not reach pymilvus, and log the warnings; see `kwargs.guard`."""
        if not check and self._check is None:
            guard(self.context(), check=False)
            return
        if self._check is None:
            warnings = guard(self.context(), check=True)
            self._check = Check(self._edition.material, warnings)
            remember_check(self.settings, self._check)
        if check:
            for warning in self._check.warnings:
                log(warning)
            self.logged = frozenset(warning.message for warning in self._check.warnings)

    def path(self, slot: str) -> os.PathLike[str]:
        """The path of a slot's material; it leads to the renewed material once there is some."""
        return _Path(self, slot)

    def context(self) -> Context:
        """What the rules may look at, with the material in use."""
        return Context(self.settings, self._edition.material)

    def renew(self) -> bool:
        """Read the files again, and use them from now on if they changed and are no worse.

        What is refused is logged, once for each state of the files.

        Returns:
            True if the material in use changed.
        """
        latest = _Snapshot(self.settings)
        if latest.data == self._edition.data:
            return False
        errors = [error for error in latest.report.errors if error.code not in self._edition.codes]
        if errors:  # judged again each time: a certificate may not be valid yet
            if latest.data != self._refused:
                LOG.warning("The renewed TLS files are not used; the earlier ones stay in use.")
                for error in errors:
                    log(error)
            self._refused = latest.data
            return False
        self._edition, self._refused = latest, {}
        return True

    def close(self) -> None:
        """Remove what has a path only as long as the client lives."""
        self._reading = _Reading()
        self._edition.close()

    def next_path(self, slot: str) -> str:
        """Where to read a slot's material now.

        A thread that asks for all slots gets them from one moment, also during a renewal:
        it starts over when it asks for one a second time.
        """
        reading = self._reading
        if reading.edition is None or slot in reading.slots:
            if self._handed_out:
                self.renew()
            self._handed_out = True
            reading.edition, reading.slots = self._edition, set()
        reading.slots.add(slot)
        return reading.edition.path(slot)


class _Snapshot:
    """All material as it was at one moment, and paths that keep it so."""

    def __init__(
        self, settings: SettingsModel, material: Mapping[str, Material] | None = None
    ) -> None:
        self.settings = settings
        self.material = read_material(settings) if material is None else material
        self.data = {slot: item.data for slot, item in self.material.items()}
        self._files = MemoryFiles()

    @cached_property
    def report(self) -> Report:
        return judge(Context(self.settings, self.material), OFFLINE)

    @property
    def codes(self) -> set[str]:
        """The errors it has already, as a connection without preflight may."""
        return {error.code for error in self.report.errors}

    def close(self) -> None:
        self._files.close()

    def path(self, slot: str) -> str:
        piece = self.material[slot]
        if piece.setting == slot:  # given as text
            return self._files.path_for(piece.pem)
        named = str(getattr(self.settings, piece.setting))
        if not piece.data:  # missing, unreadable or empty: for the caller to judge
            return named
        return self._files.path_for(piece.pem, on_disk=named if piece.pem == piece.data else None)


class _Reading(threading.local):
    """What a thread has asked for since it began to read the material."""

    edition: _Snapshot | None = None
    slots: set[str]


class _Path(os.PathLike[str]):
    """A path that leads to the material that is current when it is opened."""

    def __init__(self, supply: MaterialProvider, slot: str) -> None:
        self._supply = supply
        self._slot = slot

    def __fspath__(self) -> str:
        return self._supply.next_path(self._slot)

    def __str__(self) -> str:
        return f"<the {self._slot} of a client>"

    __repr__ = __str__

    def __deepcopy__(self, memo: object) -> _Path:
        """Before 2.6, pymilvus copies what it is given (``orm/connections.py``)."""
        return self
