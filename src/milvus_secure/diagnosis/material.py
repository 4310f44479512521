"""Reads what the PEM settings refer to, each file once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..pem.material import Material, inline_pem, parse_material, read_one
from ..pem.slots import SLOTS, SYSTEM

if TYPE_CHECKING:
    from ..settings.model import SettingsModel


def read_material(settings: SettingsModel) -> Mapping[str, Material]:
    """Read everything the settings refer to, each file once.

    Args:
        settings: Loaded settings; a slot given both inline and as a path is read inline.

    Returns:
        The slots that are set, in the order of `SLOTS`.
    """
    secret = settings.client_key_password
    password = secret.get_secret_value() if secret else None
    material: dict[str, Material] = {}
    for slot in SLOTS:
        inline, path = getattr(settings, slot), getattr(settings, f"{slot}_path")
        setting = slot if inline is not None else f"{slot}_path"
        source = settings.source_of(setting)
        if inline is not None:
            text = inline if isinstance(inline, str) else inline.get_secret_value()
            raw = Material(slot, setting, source, f"inline:{slot}", inline_pem(text))
            material[slot] = parse_material(raw, password)
        elif path == SYSTEM:
            material[slot] = Material(slot, setting, source, SYSTEM)
        elif path is not None:
            material[slot] = read_one(slot, os.fspath(path), setting, source, password)
    return material
