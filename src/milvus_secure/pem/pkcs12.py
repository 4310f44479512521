"""A PKCS#12 store (RFC 7292): the client's certificate chain and its key in one file.

gRPC reads PEM only, so what is in the store is turned into that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from .certificate import issued
from .files import Fault
from .formats import Kind, recognise
from .panics import panics_as_errors


@dataclass(frozen=True, slots=True)
class Store:
    """What a store holds for a client.

    Attributes:
        key: The private key, or None.
        chain: The certificate of that key and those above it, leaf first; empty if there is none.
    """

    key: PrivateKeyTypes | None = field(repr=False)
    chain: tuple[x509.Certificate, ...]


def open_store(data: bytes, password: str | None) -> Store | Fault | None:
    """Open a PKCS#12 store.

    Args:
        data: What a file holds.
        password: The store's, or None for one without.

    Returns:
        What is in it; a fault if it does not open; None if this is no store.
    """
    if recognise(data) is not Kind.PKCS12:
        return None
    try:
        with panics_as_errors():
            store = pkcs12.load_pkcs12(data, None if password is None else password.encode())
    except UnsupportedAlgorithm:
        return Fault("key-unsupported", "a PKCS#12 store with an unknown type of key or encryption")
    except ValueError:
        code = "key-encrypted" if password is None else "key-password-wrong"
        return Fault(code, Kind.PKCS12.value)
    above = [additional_cert.certificate for additional_cert in store.additional_certs]
    leaf = store.cert.certificate if store.cert else None
    return Store(store.key, _chain(leaf, above) if leaf else ())


def plain_pem(key: PrivateKeyTypes) -> bytes:
    """A key as PEM without a password, as gRPC reads it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def chain_pem(chain: Iterable[x509.Certificate]) -> bytes:
    """Certificates as PEM."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


def _chain(leaf: x509.Certificate, others: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The leaf and its issuers, in order: a store keeps none, and may hold other CAs.

    A self-signed one ends the chain unsent: the peer has it already, or does not trust it.
    """
    chain = [leaf]
    while True:
        above = next((other for other in others if issued(other, chain[-1])), None)
        if above is None or above in chain or issued(above, above):
            return tuple(chain)
        chain.append(above)
