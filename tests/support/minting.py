"""Certificates minted afresh for a test, as sound or as defective as it asks.

`mint` makes one certificate; every part of it can be left out or replaced. Nothing is cached
between tests but the keys, which say nothing about a certificate.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@cache
def key(kind: str = "p256", which: int = 0):
    """The `which`-th key of a kind: a curve's name, ed25519, ed448, dsa or rsaBITS."""
    curves = {
        "p256": ec.SECP256R1,
        "p384": ec.SECP384R1,
        "p521": ec.SECP521R1,
        "p192": ec.SECP192R1,
        "p224": ec.SECP224R1,
        "secp256k1": ec.SECP256K1,
        "brainpool": ec.BrainpoolP256R1,
    }
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind == "dsa":
        return dsa.generate_private_key(1024)
    bits = int(kind.removeprefix("rsa"))
    return rsa.generate_private_key(65537, bits) if bits >= 1024 else _short_rsa(bits)


def _short_rsa(bits: int):
    """An RSA key that cryptography still loads and no longer generates."""
    made = subprocess.run(
        ["openssl", "genrsa", str(bits)], check=True, capture_output=True, timeout=60
    )
    return serialization.load_pem_private_key(made.stdout, None)


@dataclass(frozen=True)
class Minted:
    """A certificate with its key and the certificates above it, nearest first."""

    certificate: x509.Certificate
    key: object = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain_pem(self) -> bytes:
        """Leaf and intermediates, without the self-signed root: what a server should present."""
        middle = [c for c in self.above if c.issuer != c.subject]
        return self.pem + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in middle)

    @property
    def key_pem(self) -> bytes:
        return self.encrypted_key_pem(None)

    def encrypted_key_pem(self, password: str | None) -> bytes:
        encryption = (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )


def names(*texts: str) -> x509.SubjectAlternativeName:
    """A subjectAltName: IP addresses as such, ``uri:...`` as URIs, the rest as DNS names."""
    general: list[x509.GeneralName] = []
    for text in texts:
        if text.startswith("uri:"):
            general.append(x509.UniformResourceIdentifier(text[4:]))
            continue
        try:
            general.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            general.append(x509.DNSName(text))
    return x509.SubjectAlternativeName(general)


def mint(
    common_name: str | None = "test",
    *,
    sans: Sequence[str] = (),
    issuer: Minted | None = None,
    subject: x509.Name | None = None,
    issuer_name: x509.Name | None = None,
    ca: bool | None = None,
    path_length: int | None = None,
    basic: bool = True,
    usages: Sequence[x509.ObjectIdentifier] = (),
    key_usage: x509.KeyUsage | None = None,
    identifiers: bool = True,
    kind: str = "p256",
    which: int = 0,
    digest: hashes.HashAlgorithm | None = None,
    pss: padding.PSS | None = None,
    start: dt.timedelta = -dt.timedelta(days=1),
    days: float = 365,
    extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Minted:
    """Make a certificate.

    Args:
        common_name: The subject's CN, or None for an empty subject.
        sans: Presented identifiers, as `names` takes them; none means no extension.
        issuer: Who signs; None is self-signed.
        subject, issuer_name: Whole names instead.
        ca: CA:TRUE; None is True for a self-signed one without SANs and usages.
        path_length: pathLenConstraint.
        basic: Whether basicConstraints is there at all.
        usages: Extended key usages; none means no extension.
        key_usage: The extension, when it should be there.
        identifiers: Whether SKI and AKI are there.
        kind, which: The key, as `key` takes them.
        digest: SHA-256 unless given; an Ed25519 or Ed448 issuer uses none.
        pss: The padding, where an RSA issuer is not to sign as PKCS #1 v1.5 has it.
        start, days: Validity, `start` from now and `days` from that.
        extra: More extensions, each with its criticality.
    """
    subject_key = key(kind, which)
    if subject is None:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        subject = x509.Name(attributes)
    is_ca = (issuer is None and not sans and not usages) if ca is None else ca
    signer = issuer.key if issuer else subject_key
    now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(subject_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + start + dt.timedelta(days=days))
    )
    if basic:
        builder = builder.add_extension(x509.BasicConstraints(is_ca, path_length), critical=True)
    if sans:
        builder = builder.add_extension(names(*sans), critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    if key_usage:
        builder = builder.add_extension(key_usage, critical=True)
    if identifiers:
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(subject_key.public_key()), critical=False
        )
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    hashless = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    algorithm = None if hashless else digest or hashes.SHA256()
    certificate = builder.sign(signer, algorithm, rsa_padding=pss)
    above = (issuer.certificate, *issuer.above) if issuer else ()
    return Minted(certificate, subject_key, above)


def server(issuer: Minted | None, **odd: object) -> Minted:
    """A server's leaf for localhost, sound but for what is asked for."""
    return mint(
        **{
            "common_name": "server",
            "sans": ["localhost"],
            "issuer": issuer,
            "usages": [SERVER],
            "ca": False,
            "which": 2,
            **odd,
        }
    )


def client(issuer: Minted | None, **odd: object) -> Minted:
    """A client's leaf likewise."""
    return mint(
        **{
            "common_name": "client",
            "issuer": issuer,
            "usages": [CLIENT],
            "ca": False,
            "which": 3,
            **odd,
        }
    )


@dataclass(frozen=True)
class Trio:
    """A healthy set: a CA, a server for localhost and 127.0.0.1, and a client."""

    ca: Minted
    server: Minted
    client: Minted

    def write(self, folder: Path) -> Path:
        """Write the guide's file names into a folder and return it."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.pem").write_bytes(self.ca.pem)
        for role in ("server", "client"):
            minted = getattr(self, role)
            (folder / f"{role}.pem").write_bytes(minted.chain_pem)
            path = folder / f"{role}.key"
            path.touch(mode=0o600)
            path.write_bytes(minted.key_pem)
        return folder


def trio(*, sans: Sequence[str] = ("localhost", "127.0.0.1")) -> Trio:
    """Mint a healthy set whose three keys differ."""
    ca = mint("test CA", which=1)
    return Trio(ca, server(ca, sans=sans), client(ca))
