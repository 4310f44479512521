"""What a peer demands of the certificates on a path besides signatures and names.

Each function yields every failure; the caller picks the most specific one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from .certificate import (
    extension,
    extensions,
    issuer_of,
    may_sign,
    name_text,
    public_key,
    same_name,
    subject_of,
)

# Extensions BoringSSL and Go act on; any other that is critical is refused (RFC 5280, 4.2).
_UNDERSTOOD = frozenset({
    "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.32",
    "2.5.29.35", "2.5.29.36", "2.5.29.37", "2.5.29.54", "2.16.840.1.113730.1.1",
})  # fmt: skip
_DNS_LIKE = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a peer refuses a chain.

    Attributes:
        code: The finding code.
        message: One sentence with the cause.
        expected: What the peer wants.
        presented: What it gets.
        certificate: The one at fault, where it may be an anchor.
    """

    code: str
    message: str
    expected: str
    presented: str
    certificate: x509.Certificate | None = None


def grpc_failures(
    path: Sequence[x509.Certificate], trusted: int | None, now: datetime
) -> Iterator[Failure]:
    """What BoringSSL minds of a server's path.

    Dates of every certificate, and the extensions of those that are not anchors themselves
    (``check_chain_extensions`` in ``x509_vfy.cc``); TLS then wants digitalSignature and a key
    it has a signature algorithm for (``ssl_x509.cc``, ``ssl_privkey.cc``).
    """
    untrusted = path[: len(path) if trusted is None else trusted]
    yield from dates_failures(path, now)
    yield from _critical(untrusted, "usage-not-server")
    for below, one in enumerate(untrusted[1:]):
        if not _is_ca(one) or not may_sign(one):
            yield _not_ca(one)
        counted = [
            c for c in untrusted[1 : below + 1] if not same_name(subject_of(c), issuer_of(c))
        ]
        yield from _path_length(one, len(counted))
    for one in untrusted:
        yield from _purpose(one, ExtendedKeyUsageOID.SERVER_AUTH, "usage-not-server")
    usage = extension(path[0], x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        yield Failure(
            "usage-not-server", "The certificate's keyUsage does not allow TLS signatures.",
            expected="keyUsage with digitalSignature", presented="keyUsage without it",
        )  # fmt: skip
    yield from _grpc_key(path[0])
    yield from _grpc_hashes(path if trusted is None else path[:-1])
    yield from _grpc_constraints(path)


def _grpc_key(leaf: x509.Certificate) -> Iterator[Failure]:
    key = public_key(leaf)
    good = isinstance(key, rsa.RSAPublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)
    )
    if not good:
        yield Failure(
            "weak-key", "gRPC refuses a server certificate with a key of this type.",
            expected="RSA, or ECDSA on P-256 or P-384", presented=describe_key(leaf),
        )  # fmt: skip


def _grpc_hashes(certificates: Sequence[x509.Certificate]) -> Iterator[Failure]:
    for one in certificates:
        digest = digest_of(one)
        if isinstance(digest, hashes.MD5) or (digest is not None and digest.name[:4] == "sha3"):
            yield Failure(
                "weak-signature", "gRPC cannot verify a signature of this kind.",
                expected="SHA-256 or better of the SHA-2 family",
                presented=f"{name_text(subject_of(one))} signed with {digest.name.upper()}",
            )  # fmt: skip


def _grpc_constraints(path: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """BoringSSL knows no constraint on addresses, and none at all where a CN is the only name."""
    limits = [found for one in path[1:] if (found := extension(one, x509.NameConstraints))]
    names = extension(path[0], x509.SubjectAlternativeName)
    trees = [t for one in limits for t in (one.permitted_subtrees or [])]
    trees += [t for one in limits for t in (one.excluded_subtrees or [])]
    if names is not None and names.get_values_for_type(x509.IPAddress):
        networks = [tree for tree in trees if isinstance(tree, x509.IPAddress)]
        if networks:
            yield Failure(
                "name-constraint",
                "gRPC cannot judge a CA's constraint on IP addresses, so it refuses the address.",
                expected="name constraints for DNS names only",
                presented=", ".join(str(tree.value) for tree in networks),
            )
    common = subject_of(path[0]).get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    hosts = [str(one.value) for one in common if _DNS_LIKE.fullmatch(str(one.value))]
    if limits and names is None and hosts:
        yield Failure(
            "name-constraint", "Below a CA with name constraints gRPC takes no host from the CN.",
            expected="the name in a subjectAltName", presented=f"CN={hosts[0]}",
        )  # fmt: skip


def go_failures(
    path: Sequence[x509.Certificate], now: datetime, *, anchored: bool = True
) -> Iterator[Failure]:
    """What Go's ``Certificate.Verify`` minds of a client's path, anchors included.

    ``isValid``, ``CheckSignatureFrom`` and ``checkChainForKeyUsage`` in ``crypto/x509``. A leaf's
    keyUsage is not looked at; SHA-1 and MD5 are refused since Go 1.18.
    """
    yield from dates_failures(path, now)
    yield from _critical(path, "usage-not-client")
    last = len(path) - 1 if anchored else len(path)
    for place, one in enumerate(path):
        basic = extension(one, x509.BasicConstraints)
        # An anchor of version 1 has no extension to say it is a CA.
        excused = place == last and basic is None and one.version is x509.Version.v1
        if place and not excused and (basic is None or not basic.ca or not may_sign(one)):
            yield _not_ca(one)
        yield from _path_length(one, place - 1)
        yield from _purpose(one, ExtendedKeyUsageOID.CLIENT_AUTH, "usage-not-client")
    for one in path[:last]:
        digest = digest_of(one)
        if digest is not None and (isinstance(digest, hashes.MD5 | hashes.SHA1)
                                   or digest.name[:4] == "sha3"):  # fmt: skip
            yield Failure(
                "weak-signature", "A Go server such as Milvus refuses a signature of this kind.",
                expected="SHA-256 or better of the SHA-2 family",
                presented=f"{name_text(subject_of(one))} signed with {digest.name.upper()}",
            )  # fmt: skip
    key = public_key(path[0])
    curves = ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    good = isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curves)
    )
    if not good:
        yield Failure(
            "weak-key", "A Go server such as Milvus refuses a client key of this type.",
            expected="RSA or ECDSA", presented=describe_key(path[0]),
        )  # fmt: skip


