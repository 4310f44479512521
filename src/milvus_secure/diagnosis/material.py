"""Reads what the PEM settings refer to, each file once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..pem.material import Material, inline_pem, parse_material, read_one
from ..pem.slots import SYSTEM

if TYPE_CHECKING:
    from ..settings.model import SettingsModel


def read_material(settings: SettingsModel) -> Mapping[str, Material]:
    """Read everything the settings refer to, each file once.

    Args:
        settings: Loaded settings; a slot given both inline and as a path is read inline.

    Returns:
        The slots that are set, in the order of `Slot`.
    """
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
