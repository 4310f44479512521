"""Private keys: makes and reads the types that gRPC accepts."""

from __future__ import annotations

import shlex
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ...errors import CertificateError
from ...pem.files import read_path
from ..messages import certs

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

KEY_TYPES = ("p256", "p384", "rsa2048", "rsa3072", "rsa4096")
"""The types that gRPC and Milvus (Go) accept; BoringSSL refuses P-521 and Ed25519 servers."""

DEFAULT_KEY_TYPE = "p256"

_CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1}


def check_key_type(key_type: str) -> str:
    """Check the name of a key type.

    Raises:
        CertificateError: If gRPC refuses it, it is too weak, or there is no such type.
    """
    if key_type in KEY_TYPES:
        return key_type
    known = {
        "p521": "gRPC refuses P-521 keys",
        "ed25519": "gRPC refuses Ed25519 keys",
        "rsa1024": "RSA of 1024 bits is too weak",
    }
    why = known.get(str(key_type).lower(), "There is no such key type")
    raise CertificateError(f"{why} ({key_type!r}).", f"Use one of {', '.join(KEY_TYPES)}.")


def generate(key_type: str) -> PrivateKey:
    """Make a key of one of `KEY_TYPES`."""
    check_key_type(key_type)
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type]())
    return rsa.generate_private_key(65537, int(key_type.removeprefix("rsa")))


def type_of(key: object) -> str:
    """The name of a key's type; not in `KEY_TYPES` if gRPC refuses it."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return f"rsa{key.key_size}"
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        return {"secp256r1": "p256", "secp384r1": "p384"}.get(key.curve.name, key.curve.name)
    return type(key).__name__.replace("PublicKey", "").replace("PrivateKey", "").lower()


def usable(key: object) -> bool:
    """Whether gRPC and Milvus accept a key: RSA from 2048 bits on, P-256, P-384."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return key.key_size >= 2048
    return type_of(key) in _CURVES


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """The digest for signatures of a key: SHA-384 for P-384, else SHA-256."""
    return hashes.SHA384() if type_of(key) == "p384" else hashes.SHA256()


def key_pem(key: PrivateKey) -> bytes:
    """The key as PKCS#8 PEM without a password, as Milvus reads it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_key(path: Path) -> PrivateKey:
    """Read a private key that this library can sign with.

    Raises:
        CertificateError: If the file holds none.
    """
    reading = read_path(str(path))
    if reading.fault is not None:
        raise CertificateError(
            f"The key {path} cannot be read: {reading.fault.detail or reading.fault.code}.",
            "Restore it from a backup, or make a new set.",
        )
    try:
        key = serialization.load_pem_private_key(reading.data, None)
    except TypeError:
        here, plain = shlex.quote(str(path)), shlex.quote(f"{path}.plain")
        raise CertificateError(
            f"The key {path} is encrypted.",
            "Replace it with the key without a password, readable only by you.",
            f"openssl pkey -in {here} -out {plain} && mv {plain} {here}",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(
            f"{path} contains no PEM private key.", "See what it contains.", certs("show", path)
        ) from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise CertificateError(
            f"{path} contains a key of type {type_of(key)}, which gRPC refuses.", "Make a new set."
        )
    return key
