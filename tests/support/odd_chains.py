"""Odd certificate chains: what can be odd about one, and how it is minted.

Each is what a peer presents and what the other side trusts; the real peers decide the verdict.
`odd_corpus` combines them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

import minting
from minting import CLIENT, SERVER, Minted

ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
CODE = ExtendedKeyUsageOID.CODE_SIGNING
NAMES = ("localhost", "127.0.0.1")
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
EXPIRED = {"start": -dt.timedelta(days=30), "days": 29}
FUTURE = {"start": dt.timedelta(days=1)}


@dataclass(frozen=True)
class Odd:
    """One chain as presented, its key, and the anchors it is judged against."""

    name: str
    leaf: Minted
    rest: tuple[x509.Certificate, ...]
    anchors_pem: bytes = field(repr=False)

    @property
    def chain_pem(self) -> bytes:
        return self.leaf.pem + b"".join(map(pem, self.rest))

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        return (self.leaf.certificate, *self.rest)


def pem(certificate: x509.Certificate) -> bytes:
    return Minted(certificate, None).pem


def key_usage(*names: str) -> x509.KeyUsage:
    """A keyUsage with these bits and no others."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in names for bit in every})


def constraints(permitted: Sequence[str] = (), excluded: Sequence[str] = ()) -> tuple:
    """A critical nameConstraints; networks are addresses, the rest DNS names."""

    def general(text: str) -> x509.GeneralName:
        if text.startswith("uri:"):
            return x509.UniformResourceIdentifier(text[4:])
        if "/" in text:
            return x509.IPAddress(ipaddress.ip_network(text))
        return x509.DNSName(text)

    return (
        x509.NameConstraints([*map(general, permitted)] or None, [*map(general, excluded)] or None),
        True,
    )


def mint(*args, broken_hash: str = "", version: int = 3, **odd) -> Minted:
    """`minting.mint`, also with broken hashes and with version 1, which only openssl signs."""
    if odd.get("ca") is False:
        odd.pop("path_length", None)
    if not broken_hash and version == 3:
        return minting.mint(*args, **odd)
    issuer = odd.pop("issuer", None)
    minted = minting.mint(*args, **{**odd, "identifiers": False})
    with tempfile.TemporaryDirectory() as folder:
        return _signed_again(minted, issuer, broken_hash or "sha256", version, folder)


def _signed_again(minted, issuer, digest, version, folder) -> Minted:
    place = Path(folder)
    files = {"it.pem": minted.pem, "it.key": minted.key_pem}
    if issuer:
        files |= {"ca.pem": issuer.pem, "ca.key": issuer.key_pem}
    for name, content in files.items():
        (place / name).write_bytes(content)

    def openssl(*command: str) -> bytes:
        return subprocess.run(
            ["openssl", *command], cwd=place, check=True, capture_output=True, timeout=120
        ).stdout

    source = ["-in", "it.pem"]
    if version == 1:
        subject = "/CN=" + minted.certificate.subject.rfc4514_string().removeprefix("CN=")
        openssl("req", "-new", "-key", "it.key", "-subj", subject, "-out", "it.csr")
        source = ["-req", "-in", "it.csr"]
    by = (
        ["-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7"]
        if issuer
        else ["-signkey", "it.key"]
    )
    signer = issuer.key if issuer else minted.key
    digests = [] if isinstance(signer, ed25519.Ed25519PrivateKey) else [f"-{digest}"]
    pem = openssl("x509", *source, *by, *digests, "-days", "30")
    certificate = x509.load_pem_x509_certificate(pem)
    return Minted(certificate, minted.key, (issuer.certificate, *issuer.above) if issuer else ())


class Tower:
    """A root, intermediates and a leaf, each made with given keywords of `mint` over valid ones."""

    def __init__(self, usage: x509.ObjectIdentifier, depth: int = 0) -> None:
        self.usage = usage
        self.depth = depth

    def root(self, **odd) -> Minted:
        return mint(**{"common_name": "odd root", "which": 1, "ca": True, **odd})

    def below(self, root: Minted, **odd) -> Minted:
        above = root
        for level in range(self.depth):
            above = self.middle(above, level, **(odd if level == 0 else {}))
        return above

    def middle(self, above: Minted, level: int = 0, **odd) -> Minted:
        usual = {"common_name": f"odd intermediate {level}", "which": 2 + level, "ca": True}
        return mint(issuer=above, **{**usual, **odd})

    def leaf(self, above: Minted | None, **odd) -> Minted:
        usual = {
            "common_name": "odd leaf",
            "sans": NAMES,
            "usages": [self.usage],
            "which": 9,
            "ca": False,
        }
        return mint(issuer=above, **{**usual, **odd})

    def odd(self, name: str, root=None, middle=None, leaf=None) -> Odd:
        top = self.root(**(root or {}))
        return served(name, self.leaf(self.below(top, **(middle or {})), **(leaf or {})), top.pem)


