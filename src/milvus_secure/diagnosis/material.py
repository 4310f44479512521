"""Reads what the PEM settings refer to: each file once, and a pair of files from one moment."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..pem.certificate import public_key
from ..pem.material import Material, inline_pem, parse_material, read_one
from ..pem.slots import SYSTEM, Slot

if TYPE_CHECKING:
    from ..settings.model import SettingsModel

RENEWAL_SECONDS: Final = 1.0
"""How long a renewal may take to replace a certificate and its key, one after the other."""

_PAUSE_SECONDS: Final = 0.02
_PAIR: Final = (Slot.CLIENT_PEM, Slot.CLIENT_KEY)
_HALF_WRITTEN: Final = frozenset({"file-empty", "file-not-pem", "pem-malformed"})


def read_material(settings: SettingsModel) -> Mapping[str, Material]:
    """Read everything the settings refer to.

    Each file is read once. Only if the client's certificate and key do not fit together, or one of
    them is incomplete, and a file changed within the last second, they are read again: a renewal
    that replaces them one after the other, as ``certs renew``, ``cp`` and Kubernetes do, is then
    seen as a whole. Files that have not changed for a second are judged as they are.

    Args:
        settings: Loaded settings; a slot given both inline and as a path is read inline.

    Returns:
        The slots that are set, in the order of `Slot`.
    """
    material = _read_once(settings)
    end = time.monotonic() + RENEWAL_SECONDS
    while _is_between(material) and _changed_recently(settings) and time.monotonic() < end:
        time.sleep(_PAUSE_SECONDS)
        material = _read_once(settings)
    return material


def _read_once(settings: SettingsModel) -> dict[str, Material]:
    secret = settings.client_key_password
    password = secret.get_secret_value() if secret else None
    material: dict[str, Material] = {}
    for slot, source in settings.pem_sources.items():
        if source.text is not None:
            data = inline_pem(source.text)
            raw = Material(slot, source.setting, source.source, f"inline:{slot}", data)
            material[slot] = parse_material(raw, password)
        elif source.path is None:
            material[slot] = Material(slot, source.setting, source.source, SYSTEM)
        else:
            path = os.fspath(source.path)
            material[slot] = read_one(slot, path, source.setting, source.source, password)
    return material


def _is_between(material: Mapping[str, Material]) -> bool:
    """Whether a certificate and key look as if they were read during their replacement."""
    pair = [material[slot] for slot in _PAIR if slot in material]
    if any(half.fault is not None and half.fault.code in _HALF_WRITTEN for half in pair):
        return True
    if len(pair) < 2 or not pair[0].certificates or pair[1].key is None:
        return False
    certified = public_key(pair[0].certificates[0])
    return certified is not None and certified != pair[1].key.public_key()


def _changed_recently(settings: SettingsModel) -> bool:
    """Whether a file of the pair, or a link on the way to it, changed within the last second."""
    now = time.time()
    for slot in _PAIR:
        source = settings.pem_sources.get(slot)
        if source is None or source.path is None:
            continue
        path = os.fspath(source.path)
        # A renamed directory or a link that was switched (Kubernetes' ..data) shows on its parent.
        for place in (path, os.path.dirname(path) or "."):  # noqa: PTH120 - a str is at hand
            try:
                changed = os.stat(place).st_ctime  # noqa: PTH116
            except (OSError, ValueError):
                continue
            if abs(now - changed) < RENEWAL_SECONDS:
                return True
    return False
