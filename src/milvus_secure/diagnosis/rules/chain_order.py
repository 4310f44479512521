"""The rule about the order of the certificates in a chain."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from cryptography import x509

from ...pem.certificate import (
    issuer_of,
    key_hash,
    may_issue,
    name_text,
    same_name,
    subject_of,
)
from ...reporting.report import Finding, Severity, finding
from ...verification.path import Verdict
from ..context import Chain, Context


def chain_order(context: Context) -> Iterator[Finding]:
    """The leaf is not first, or the intermediates are out of order (RFC 5246, section 7.4.2)."""
    for chain, verdict in context.judged_chains:
        leaf = _leaf_behind(context, chain)
        path = _upwards(leaf or chain.leaf, chain.certificates)
        if leaf is not None:
            yield _misplaced(
                chain,
                path,
                "The leaf is not the first certificate.",
                name_text(subject_of(leaf)),
            )
        elif not _in_order(chain, verdict):
            yield _misplaced(
                chain,
                path,
                "The intermediates are out of order; gRPC and Go sort them, others refuse them.",
                "; ".join(name_text(subject_of(certificate)) for certificate in path),
                severity=Severity.WARNING,
            )


def _leaf_behind(context: Context, chain: Chain) -> x509.Certificate | None:
    """The leaf, if another certificate is before it: the key's, or what the first one issued.

    Of the client's chain, gRPC takes the first certificate for the key's.
    """
    first, later = chain.leaf, chain.certificates[1:]
    key = context.material.get("client_key")
    if not chain.served and chain.setting.startswith("client") and key and key.key is not None:
        owner = key.key_hash
        if owner is not None and key_hash(first) != owner:
            return next((c for c in later if key_hash(c) == owner), None)
        return None
    if not may_issue(first):
        return None
    issued = (c for c in later if same_name(issuer_of(c), subject_of(first)) and not may_issue(c))
    return next(issued, None)


def _in_order(chain: Chain, verdict: Verdict) -> bool:
    """True if the presented part of the path is in the order that TLS 1.2 requires."""
    places = [
        chain.certificates.index(certificate)
        for certificate in verdict.path
        if certificate in chain.certificates
    ]
    return all(item < after for item, after in pairwise(places))


def _upwards(
    leaf: x509.Certificate, certificates: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The leaf and its issuers among the certificates, by name."""
    path = [leaf]
    while len(path) < len(certificates):
        above = (
            certificate
            for certificate in certificates
            if certificate not in path and same_name(subject_of(certificate), issuer_of(path[-1]))
        )
        issuer = next(above, None)
        if issuer is None:
            break
        path.append(issuer)
    return path


def _reordering(chain: Chain, path: Sequence[x509.Certificate]) -> str:
    """The command that writes the certificates of a file in this order."""
    if chain.unread or not chain.origin.startswith("file:"):
        return "cat leaf.pem intermediate.pem > chain.pem"
    file = shlex.quote(chain.origin.removeprefix("file:"))
    numbers = " ".join(str(chain.certificates.index(item) + 1) for item in path)
    block = "/BEGIN.*CERTIFICATE/ {i++} i==n; /END.*CERTIFICATE/ && i==n {exit}"
    return f"for n in {numbers}; do awk -v n=$n '{block}' {file}; done > chain.pem"


def _misplaced(
    chain: Chain,
    path: Sequence[x509.Certificate],
    message: str,
    expected: str,
    *,
    severity: Severity | None = None,
) -> Finding:
    return finding(
        "chain-order",
        message,
        "Write the leaf first, then each issuer.",
        command=_reordering(chain, path),
        severity=severity,
        setting=chain.setting,
        source=chain.source,
        origin=chain.origin,
        expected=expected,
        presented="; ".join(
            name_text(subject_of(certificate)) for certificate in chain.certificates[:6]
        ),
    )
