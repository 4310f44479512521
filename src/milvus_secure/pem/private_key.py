"""A private key in PEM, read as gRPC reads it."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from .blocks import Armor
from .files import Fault
from .panics import panics_as_errors
from .pkcs12 import plain_pem

# Object identifiers as they stand in DER: a curve spelled out (X9.62 prime-field) where BoringSSL
# wants its name, and a key for RSASSA-PSS alone. cryptography reads both and forgets it.
_REFUSED_FORMS = {
    b"\x06\x07*\x86H\xce=\x01\x01": "an EC key with explicit parameters",
    b"\x06\t*\x86H\x86\xf7\r\x01\x01\n": "an RSASSA-PSS key",
}


class KeyReading(NamedTuple):
    """What a block of a private key came to.

    Attributes:
        fault: Why it cannot be used, or None.
        key: The key; None also for one that OpenSSL reads and cryptography does not.
        opened: Of an encrypted key, the PEM without a password.
    """

    fault: Fault | None = None
    key: PrivateKeyTypes | None = None
    opened: bytes = b""

    def __repr__(self) -> str:
        return type(self).__name__  # it holds a key


def read_key(armor: Armor, password: str | None) -> KeyReading:
    """Read a private key as gRPC reads it.

    Args:
        armor: Its block.
        password: Opens it if it is encrypted.
    """
    encrypted = armor.label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in armor.text
    if encrypted and password is None:
        return KeyReading(Fault("key-encrypted"))
    try:
        with panics_as_errors():
            key = serialization.load_pem_private_key(
                armor.text,
                password.encode() if encrypted and password is not None else None,
                # Its primality tests take 60 ms for RSA 4096; the pair is compared instead.
                unsafe_skip_rsa_key_validation=True,
            )
    except UnsupportedAlgorithm:
        return KeyReading(Fault("key-unsupported", f"a key in a {armor.label} block"))
    except (TypeError, ValueError):
        if encrypted:
            return KeyReading(Fault("key-password-wrong"))
        key, fault = None, _odd_key(armor)
        if fault:
            return KeyReading(fault)
    form = next((words for oid, words in _REFUSED_FORMS.items() if oid in armor.der), "")
    if form and not encrypted:
        return KeyReading(Fault("key-unsupported", form))
    opened = plain_pem(key) if encrypted and key is not None else b""
    return KeyReading(key=key, opened=opened)


def _odd_key(armor: Armor) -> Fault | None:
    """None for a key that OpenSSL, like gRPC, reads though cryptography does not."""
    from OpenSSL import crypto  # noqa: PLC0415 - rare

    try:
        crypto.load_privatekey(crypto.FILETYPE_PEM, armor.text, b"")
    except (crypto.Error, ValueError):
        why = f"the block {armor.label} on line {armor.line}: its base64 contains no key"
        return Fault("pem-malformed", why)
    return None
