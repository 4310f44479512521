"""Placeholders for a secret that its author left out.

People keep manifests and values without the keys in them: ``AAAA``, ``<base64 of server.pem>``,
``change to your own certificate``. The cluster would use such a value as it is, but the file
that is deployed has another one, so what is inside is not judged.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_ELIDED: Final = re.compile(
    r"\.\.\.|…|<[^<>\n]+>|\$\{|\{\{|\*{3}|x{6}|redact|reduct|replace|change|your|placeholder|todo",
    re.IGNORECASE,
)
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----\s*\n(.*?)-----END ", re.DOTALL)
# Smaller than any certificate or key in PEM, and than the DER inside one.
_SMALLEST_TEXT: Final = 64
_SMALLEST_DER: Final = 32


def looks_left_out(text: str) -> bool:
    """Whether a short text names what belongs in its place."""
    return len(text) < _SMALLEST_TEXT and "-----" not in text and _ELIDED.search(text) is not None


def is_placeholder(content: bytes) -> bool:
    """Whether the content of a certificate file was left out by its author.

    An empty value is none: an empty file gives it, and Milvus does not start with one. Neither
    is a PEM block on one line: it is what YAML makes of a block without ``|``.

    Args:
        content: What would be in the file.
    """
    text = content.strip()
    if not text or text.startswith(b"\x30"):
        return False
    if b"-----BEGIN" not in text:
        return len(text) < _SMALLEST_TEXT
    bodies = _PEM.findall(text.decode("utf-8", "replace"))
    return bool(bodies) and all(map(_is_left_out_body, bodies))


def _is_left_out_body(body: str) -> bool:
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        return _ELIDED.search(body) is not None or re.search(r"[a-z]+ [a-z]+ ", body) is not None
    return len(der) < _SMALLEST_DER
