"""What the value of a setting may be, beyond a plain text or path."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr

from .._common.endpoint import mask_uri
from .._common.tls_mode import TLSMode
from ..pem.shapes import holds_material, is_material_path
from .normalize import INLINE, PATHS, SECRETS


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")  # noqa: TRY004 - what pydantic collects
    return value


Mode = Annotated[TLSMode, BeforeValidator(TLSMode.parse)]
"""A mode, by name or by its number in milvus.yaml."""

Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0, le=86_400, allow_inf_nan=False)]
"""A timeout: a negative one makes pymilvus wait without end, a very large one overflows."""

Days = Annotated[int, BeforeValidator(_number), Field(ge=0, le=36_500)]

# Dumps hide what may be secret.
Uri = Annotated[str, PlainSerializer(mask_uri)]
"""A URI; one that cannot be parsed keeps its password."""

Pem = Annotated[str, PlainSerializer(lambda text: text and "<PEM text>")]
"""PEM text, which may hold a key."""


def checked_text(name: str, value: object) -> object:
    """A value as it was, unless no protocol can carry it, or it is a key that would be shown.

    Args:
        name: The setting.
        value: Of any type; paths alone may hold any byte.

    Raises:
        ValueError: With the reason, never with the value.
    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("it is not UTF-8 text")
    if name not in (*INLINE, *SECRETS) and _is_material(name, text):
        belongs = f", which belongs in {name.removesuffix('_path')}" if name in PATHS else ""
        raise ValueError(f"it is the text of a certificate or key{belongs}")
    return value


def _is_material(name: str, text: str) -> bool:
    return is_material_path(text) if name in PATHS else holds_material(text)
