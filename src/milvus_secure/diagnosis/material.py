"""Reads what the PEM settings refer to: each file once, and a pair of files from one moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from ..pem.certificate import public_key
from ..pem.material import Material, inline_pem, parse_material, read_one
from ..pem.slots import SYSTEM, Slot

if TYPE_CHECKING:
    from ..settings.model import SettingsModel

_Name = TypeVar("_Name", bound=str)

RENEWAL_SECONDS: Final = 1.0
"""How long a renewal may take to replace a certificate and its key, one after the other."""

_WRITING_SECONDS: Final = 0.3
"""How long a program may take to fill a file after it has made it empty, as ``cp`` does."""

_GONE_SECONDS: Final = 0.1
"""How long a file may be missing that is removed and made again, as ``install`` does."""

_PAUSE_SECONDS: Final = 0.02
_PAIR: Final = (Slot.CLIENT_PEM, Slot.CLIENT_KEY)
_LOOK_AGAIN_SECONDS: Final = {
    "file-empty": RENEWAL_SECONDS,
    "file-not-pem": _WRITING_SECONDS,
    "pem-malformed": _WRITING_SECONDS,
    "file-missing": _GONE_SECONDS,
}


def read_material(settings: SettingsModel) -> Mapping[str, Material]:
    """Read everything the settings refer to.

    Each file is read once. Only if the client's certificate and key do not fit together, or a file
    is missing or incomplete, and something there changed within the last second, all are read
    again, for up to a second: a renewal that replaces the files one after the other, as
    ``certs renew``, ``cp`` and Kubernetes do, is then seen as a whole. Files that have not changed
    for a second are judged as they are.

    Args:
        settings: Loaded settings; a slot given both inline and as a path is read inline.

    Returns:
        The slots that are set, in the order of `Slot`.
    """
    paths = [os.fspath(s.path) for s in settings.pem_sources.values() if s.path is not None]
    return read_settled(lambda: _read_once(settings), paths, _PAIR)


def read_settled(
    read: Callable[[], Mapping[_Name, Material]], paths: Iterable[str], pair: tuple[_Name, _Name]
) -> Mapping[_Name, Material]:
    """Read files; again for up to a second while they look as if they are being renewed.

    Args:
        read: Reads all of them.
        paths: The files.
        pair: The names of a certificate and its key in what ``read`` returns.

    Returns:
        What ``read`` returned last.
    """
    material = read()
    if not _seconds_to_wait(material, pair) or not _changed_recently(paths):
        return material
    start, patience = time.monotonic(), 0.0
    while seconds := _seconds_to_wait(material, pair):
        # A file that is empty while it is replaced must not end the wait for its pair.
        patience = max(patience, seconds)
        if time.monotonic() - start >= patience:
            break
        time.sleep(_PAUSE_SECONDS)
        material = read()
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


def _seconds_to_wait(material: Mapping[_Name, Material], pair: tuple[_Name, _Name]) -> float:
    """How long the files may look like this during a renewal; 0 if they are complete."""
    files = (piece for piece in material.values() if piece.origin.startswith("file:"))
    codes = (file.fault.code for file in files if file.fault is not None)
    seconds = max((_LOOK_AGAIN_SECONDS.get(code, 0.0) for code in codes), default=0.0)
    chain, key = (material.get(name) for name in pair)
    if chain is None or key is None or not chain.certificates or key.key is None:
        return seconds
    certified = public_key(chain.certificates[0])
    fits = certified is None or certified == key.key.public_key()
    return seconds if fits else RENEWAL_SECONDS


def _changed_recently(paths: Iterable[str]) -> bool:
    """Whether a file, or a link on the way to it, changed within the last second."""
    now = time.time()
    for path in paths:
        # A renamed directory or a link that was switched (Kubernetes' ..data) shows on its parent.
        for place in (path, os.path.dirname(path) or "."):  # noqa: PTH120 - a str is at hand
            try:
                changed = os.stat(place).st_ctime  # noqa: PTH116
            except (OSError, ValueError):
                continue
            if abs(now - changed) < RENEWAL_SECONDS:
                return True
    return False
