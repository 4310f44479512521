"""Certificates that BoringSSL cannot read, in whole or in an extension it looks at.

``x509v3_cache_extensions`` in ``crypto/x509/v3_purp.cc`` reads a few extensions of every
certificate of a path, anchors included; ``X509_policy_check`` in ``policy.cc`` reads those about
policies of all but the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cryptography import x509

from ..pem import lenient
from ..pem.certificate import extension, subject_text
from .verdict import Failure, NotJudged

_READ = frozenset(
    {
        lenient.BASIC,
        lenient.KEY_USAGE,
        lenient.EXTENDED_USAGE,
        lenient.SUBJECT_KEY,
        lenient.AUTHORITY_KEY,
        lenient.ALTERNATIVES,
        lenient.CONSTRAINTS,
        lenient.CRL_POINTS,
    }
)
# Of these `lenient` reads whatever BoringSSL reads; the others hold names, of which it may not.
_READ_FOR_SURE = frozenset(
    {lenient.BASIC, lenient.KEY_USAGE, lenient.EXTENDED_USAGE, lenient.SUBJECT_KEY}
)
_ABOUT_POLICIES = frozenset({lenient.POLICY_CONSTRAINTS, lenient.MAPPINGS, lenient.INHIBIT_ANY})


def grpc_unread(path: Sequence[x509.Certificate]) -> Iterator[Failure | NotJudged]:
    """What of a path BoringSSL cannot read, and what may be so."""
    for certificate in path:
        yield from _malformed(certificate)
    for certificate in path[:-1]:
        yield from _policies(certificate)


def duplicates(certificate: x509.Certificate) -> set[str]:
    """The types of which a certificate has more than one extension (RFC 5280, 4.2)."""
    counted = Counter(item.oid for item in lenient.extensions(certificate))
    return {oid for oid, count in counted.items() if count > 1}


def malformed(certificate: x509.Certificate, defect: str, peer: str) -> Failure:
    """The failure of a certificate that a peer cannot read."""
    return Failure(
        "certificate-malformed",
        f"{peer} cannot read the certificate of {subject_text(certificate)}: {defect}.",
        expected="a certificate as RFC 5280 has it",
        presented=f"{subject_text(certificate)}, with {defect}",
        certificate=certificate,
    )


def is_too_old(certificate: x509.Certificate) -> bool:
    """True if it has extensions and says that it is of version 1, which has none."""
    return certificate.version is x509.Version.v1 and bool(lenient.extensions(certificate))


def _malformed(certificate: x509.Certificate) -> Iterator[Failure | NotJudged]:
    if is_too_old(certificate):  # x509_parse in x_x509.cc
        yield malformed(certificate, "extensions in a certificate of version 1", "gRPC")
    twice = duplicates(certificate) & _READ
    for oid in sorted(twice):
        yield malformed(certificate, f"two extensions {lenient.extension_name(oid)}", "gRPC")
    unread = {e.oid for e in lenient.extensions(certificate) if e.value is None}
    for oid in sorted(unread & _READ):
        if oid in _READ_FOR_SURE:
            yield malformed(certificate, f"a malformed {lenient.extension_name(oid)}", "gRPC")
        else:
            yield NotJudged(
                "certificate-malformed",
                f"The certificate of {subject_text(certificate)} has an unusual "
                f"{lenient.extension_name(oid)}, which only gRPC itself can judge.",
            )


def _policies(certificate: x509.Certificate) -> Iterator[Failure | NotJudged]:
    values = {e.oid: e.value for e in lenient.extensions(certificate)}
    policies = extension(certificate, x509.CertificatePolicies)
    unread = lenient.POLICIES in values and policies is None
    if unread or values.keys() & _ABOUT_POLICIES:
        yield NotJudged(
            "certificate-malformed",
            f"The certificate of {subject_text(certificate)} constrains certificate policies, "
            "which only gRPC itself judges.",
        )
    named = [policy.policy_identifier for policy in policies or ()]
    if policies is not None and len(set(named)) != max(len(named), 1):
        yield malformed(certificate, "certificatePolicies that are empty or name one twice", "gRPC")