def digest_of(certificate: x509.Certificate) -> hashes.HashAlgorithm | None:
    """The hash a certificate was signed with, or None if there is none or it is unknown."""
    try:
        return certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def describe_key(certificate: x509.Certificate) -> str:
    """A key's type and size, such as ``RSA 2048`` or ``EC secp521r1``."""
    key = public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.strip("_").removesuffix("PublicKey") if key else "an unknown type"


def span(length: timedelta) -> str:
    """A duration in the largest unit that fits, such as ``3 days`` or ``40 seconds``."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = seconds // size
        if count or size == 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError


def dates_failures(path: Sequence[x509.Certificate], now: datetime) -> Iterator[Failure]:
    """Yield for every certificate that is not valid at this time, and by how much."""
    for one in path:
        if now > one.not_valid_after_utc:
            name = name_text(subject_of(one))
            yield Failure(
                "certificate-expired",
                f"The certificate of {name} expired {span(now - one.not_valid_after_utc)} ago.",
                expected=f"a date up to {one.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC",
                presented=f"{now:%Y-%m-%d %H:%M:%S} UTC on this machine's clock",
                certificate=one,
            )
        elif now < one.not_valid_before_utc:
            name, wait = name_text(subject_of(one)), span(one.not_valid_before_utc - now)
            yield Failure(
                "certificate-not-yet-valid",
                f"The certificate of {name} becomes valid in {wait}.",
                expected=f"a date from {one.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC on",
                presented=f"{now:%Y-%m-%d %H:%M:%S} UTC on this machine's clock",
                certificate=one,
            )


def _critical(certificates: Sequence[x509.Certificate], code: str) -> Iterator[Failure]:
    for one in certificates:
        found = extensions(one)
        odd = ["an extension that cannot be read"] if found is None else [
            e.oid.dotted_string for e in found
            if e.critical and e.oid.dotted_string not in _UNDERSTOOD
        ]  # fmt: skip
        if odd:
            yield Failure(
                code, f"The certificate of {name_text(subject_of(one))} has a critical extension "
                "that is not understood.",
                expected="only extensions that TLS peers know", presented=", ".join(odd),
            )  # fmt: skip


def _is_ca(certificate: x509.Certificate) -> bool:
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def _not_ca(certificate: x509.Certificate) -> Failure:
    name = name_text(subject_of(certificate))
    basic = extension(certificate, x509.BasicConstraints)
    says = "no basicConstraints" if basic is None else f"CA:{str(basic.ca).upper()}"
    if not may_sign(certificate):
        says += ", keyUsage without keyCertSign"
    return Failure(
        "issuer-not-ca", f"{name} issued a certificate, but it is not a CA.",
        expected="basicConstraints CA:TRUE, and keyCertSign where there is a keyUsage",
        presented=f"{name} with {says}",
    )  # fmt: skip


def _path_length(issuer: x509.Certificate, below: int) -> Iterator[Failure]:
    basic = extension(issuer, x509.BasicConstraints)
    if basic is not None and basic.path_length is not None and below > basic.path_length:
        name = name_text(subject_of(issuer))
        yield Failure(
            "issuer-not-ca", f"{name} may not have so many intermediates below it.",
            expected=f"at most {basic.path_length} (pathLenConstraint)", presented=str(below),
        )  # fmt: skip


def _purpose(
    certificate: x509.Certificate, wanted: x509.ObjectIdentifier, code: str
) -> Iterator[Failure]:
    usages = extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or wanted in usages:
        return
    any_usage = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    if code == "usage-not-client" and any_usage in usages:  # BoringSSL takes it for nothing
        return
    server = code == "usage-not-server"
    word = "servers" if server else "clients"
    yield Failure(
        code, f"The certificate of {name_text(subject_of(certificate))} is not for {word}.",
        expected=f"extendedKeyUsage {'serverAuth' if server else 'clientAuth'}, or none",
        presented=", ".join(_usage_name(usage) for usage in usages),
    )  # fmt: skip


def _usage_name(usage: x509.ObjectIdentifier) -> str:
    return usage._name if usage._name != "Unknown OID" else usage.dotted_string  # noqa: SLF001 - its only name
