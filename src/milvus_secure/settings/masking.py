"""Takes secrets out of text that others wrote: a server may repeat what it was sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from .model import SettingsModel

_MASK = "**********"
_SHORTEST = 4  # a mask in place of single letters would show them all the better


def masked(text: str, settings: SettingsModel) -> str:
    """Replace every secret in a text, and what is sent for it in an authorization header."""
    for secret in _spellings(settings):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, _MASK)
    return text


def _spellings(settings: SettingsModel) -> list[str]:
    """The longest first, since one may hold another."""
    plain = [
        value.get_secret_value()
        for name in type(settings).model_fields
        if isinstance(value := getattr(settings, name), SecretStr)
    ]
    if settings.user and settings.password:
        plain.append(f"{settings.user}:{settings.password.get_secret_value()}")
    encoded = [base64.b64encode(one.encode("utf-8", "surrogateescape")).decode() for one in plain]
    return sorted({*plain, *encoded}, key=len, reverse=True)
