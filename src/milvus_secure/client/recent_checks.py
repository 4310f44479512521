"""Material that was read and found sound a moment ago, for programs that connect again and again.

Judging a chain takes longer than reading its files. So a check is good for a second, for the same
settings object and as long as every file holds the same bytes with the same permissions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from weakref import ref

from ..pem.files import read_path

if TYPE_CHECKING:
    from ..pem.material import Material
    from ..reporting.report import Finding
    from ..settings.model import SettingsModel

_SECONDS = 1.0


class Check(NamedTuple):
    """The material that a check judged, and its warnings; there was no error."""

    material: Mapping[str, Material]
    warnings: tuple[Finding, ...]


class _Entry(NamedTuple):
    settings: ref[SettingsModel]
    end: float
    check: Check


_ENTRIES: dict[int, _Entry] = {}
"""By the identity of the settings; an entry, which contains a key, is removed with them."""


def remember_check(settings: SettingsModel, check: Check) -> None:
    """Note that a check of these settings has found no error."""
    key = id(settings)
    gone = ref(settings, lambda _: _ENTRIES.pop(key, None))
    _ENTRIES[key] = _Entry(gone, time.monotonic() + _SECONDS, check)


def recent_check(settings: SettingsModel) -> Check | None:
    """The check of the last second, if it is still good; the files are read to find out."""
    entry = _ENTRIES.get(id(settings))
    if entry is None or entry.settings() is not settings:
        return None
    if time.monotonic() > entry.end or not _is_unchanged(settings, entry.check.material):
        _ENTRIES.pop(id(settings), None)
        return None
    return entry.check


def _is_unchanged(settings: SettingsModel, material: Mapping[str, Material]) -> bool:
    for slot, source in settings.pem_sources.items():
        if source.path is None:  # text, or the public roots
            continue
        piece, now = material[slot], read_path(os.fspath(source.path))
        if (now.data, now.mode, now.fault) != (piece.data, piece.mode, piece.fault):
            return False
    return True
