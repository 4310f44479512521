"""What is wrong with the certificates of a set, so that they have to be reissued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...errors import CertificateError
from ...pem.certificate import authority_key, extension, key_id, public_key
from ..issuing.issue import Authority, Role, now
from ..issuing.keys import PrivateKey, load_key, usable
from ..issuing.subject_alt_names import identifiers
from .inventory import Leaf, is_authority, read_certificates, signed_by

_WEAK = (hashes.MD5, hashes.SHA1)


class Found:
    """A leaf as it is in the directory, however broken."""

    def __init__(self, directory: Path, stem: str) -> None:
        self.stem = stem
        self.role = Role.SERVER if stem == "server" else Role.CLIENT
        self.certificate: x509.Certificate | None = None
        self.chain: tuple[x509.Certificate, ...] = ()
        self.key: PrivateKey | None = None
        self.faults: list[str] = []
        try:
            self.certificate, *rest = read_certificates(directory / f"{stem}.pem")
            self.chain = tuple(rest)
            self.role = Leaf(stem, self.certificate).role
        except CertificateError:
            self.faults.append("missing or unreadable")
        try:
            self.key = load_key(directory / f"{stem}.key")
        except CertificateError:
            self.faults.append("its key is missing or unreadable")


def root_faults(root: x509.Certificate) -> Iterator[str]:
    """What peers have against a root, a phrase each."""
    yield from _authority_faults(root)
    yield from _ageing(root)


def intermediate_faults(middle: x509.Certificate, root: x509.Certificate) -> Iterator[str]:
    """What peers have against the CA between root and leaves, a phrase each."""
    yield from _authority_faults(middle)
    if not signed_by(middle, root):
        yield "not signed by ca.key"
    if authority_key(middle) is None or authority_key(middle) != key_id(root):
        yield "no key identifier of its CA"
    yield from _ageing(middle)


def leaf_faults(found: Found, authority: Authority, root: x509.Certificate) -> Iterator[str]:
    """What peers have against a leaf, a phrase each.

    Args:
        found: The leaf.
        authority: Who signs leaves now.
        root: The anchor; what it signed itself is as good.
    """
    yield from found.faults
    leaf, key = found.certificate, found.key
    if leaf is None:
        return
    if key is not None and public_key(leaf) != key.public_key():
        yield "its key is of another certificate"
    if key is not None and not usable(key):
        yield "a key that is too weak or refused by gRPC"
    issuer = _issuer(found, leaf, authority, root)
    if issuer is None:
        signer = "intermediate.key" if authority.chain else "ca.key"
        yield f"not signed by {signer}"
    elif issuer != root and issuer not in found.chain:
        yield "its intermediate CA does not stand behind it"
    if leaf.subject == root.subject:
        yield "the same subject as the CA"
    if authority_key(leaf) is None or authority_key(leaf) != key_id(
        issuer or authority.certificate
    ):
        yield "no key identifier of its CA"
    yield from _ageing(leaf)
    yield from _purpose_faults(found.role, leaf)


def missing_names(found: Found, names: Sequence[str], ips: Sequence[str]) -> Iterator[str]:
    """Which of these names a server does not present, a phrase each."""
    had = extension(found.certificate, x509.SubjectAlternativeName) if found.certificate else None
    for asked in identifiers(names, ips).extension() or ():
        if asked not in (had or ()):
            yield f"not called {asked.value}"


def _issuer(
    found: Found, leaf: x509.Certificate, authority: Authority, root: x509.Certificate
) -> x509.Certificate | None:
    """Who signed a leaf, if a peer that trusts the root can tell."""
    known = [authority.certificate, root, *(one for one in found.chain if signed_by(one, root))]
    return next((one for one in known if signed_by(leaf, one)), None)


def _authority_faults(one: x509.Certificate) -> Iterator[str]:
    basic = extension(one, x509.BasicConstraints)
    if basic is None or not basic.ca:
        yield "not marked as a CA"
    if extension(one, x509.KeyUsage) is None or not is_authority(one):
        yield "no key usage keyCertSign"
    if key_id(one) is None:
        yield "no subject key identifier"


def _ageing(one: x509.Certificate) -> Iterator[str]:
    if isinstance(one.signature_hash_algorithm, _WEAK):
        yield "a weak signature"
    if one.not_valid_after_utc <= now():
        yield f"expired on {one.not_valid_after_utc.date()}"


def _purpose_faults(role: Role, leaf: x509.Certificate) -> Iterator[str]:
    server = role is Role.SERVER
    needed = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    usages = extension(leaf, x509.ExtendedKeyUsage)
    if usages is None or needed not in usages:
        yield f"no extended key usage {'serverAuth' if server else 'clientAuth'}"
    if server and extension(leaf, x509.SubjectAlternativeName) is None:
        yield "no subjectAltName"
