"""Certificates that Go cannot parse: ``parseCertificate`` in its ``crypto/x509/parser.go``.

One of them anywhere in what a client presents ends the handshake; among the anchors it is not
seen at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography import x509

from ..pem.certificate import extension, extensions, name_text, subject_of
from .constraints import go_reads
from .failure import Failure
from .policies import bad_mappings, bad_policies, malformed
from .signatures import describe_key, on_unknown_curve

# Key identifiers and authorityInfoAccess.
_NEVER_CRITICAL = frozenset({"2.5.29.14", "2.5.29.35", "1.3.6.1.5.5.7.1.1"})


def go_unparsed(certificates: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """Yield for each certificate that Go cannot parse.

    Another edition of an anchor may lack the fault, and so is named in the failure, but never has
    another key.
    """
    for one in certificates:
        name = name_text(subject_of(one))
        if on_unknown_curve(one):
            yield Failure(
                "weak-key",
                "A Go server such as Milvus cannot read a certificate on this curve.",
                expected="RSA, or ECDSA on P-256, P-384 or P-521",
                presented=f"{name} with {describe_key(one)}",
            )
        critical = {e.oid.dotted_string for e in extensions(one) or () if e.critical}
        if critical & _NEVER_CRITICAL:
            yield Failure(
                "usage-not-client",
                f"The certificate of {name} has an extension marked critical that must not be.",
                expected="key identifiers and authorityInfoAccess not critical (RFC 5280, 4.2)",
                presented=", ".join(sorted(critical & _NEVER_CRITICAL)),
                certificate=one,
            )
        odd = [domain for domain in _limited_domains(one) if not go_reads(domain)]
        if odd:
            yield Failure(
                "name-constraint",
                f"Go cannot read a name constraint of {name}.",
                expected="domains without a final dot",
                presented=", ".join(odd),
                certificate=one,
            )
        if bad_policies(one, least=0):
            yield malformed(one, "certificatePolicies", "usage-not-client")
        if bad_mappings(one, least=0):
            yield malformed(one, "policyMappings", "usage-not-client")


def _limited_domains(certificate: x509.Certificate) -> Iterator[str]:
    limits = extension(certificate, x509.NameConstraints)
    if limits is not None:
        for tree in (*(limits.permitted_subtrees or ()), *(limits.excluded_subtrees or ())):
            if isinstance(tree, x509.DNSName):
                yield tree.value.removeprefix(".")
