"""Certificates that Go cannot read: ``parseCertificate`` in its ``crypto/x509/parser.go``.

Such a certificate anywhere in what a client presents ends the handshake; among the anchors it is
not seen at all. What Go certainly refuses is a failure; other oddities are left to Go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ..pem import lenient
from ..pem.certificate import extension, has_readable_names, name_text, subject_of, subject_text
from ..pem.der import INTEGER, SEQUENCE, content, elements
from .grpc_reading import duplicates, is_too_old, malformed
from .signatures import describe_key, on_unknown_curve
from .verdict import Failure, NotJudged

_GO = "A Go server such as Milvus"
_NEVER_CRITICAL = frozenset(
    {lenient.SUBJECT_KEY, lenient.AUTHORITY_KEY, lenient.AUTHORITY_INFORMATION}
)
_READ = frozenset(
    {
        *_NEVER_CRITICAL,
        lenient.BASIC,
        lenient.KEY_USAGE,
        lenient.EXTENDED_USAGE,
        lenient.ALTERNATIVES,
        lenient.CONSTRAINTS,
        lenient.CRL_POINTS,
        lenient.POLICIES,
        lenient.MAPPINGS,
        lenient.POLICY_CONSTRAINTS,
        lenient.INHIBIT_ANY,
    }
)
_ABOUT_POLICIES = frozenset({lenient.POLICY_CONSTRAINTS, lenient.MAPPINGS, lenient.INHIBIT_ANY})
_PLAIN_URI = re.compile(r"[a-z][a-z0-9+.-]*:[\w/.~:?#@!$&'()*+,;=-]*", re.ASCII | re.IGNORECASE)


def go_unread(certificates: Sequence[x509.Certificate]) -> Iterator[Failure | NotJudged]:
    """Yield for each certificate that Go cannot read, or may not.

    Another edition of an anchor may lack the fault, and so is named in the failure, but never has
    another key.
    """
    for certificate in certificates:
        yield from _unread(certificate)


@lru_cache(maxsize=512)
def _unread(certificate: x509.Certificate) -> tuple[Failure | NotJudged, ...]:
    refused = tuple(_refused(certificate))
    if not _is_odd(certificate):
        return refused
    why = (
        f"The certificate of {subject_text(certificate)} is unusual, and only Go itself judges it."
    )
    return (*refused, NotJudged("certificate-malformed", why))


def _refused(certificate: x509.Certificate) -> Iterator[Failure]:
    name = name_text(subject_of(certificate))
    if on_unknown_curve(certificate):
        yield Failure(
            "weak-key",
            f"{_GO} cannot read a certificate on this curve.",
            expected="RSA, or ECDSA on P-256, P-384 or P-521",
            presented=f"{name} with {describe_key(certificate)}",
        )
    critical = {e.oid for e in lenient.extensions(certificate) if e.critical} & _NEVER_CRITICAL
    if critical:
        yield Failure(
            "usage-not-client",
            f"The certificate of {name} has an extension marked critical that must not be.",
            expected="key identifiers and authorityInfoAccess not critical (RFC 5280, 4.2)",
            presented=", ".join(sorted(critical)),
            certificate=certificate,
            remedy="plain-extensions",
        )
    if lenient.serial_number(certificate) < 0:
        yield malformed(certificate, "a negative serial number", _GO)
    if _names_two_algorithms(certificate):
        yield malformed(certificate, "two different signature algorithms", _GO)
    for oid in sorted(duplicates(certificate)):
        yield malformed(certificate, f"two extensions {lenient.extension_name(oid)}", _GO)
    policies = extension(certificate, x509.CertificatePolicies)
    named = [policy.policy_identifier for policy in policies or ()]
    if len(set(named)) < len(named):
        yield malformed(certificate, "a certificate policy that is named twice", _GO)


def _names_two_algorithms(certificate: x509.Certificate) -> bool:
    """True if the signed part names another signature algorithm than stands beside it."""
    (_, signed), (_, beside), _ = elements(
        content(certificate.public_bytes(Encoding.DER), SEQUENCE)
    )
    fields = list(elements(signed))
    has_version = fields[0][0] != INTEGER
    return fields[1 + has_version][1] != beside


def _is_odd(certificate: x509.Certificate) -> bool:
    extensions = lenient.extensions(certificate)
    unread = any(
        e.oid in _READ and (e.value is None or (e.repaired and e.oid == lenient.CONSTRAINTS))
        for e in extensions
    )
    one_is_true = any(
        e.oid == lenient.BASIC and e.repaired and getattr(e.value, "ca", True) for e in extensions
    )
    limits = any(e.oid in _ABOUT_POLICIES for e in extensions)
    return (
        unread
        or is_too_old(certificate)
        or one_is_true
        or limits
        or not has_readable_names(certificate)
        or _has_odd_names(certificate)
    )


def _has_odd_names(certificate: x509.Certificate) -> bool:
    names = next(
        (e for e in lenient.extensions(certificate) if e.oid == lenient.ALTERNATIVES), None
    )
    if names is None or not isinstance(names.value, x509.SubjectAlternativeName):
        return False
    return any(_is_odd_name(name, names.repaired) for name in names.value)


def _is_odd_name(name: x509.GeneralName, repaired: bool) -> bool:
    if isinstance(name, x509.UniformResourceIdentifier):
        return repaired or not _PLAIN_URI.fullmatch(name.value)
    if isinstance(name, x509.DNSName | x509.RFC822Name):
        return not name.value.isascii() or (repaired and "?" in name.value)
    address = isinstance(name, x509.IPAddress)
    return address and not isinstance(name.value, IPv4Address | IPv6Address)
