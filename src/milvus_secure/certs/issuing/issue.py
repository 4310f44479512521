"""Signs certificates: what each role's certificate looks like (RFC 5280, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...errors import CertificateError
from .keys import PrivateKey, PublicKey, digest_for, key_pem

MAX_DAYS = 36_500
"""The validity of the CA in Milvus's guide; a larger number is a typing error."""

_BACKDATE = timedelta(hours=1)  # for peers whose clock is slow


class Role(str, Enum):
    """What a certificate is for."""

    CA = "ca"
    INTERMEDIATE = "intermediate"
    SERVER = "server"
    CLIENT = "client"

    @property
    def issues(self) -> bool:
        """Whether it signs other certificates."""
        return self in {Role.CA, Role.INTERMEDIATE}


@dataclass(frozen=True)
class Authority:
    """A CA certificate, its key, and the chain above it.

    Attributes:
        certificate: The certificate of the CA.
        key: Its private key.
        chain: What a leaf must present: this certificate and those above it, without the root.
        renewal: The command that renews this CA, or None for a CA that is being made.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    renewal: str | None = None


@dataclass(frozen=True)
class Pair:
    """A certificate with its key, and the request it came from."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    request: x509.CertificateSigningRequest | None = None

    def authority(self) -> Authority:
        """The pair as a CA that signs."""
        certificate = self.certificate
        below = () if certificate.issuer == certificate.subject else (certificate, *self.chain)
        return Authority(certificate, self.key, below)

    def files(self, stem: str) -> dict[str, bytes]:
        """``STEM.key``, ``STEM.pem`` with the chain, leaf first, and ``STEM.csr``."""
        files = {
            f"{stem}.key": key_pem(self.key),
            f"{stem}.pem": b"".join(map(pem, (self.certificate, *self.chain))),
        }
        if self.request is not None:
            files[f"{stem}.csr"] = self.request.public_bytes(serialization.Encoding.PEM)
        return files


def pem(certificate: x509.Certificate) -> bytes:
    """One certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def check_days(days: object, what: str = "days") -> int:
    """Check a validity.

    Raises:
        CertificateError: If it is not a whole number from 1 to `MAX_DAYS`.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
        raise CertificateError(
            f"{what} is {days!r}, which is not a valid number of days.",
            f"Use 1 to {MAX_DAYS} days.",
        )
    return days


def self_signed(
    name: x509.Name, key: PrivateKey, end: datetime, *, path_length: int | None
) -> Pair:
    """Make a root that is valid from now to its end."""
    builder = _builder(name, key.public_key(), name, key.public_key(), now(), end)
    builder = _for_role(builder, Role.CA, key.public_key(), path_length)
    return Pair(builder.sign(key, digest_for(key)), key)


def issue(
    role: Role,
    subject: x509.Name,
    public: PublicKey,
    authority: Authority,
    days: int,
    names: x509.SubjectAlternativeName | None = None,
) -> x509.Certificate:
    """Sign a certificate.

    Args:
        role: Decides usages and constraints.
        subject: Its name; it differs from the authority's.
        public: The key it certifies.
        authority: Who signs.
        days: Validity from now.
        names: The host names and addresses of a server.

    Raises:
        CertificateError: If it would be valid longer than its issuer, or have the same subject.
    """
    issuer = authority.certificate
    if subject == issuer.subject:
        raise CertificateError(
            f"The {role.value} certificate would have the same subject as its issuer "
            f"({subject.rfc4514_string()}), so clients could not build a chain.",
            "Use another common name.",
        )
    start = now()
    end = start + timedelta(days=check_days(days))
    # All certificates of a set may have the same days, and take more than a second to make.
    if end > issuer.not_valid_after_utc + timedelta(hours=1):
        days_left = (issuer.not_valid_after_utc - start).days
        raise CertificateError(
            f"The {role.value} certificate would be valid for {days} days, its issuer for "
            f"{days_left}.",
            "Use fewer days, or renew the CA first." if authority.renewal else "Use fewer days.",
            authority.renewal,
        )
    end = min(end, issuer.not_valid_after_utc)
    builder = _builder(subject, public, issuer.subject, authority.key.public_key(), start, end)
    builder = _for_role(builder, role, public, 0)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority.key, digest_for(authority.key))


def request(
    subject: x509.Name, key: PrivateKey, names: x509.SubjectAlternativeName | None = None
) -> x509.CertificateSigningRequest:
    """Make a certificate signing request."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, digest_for(key))


def now() -> datetime:
    """The time now, in whole seconds as in certificates."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def _builder(
    subject: x509.Name,
    public: PublicKey,
    issuer: x509.Name,
    signer: PublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _BACKDATE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _for_role(
    builder: x509.CertificateBuilder, role: Role, public: PublicKey, path_length: int | None
) -> x509.CertificateBuilder:
    constraint = x509.BasicConstraints(role.issues, path_length if role.issues else None)
    builder = builder.add_extension(constraint, critical=True)
    builder = builder.add_extension(_key_usage(role, public), critical=True)
    if role.issues:
        return builder
    server = role is Role.SERVER
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    return builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)


def _key_usage(role: Role, public: PublicKey) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not role.issues,
        # TLS 1.2 without forward secrecy encrypts to the server's RSA key.
        key_encipherment=role is Role.SERVER and isinstance(public, rsa.RSAPublicKey),
        key_cert_sign=role.issues,
        crl_sign=role.issues,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
