"""Defects of certificates for which clients or servers refuse them."""

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


class LeafFiles:
    """The key and certificate of a leaf as they are in the directory, complete or not."""

    def __init__(self, directory: Path, stem: str) -> None:
        self.stem = stem
        self.role = Role.SERVER if stem == "server" else Role.CLIENT
        self.certificate: x509.Certificate | None = None
        self.chain: tuple[x509.Certificate, ...] = ()
        self.key: PrivateKey | None = None
        self.defects: list[str] = []
        try:
            self.certificate, *rest = read_certificates(directory / f"{stem}.pem")
            self.chain = tuple(rest)
            self.role = Leaf(stem, self.certificate).role
        except CertificateError:
            self.defects.append("missing or unreadable")
        try:
            self.key = load_key(directory / f"{stem}.key")
        except CertificateError:
            self.defects.append("its key is missing or unreadable")


def root_defects(root: x509.Certificate) -> Iterator[str]:
    """The defects of a root, a phrase each."""
    yield from _authority_defects(root)
    yield from _age_defects(root)


def intermediate_defects(middle: x509.Certificate, root: x509.Certificate) -> Iterator[str]:
    """The defects of an intermediate CA, a phrase each."""
    yield from _authority_defects(middle)
    if not signed_by(middle, root):
        yield "not signed with ca.key"
    if authority_key(middle) is None or authority_key(middle) != key_id(root):
        yield "no authority key identifier"
    yield from _age_defects(middle)


def leaf_defects(
    leaf_files: LeafFiles, authority: Authority, root: x509.Certificate
) -> Iterator[str]:
    """The defects of a leaf, a phrase each.

    Args:
        leaf_files: The leaf.
        authority: The CA that signs leaves now.
        root: The trust anchor; it may have signed the leaf itself.
    """
    yield from leaf_files.defects
    leaf, key = leaf_files.certificate, leaf_files.key
    if leaf is None:
        return
    if key is not None and public_key(leaf) != key.public_key():
        yield "its key belongs to another certificate"
    if key is not None and not usable(key):
        yield "its key is too weak, or gRPC refuses it"
    issuer = _issuer(leaf_files, leaf, authority, root)
    if issuer is None:
        signer = "intermediate.key" if authority.chain else "ca.key"
        yield f"not signed with {signer}"
    elif issuer != root and issuer not in leaf_files.chain:
        yield "the certificate of its intermediate CA is missing after it in the file"
    if leaf.subject == root.subject:
        yield "the same subject as the CA"
    if authority_key(leaf) is None or authority_key(leaf) != key_id(
        issuer or authority.certificate
    ):
        yield "no authority key identifier"
    yield from _age_defects(leaf)
    yield from _purpose_defects(leaf_files.role, leaf)


def missing_names(leaf_files: LeafFiles, names: Sequence[str], ips: Sequence[str]) -> Iterator[str]:
    """Which of these names a server's certificate lacks, a phrase each."""
    present = (
        extension(leaf_files.certificate, x509.SubjectAlternativeName)
        if leaf_files.certificate
        else None
    )
    for name in identifiers(names, ips).extension() or ():
        if name not in (present or ()):
            yield f"it lacks the name {name.value}"


def _issuer(
    leaf_files: LeafFiles, leaf: x509.Certificate, authority: Authority, root: x509.Certificate
) -> x509.Certificate | None:
    """The CA that signed a leaf, if a peer that trusts the root can have it."""
    known = [
        authority.certificate,
        root,
        *(certificate for certificate in leaf_files.chain if signed_by(certificate, root)),
    ]
    return next((candidate for candidate in known if signed_by(leaf, candidate)), None)


def _authority_defects(certificate: x509.Certificate) -> Iterator[str]:
    basic = extension(certificate, x509.BasicConstraints)
    if basic is None or not basic.ca:
        yield "not marked as a CA"
    if extension(certificate, x509.KeyUsage) is None or not is_authority(certificate):
        yield "no key usage keyCertSign"
    if key_id(certificate) is None:
        yield "no subject key identifier"


def _age_defects(certificate: x509.Certificate) -> Iterator[str]:
    if isinstance(certificate.signature_hash_algorithm, _WEAK):
        yield "a weak signature"
    if certificate.not_valid_after_utc <= now():
        yield f"expired on {certificate.not_valid_after_utc.date()}"


def _purpose_defects(role: Role, leaf: x509.Certificate) -> Iterator[str]:
    server = role is Role.SERVER
    needed = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    usages = extension(leaf, x509.ExtendedKeyUsage)
    if usages is None or needed not in usages:
        yield f"no extended key usage {'serverAuth' if server else 'clientAuth'}"
    usage = extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:  # BoringSSL's ssl_cert_check_key_usage
        yield "no key usage digitalSignature"
    if server and extension(leaf, x509.SubjectAlternativeName) is None:
        yield "no subjectAltName"
