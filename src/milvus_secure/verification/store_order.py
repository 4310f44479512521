"""The order in which gRPC looks at trust anchors, which matters where several bear one name.

BoringSSL takes the first that may be the issuer, and does not try another. It kept them sorted by
subject (``X509_OBJECT_idx_by_subject`` in ``x509_lu.cc``), with a sort that leaves equals as they
are up to gRPC 1.56, and with its own heapsort, which does not, up to 1.84; since then they stand as
in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from cryptography import x509

from ..pem.certificate import canonical, subject_of
from .hostname import installed_grpc

_HEAPSORT = ((1, 57), (1, 85))
"""The first release with it, and the first without."""


def as_grpc_looks(anchors: Sequence[x509.Certificate]) -> Sequence[x509.Certificate]:
    """The anchors of a file in the order in which the installed gRPC comes to them."""
    first, end = _HEAPSORT
    names = {canonical(subject_of(one)) for one in anchors}
    if len(names) == len(anchors) or not first <= installed_grpc() < end:
        return anchors
    return heapsorted(tuple(dict.fromkeys(anchors)))


@lru_cache(maxsize=32)
def heapsorted(anchors: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """The anchors after each was added to a stack that is sorted before the next one is.

    ``OPENSSL_sk_sort`` in ``crypto/stack/stack.cc``; adding one looks for it first, which sorts.
    """
    stack: list[x509.Certificate] = []
    for one in anchors:
        _sort(stack)
        stack.append(one)
    _sort(stack)
    return tuple(stack)


def _sort(stack: list[x509.Certificate]) -> None:
    for top in reversed(range(len(stack) // 2)):
        _down(stack, top, len(stack))
    for last in reversed(range(1, len(stack))):
        stack[0], stack[last] = stack[last], stack[0]
        _down(stack, 0, last)


def _down(stack: list[x509.Certificate], place: int, end: int) -> None:
    """Let one sink until neither of those below it is greater."""
    while True:
        greatest = place
        for below in (2 * place + 1, 2 * place + 2):
            if below < end and _key(stack[greatest]) < _key(stack[below]):
                greatest = below
        if greatest == place:
            return
        stack[place], stack[greatest] = stack[greatest], stack[place]
        place = greatest


@lru_cache(maxsize=512)
def _key(certificate: x509.Certificate) -> tuple[int, bytes]:
    """What BoringSSL compares of two subjects: the length of the canonical form, then its bytes."""
    subject = subject_of(certificate)
    try:
        folded = x509.Name(
            x509.RelativeDistinguishedName(
                x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in level
            )
            for level in canonical(subject)
        )
        der = folded.public_bytes()
    except (ValueError, TypeError):  # a name that cryptography reads and does not write
        der = subject.public_bytes()
    return len(der), der
