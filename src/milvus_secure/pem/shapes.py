"""Recognizes key or certificate material in a text, in every encoding."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import islice

_WORDS = re.compile(
    r"BEGIN (?:[A-Z0-9]{1,12} ){0,4}(?:PRIVATE KEY|CERTIFICATE)|-----BEGIN |PRIVATE KEY-----"
)
_SHORTEST = 40
_BASE64 = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST},}}={{0,2}}")
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{64,}")
# Base64 of DER that was cut or changed: longer than any name or path of these letters.
_LIKE_DER = re.compile(r"MI[A-Za-z0-9+/=]{120,}")
# Base64 or hex of a SEQUENCE or of PEM, behind a prefix such as file:// or base64:.
_AT_THE_END = re.compile(
    r"(?<![A-Za-z0-9+])"
    r"(?=((?:M[A-P]|T[UV]|LS0tLS1C)[A-Za-z0-9+/_-]{38,}={0,2}$|(?:30|2[dD])(?::?[0-9A-Fa-f]{2}){31,}$))"
)
_MOST_PREFIXES = 8
_NESTED = 3
"""How many times a text may have been encoded."""


def holds_material(text: str) -> bool:
    """True for a text that is a certificate or a key: PEM, base64 or hex of it, or a data URI.

    Args:
        text: The value of a setting that takes a name or a path.
    """
    if _WORDS.search(text) or text.lstrip().lower().startswith("data:"):
        return True
    if len(text) < _SHORTEST:
        return False
    bare = re.sub(r"\s|\\n|\\r|['\"]", "", text)
    bare = re.sub(r"^(?:https?|tcp)://|:\d+$", "", bare)  # given as an endpoint
    if _LIKE_DER.fullmatch(bare) or _decodes_to_material(bare, _NESTED):
        return True
    tails = (match[1] for match in islice(_AT_THE_END.finditer(bare), _MOST_PREFIXES))
    return any(_decodes_to_material(tail, _NESTED) for tail in tails)


def is_material_path(text: str) -> bool:
    """True for a text in the place of a path that can only be a key, such as 64 hex digits.

    Args:
        text: The value of a setting that takes a path.
    """
    return holds_material(text) or _HEX.fullmatch(re.sub(r"[\s:]", "", text)) is not None


def decode_material(text: str) -> tuple[bytes, int] | None:
    """The PEM or DER that a text of base64 encodes, and how many times it is encoded.

    Args:
        text: The value of a setting that takes a text, or the content of a file.
    """
    data = "".join(text.split())
    for times in range(1, _NESTED + 1):
        decoded = _decoded(data)
        if decoded is None:
            return None
        if b"-----BEGIN " in decoded or _is_der(decoded):
            return decoded, times
        data = "".join(decoded.decode("latin-1").split())
    return None


def looks_like_path(text: str) -> bool:
    """True for a line that can only be the name of a file.

    Args:
        text: The value of a setting that takes the text of a file.
    """
    line = text.strip()
    return len(line) <= 4096 and "\n" not in line and _PATH.fullmatch(line) is not None


_PATH = re.compile(
    r"(?:file:|~?/|\.{1,2}[/\\]|\$\{?\w+\}?/|[A-Za-z]:\\)[^\0]{1,4096}"
    r"|[\w.@-]+(?:[/\\][\w.@-]+)*\.(?:pem|crt|cer|cert|key|der|p12|pfx|p7b|jks)"
)


def _decodes_to_material(text: str, depth: int) -> bool:
    digits = text.replace(":", "")
    if _HEX.fullmatch(digits):
        decoded: bytes | None = _unhex(digits.removeprefix("0x"))
    else:
        decoded = _decoded(text)
    if decoded is None:
        return False
    if _is_der(decoded):
        return True
    inner = decoded.decode("latin-1")
    if _WORDS.search(inner.replace("\0", "")):
        return True
    return depth > 1 and _decodes_to_material("".join(inner.split()), depth - 1)


def _unhex(digits: str) -> bytes:
    return binascii.unhexlify(digits[: len(digits) // 2 * 2])


def _decoded(text: str) -> bytes | None:
    """The bytes that a text of base64 encodes, also URL-safe and without padding."""
    if not _BASE64.fullmatch(text):
        return None
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except ValueError:
        return None


def _is_der(data: bytes) -> bool:
    """True for a SEQUENCE that starts with an INTEGER or a SEQUENCE, cut off or not.

    PKCS#8 (RFC 5958), SEC1 (RFC 5915) and PKCS#1 keys (RFC 8017) start like this, and certificates
    (RFC 5280) too.
    """
    if len(data) < 24 or data[0] != 0x30:
        return False
    length_bytes = data[1] - 0x80 if data[1] > 0x80 else 0
    if length_bytes > 3 or data[1] == 0x80:
        return False
    return data[2 + length_bytes] in {0x02, 0x30}
