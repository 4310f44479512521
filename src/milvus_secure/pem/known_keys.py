"""Keys that everybody has: those in the example certificates of Milvus and pymilvus.

They are published in both repositories together with their private keys, and valid until
April 2032.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# SHA-256 of the DER SubjectPublicKeyInfo.
KNOWN: Final = {
    "0910eccda921ace7fbb64961f976a2dca359e95e4dbecf02d47ca2d3b0e0fc05": "ca.pem",
    "08415416c5c5af5504e3a27ec383b8baf238d3595db39e5a292079d3d49baa9a": "client.pem",
    "94226eaf3a8acb733dafa214dc91fbee87b787a94c9ba147c6b2f314f59cc9d7": "server.pem",
}


def fingerprint(key: PublicKeyTypes) -> str | None:
    """SHA-256 of the DER SubjectPublicKeyInfo in hexadecimal; None for a key without one."""
    try:
        return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (UnsupportedAlgorithm, ValueError):
        return None
