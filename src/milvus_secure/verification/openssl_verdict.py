"""What OpenSSL finds wrong with a path that gRPC and Go mind as well: signatures above all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from cryptography import x509

from ..pem.certificate import (
    has_huge_exponent,
    issued,
    issuer_of,
    name_text,
    signature_is_wrong,
    subject_of,
)
from .untrusted import other_key
from .verdict import Failure, NotJudged, Path

_SUBTREE_MINMAX = 49  # X509_V_ERR_SUBTREE_MINMAX, which cryptography does not read
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL has no name for
_UNREADABLE = -1  # cryptography took the certificate for one, OpenSSL does not


def openssl_failures(
    path: Path,
    trusted: int,
    anchors: Sequence[x509.Certificate],
    *,
    by_grpc: bool,
) -> Iterator[Failure | NotJudged]:
    """What OpenSSL finds wrong with a path that the peer minds as well.

    OpenSSL judges an anchor's extensions and matches key identifiers where BoringSSL and Go do
    not. When it complains of anything else, the signatures alone decide; the rest is
    decided by the peer's own rules.
    """
    error = None if any(map(has_huge_exponent, path[1:])) else _openssl(path, trusted)
    if error == _UNREADABLE:
        yield NotJudged(
            "certificate-malformed",
            "OpenSSL cannot read a certificate of the chain; the peer may be able to.",
        )
    if error == _SUBTREE_MINMAX and by_grpc:
        yield Failure(
            "name-constraint",
            "gRPC cannot judge a name constraint with a minimum or a maximum.",
            expected="name constraints without minimum and maximum",
            presented=name_text(subject_of(path[-1])),
        )
    for child, issuer in pairwise(path):
        if signature_is_wrong(child, issuer):
            yield other_key(child, [issuer], path, anchors)
        elif error and not issued(issuer, child) and issuer_of(child) == subject_of(issuer):
            yield Failure(
                "weak-signature",
                "A signature in the chain cannot be verified.",
                expected="a signature algorithm that TLS libraries know",
                presented=child.signature_algorithm_oid.dotted_string,
            )


@lru_cache(maxsize=128)
def _openssl(path: Path, trusted: int) -> int | None:
    """OpenSSL's verdict on this very path: an ``X509_V_ERR`` number, or None if it holds.

    It is the same at any time: dates are judged apart.
    """
    from OpenSSL import crypto  # noqa: PLC0415 - only for those who have a chain to judge

    try:
        wrapped = [crypto.X509.from_cryptography(certificate) for certificate in path]
    except crypto.Error:
        return _UNREADABLE
    store = crypto.X509Store()
    known = crypto.X509StoreFlags
    store.set_flags(known.PARTIAL_CHAIN | known.IGNORE_CRITICAL | _NO_CHECK_TIME)
    for anchor in wrapped[trusted:]:
        store.add_cert(anchor)
    try:
        crypto.X509StoreContext(store, wrapped[0], wrapped[1:trusted]).verify_certificate()
    except crypto.X509StoreContextError as refusal:
        return int(refusal.errors[0])
    return None