def served(name: str, leaf: Minted, *anchors: bytes, rest=None) -> Odd:
    """A leaf with the intermediates above it, or with the given certificates."""
    usual = tuple(c for c in leaf.above if c.issuer != c.subject)
    return Odd(name, leaf, usual if rest is None else tuple(rest), b"".join(anchors))


BOTH = {
    "rsa1024": {"kind": "rsa1024"},
    "rsa2048": {"kind": "rsa2048"},
    "rsa3072": {"kind": "rsa3072"},
    "p384": {"kind": "p384"},
    "p521": {"kind": "p521"},
    "ed25519": {"kind": "ed25519"},
    "expired": EXPIRED,
    "not yet valid": FUTURE,
    "expired by seconds": {"start": -dt.timedelta(days=1, seconds=3), "days": 1},
    "valid since seconds": {"start": -dt.timedelta(seconds=3)},
    "without identifiers": {"identifiers": False},
    "without basicConstraints": {"basic": False},
    "any usage": {"usages": [ANY]},
    "no usage": {"usages": []},
    "client usage": {"usages": [CLIENT]},
    "server usage": {"usages": [SERVER]},
    "both usages": {"usages": [SERVER, CLIENT]},
    "code usage": {"usages": [CODE]},
    "server and code usage": {"usages": [SERVER, CODE]},
    "unknown critical extension": {"extra": [(UNKNOWN, True)]},
    "unknown extension": {"extra": [(UNKNOWN, False)]},
    "certSign": {"key_usage": key_usage("key_cert_sign")},
    "crlSign": {"key_usage": key_usage("crl_sign")},
    "digitalSignature": {"key_usage": key_usage("digital_signature")},
    "certSign and digitalSignature": {"key_usage": key_usage("key_cert_sign", "digital_signature")},
    "keyEncipherment": {"key_usage": key_usage("key_encipherment")},
    "keyAgreement": {"key_usage": key_usage("key_agreement")},
}
DIGESTS = {
    "SHA-224": {"digest": hashes.SHA224()},
    "SHA-384": {"digest": hashes.SHA384()},
    "SHA-512": {"digest": hashes.SHA512()},
    "SHA3": {"digest": hashes.SHA3_256()},
    "SHA3-384": {"digest": hashes.SHA3_384()},
}
LEAVES = {
    **BOTH,
    **DIGESTS,
    "CA": {"ca": True},
    "SHA-1": {"broken_hash": "sha1"},
    "p192": {"kind": "p192"},
    "rsa without digitalSignature": {"kind": "rsa2048", "key_usage": key_usage("key_encipherment")},
    "rsa with keyAgreement": {"kind": "rsa2048", "key_usage": key_usage("key_agreement")},
    "CN only": {"sans": (), "common_name": "localhost"},
    "version 1": {"version": 1, "common_name": "localhost"},
    "without subject": {"common_name": None},
    "with the root's name": {"common_name": "odd root", "sans": NAMES},
    "with the root's name, no identifiers": {
        "common_name": "odd root",
        "sans": NAMES,
        "identifiers": False,
    },
}
AUTHORITIES = {
    **BOTH,
    **DIGESTS,
    "CA:FALSE": {"ca": False},
    "version 1": {"version": 1},
    "path length 0": {"path_length": 0},
    "path length 1": {"path_length": 1},
    "SHA-1": {"broken_hash": "sha1"},
    "CA:FALSE with certSign": {"ca": False, "key_usage": key_usage("key_cert_sign")},
    "certSign without basicConstraints": {"basic": False, "key_usage": key_usage("key_cert_sign")},
}
CONSTRAINTS = (
    (["localhost"], []),
    (["example.org"], []),
    ([], ["localhost"]),
    ([], ["example.org"]),
    (["127.0.0.0/8"], []),
    (["10.0.0.0/8"], []),
    ([], ["127.0.0.0/8"]),
    ([], ["10.0.0.0/8"]),
    (["localhost", "127.0.0.0/8"], []),
    (["host"], []),
)
