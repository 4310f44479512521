"""Takes secrets out of text that others wrote: a server may repeat what it was sent."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

if TYPE_CHECKING:
    from .model import SettingsModel

_MASK = "**********"
_SHORTEST = 4  # to mask single letters would show where they are
_PUBLIC = "Milvus"  # the default password of every Milvus, and a word in its messages


def masked(text: str, settings: SettingsModel) -> str:
    """Replace every secret in a text: whole, in its parts, and in the forms that servers echo.

    Args:
        text: Whole, or cut at its end; a secret that the cut goes through is masked too.
        settings: Whose secrets they are.
    """
    spellings = sorted(_spellings(settings), key=len, reverse=True)  # one may contain another
    for secret in spellings:
        text = text.replace(secret, _MASK)
    for secret in spellings:
        for length in range(min(len(secret) - 1, len(text)), _SHORTEST - 1, -1):
            if text.endswith(secret[:length]):
                text = text[:-length] + _MASK
                break
    return text


def _spellings(settings: SettingsModel) -> set[str]:
    return {
        spelling
        for secret in _secrets(settings)
        for spelling in _forms(secret)
        if len(spelling) >= _SHORTEST
    }


def _secrets(settings: SettingsModel) -> Iterator[str]:
    """Every secret, the password within a token, and what is sent in an authorization header."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            yield secret
            password = secret.partition(":")[2] if name == "token" else ""
            if password and password != _PUBLIC:
                yield password
    if settings.user and settings.password:
        yield f"{settings.user}:{settings.password.get_secret_value()}"


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and escaped as in URIs, JSON, HTML, Python, base64 and hexadecimal."""
    data = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield quote(data, safe="")
    yield quote_plus(data)
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(data)[2:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        yield encoded.decode()
        yield encoded.decode().rstrip("=")
    yield data.hex()
