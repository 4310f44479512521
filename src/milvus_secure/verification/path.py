"""Certification paths, judged as the real peers judge them.

OpenSSL, through pyOpenSSL, verifies signatures (RFC 5280, 6). Which path is tried
and what its extensions must say differ by peer, and are told here for two of them:
the gRPC client, which is BoringSSL's ``crypto/x509/x509_vfy.cc`` with PARTIAL_CHAIN and
TRUSTED_FIRST, and a Go TLS server such as Milvus, which is ``crypto/x509/verify.go``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from cryptography import x509

from ..pem.certificate import (
    issued,
    issuer_of,
    key_identifier_matches,
    may_sign,
    name_text,
    same_name,
    self_issued,
    signature_is_wrong,
    subject_of,
)
from ..reporting.catalogue import rank
from .constraints import go_constraints, grpc_constraints
from .extensions import go_failures, go_link_failures, grpc_failures
from .failure import Failure
from .go_parsing import go_unparsed
from .go_paths import MOST_CANDIDATES, Path, go_paths
from .policies import go_policies, grpc_policies
from .store_order import as_grpc_looks
from .untrusted import nearest_miss, other_key

_LONGEST = 102  # BoringSSL's depth of 100 (x509_def in x509_vpm.cc), the leaf and the anchor
_SUBTREE_MINMAX = 49  # X509_V_ERR_SUBTREE_MINMAX, which cryptography does not read
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL has no name for
_UNREADABLE = -1  # cryptography took the certificate for one, OpenSSL does not


class Role(str, Enum):
    """Whose certificate is judged, and so who judges it."""

    SERVER = "server"
    """A server's, by the gRPC client."""
    CLIENT = "client"
    """A client's, by a Go TLS server such as Milvus in tlsMode 2."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the real peer makes of a chain.

    Attributes:
        path: From the leaf up, as far as it could be followed.
        trusted: Place in the path of the first certificate that is an anchor, or None.
        failure: The most specific reason to refuse it, or None if it is accepted.
    """

    path: tuple[x509.Certificate, ...]
    trusted: int | None
    failure: Failure | None = None

    @property
    def pinned(self) -> bool:
        """True if the leaf is trusted for itself, not for who issued it."""
        return self.trusted == 0


def judge_path(
    certificates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    role: Role,
    spare: Sequence[x509.Certificate] = (),
) -> Verdict:
    """Judge a chain as the real peer would.

    Args:
        certificates: As presented, the leaf first.
        anchors: The trust anchors, in the order of their file.
        now: The time to judge at, with zone.
        role: Whose chain it is.
        spare: Certificates known from elsewhere; they help only to explain what is missing.

    Returns:
        The verdict, with the one finding code that explains a refusal best.
    """
    leaf, rest = certificates[0], certificates[1:]
    if role is Role.CLIENT:
        return _go(leaf, rest, anchors, now, spare)
    path, trusted = _grpc_path(leaf, rest, as_grpc_looks(anchors))
    failures = [
        *grpc_failures(path, trusted, now),
        *grpc_constraints(path),
        *grpc_policies(path),
    ]
    if trusted is None:
        cut = len(path) == _LONGEST
        failures.append(_TOO_LONG if cut else nearest_miss(path, rest, anchors, spare))
    else:
        # Below a pinned leaf BoringSSL still verifies what was served with it.
        failures += _complaints(path, trusted or len(path) - 1, Role.SERVER)
    return Verdict(path, trusted, _most_specific(failures))


def _most_specific(failures: Sequence[Failure]) -> Failure | None:
    return min(failures, key=lambda failure: rank(failure.code), default=None)


def _grpc_path(
    leaf: x509.Certificate, rest: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> tuple[tuple[x509.Certificate, ...], int | None]:
    """The one path BoringSSL builds: the first issuer that fits, anchors before the rest.

    It never goes back to try another, and follows the anchors up to a self-signed one, or until
    the path is as long as it may be.
    """
    path = [leaf]
    trusted: int | None = None
    while not self_issued(path[-1]) and len(path) < _LONGEST:
        issuer = _issuer(path[-1], anchors)
        if issuer is not None:
            trusted = len(path) if trusted is None else trusted
        elif trusted is None:
            issuer = _issuer(path[-1], [one for one in rest if one not in path])
        if issuer is None:
            break
        path.append(issuer)
        if issuer in path[:-1]:  # an anchor that only bears the name: no signature will fit
            break
    if len(path) == 1 and self_issued(leaf):
        # Another anchor of its name that stands before it hides it.
        trusted = 0 if _issuer(leaf, anchors) == leaf else None
    elif trusted is None and leaf in anchors:
        # A stranger at the top is set aside before the leaf itself is looked for.
        path = path[:-1] if self_issued(path[-1]) else path
        trusted = 0
    return tuple(path), trusted


def _issuer(
    child: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """The first that BoringSSL's ``X509_check_issued`` takes: name, key identifier, keyCertSign."""
    for one in candidates:
        named = same_name(subject_of(one), issuer_of(child))
        if named and key_identifier_matches(child, one) and may_sign(one):
            return one
    return None


def _go(
    leaf: x509.Certificate,
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    spare: Sequence[x509.Certificate],
) -> Verdict:
    """Go tries one path after the other; the first that holds is enough."""
    unparsed = list(go_unparsed((leaf, *rest)))

    def failures_of(path: Path) -> list[Failure]:
        return [
            *unparsed,
            *go_unparsed(path[-1:]),
            *go_failures(path, now),
            *go_constraints(path),
            *go_policies(path),
            *_complaints(path, len(path) - 1, Role.CLIENT),
        ]

    def sound(path: Path) -> bool:
        return not any(go_link_failures(path, now)) and not signature_is_wrong(*path[-2:])

    for path in go_paths(leaf, rest, anchors, sound):
        if not failures_of(path):
            return Verdict(path, len(path) - 1)
    # None holds: what is wrong with the best of those that at least bear the right signatures?
    named = go_paths(leaf, rest, anchors, lambda path: not signature_is_wrong(*path[-2:]))
    refused = [(failures_of(path), path) for path in named]
    if refused:
        failures, path = min(refused, key=lambda one: len(one[0]))
        # Of paths that hold, Go has found none: it gave up before.
        failure = _most_specific(failures) or _TOO_MANY
        return Verdict(path, len(path) - 1, failure)
    path, _ = _grpc_path(leaf, rest, ())
    failures = [
        *go_failures(path, now, anchored=False),
        *go_constraints(path),
        nearest_miss(path, rest, anchors, spare),
    ]
    return Verdict(path, None, _most_specific(failures))


_TOO_LONG = Failure(
    "chain-untrusted",
    "The chain is longer than gRPC follows.",
    expected=f"at most {_LONGEST - 2} intermediates",
    presented="more of them",
)
_TOO_MANY = Failure(
    "chain-untrusted",
    "A Go server such as Milvus gives up on so many certificates.",
    expected=f"at most {MOST_CANDIDATES} candidates for an issuer in all",
    presented="more of them",
)


def _complaints(path: Path, trusted: int, role: Role) -> Iterator[Failure]:
    """What OpenSSL finds wrong with a path that the peer minds as well.

    OpenSSL judges an anchor's extensions and matches key identifiers where BoringSSL and Go do
    not. When it complains of anything else, the signatures alone decide; the rest is
    told by the peer's own rules.
    """
    error = _openssl(path, trusted)
    if error == _UNREADABLE:
        yield Failure(
            "chain-untrusted",
            "A certificate of the chain is damaged; OpenSSL cannot read it.",
            expected="certificates in DER (RFC 5280, 4.1)",
            presented="; ".join(name_text(subject_of(one)) for one in path),
        )
    if error == _SUBTREE_MINMAX and role is Role.SERVER:
        yield Failure(
            "name-constraint",
            "gRPC cannot judge a name constraint with a minimum or a maximum.",
            expected="name constraints without",
            presented=name_text(subject_of(path[-1])),
        )
    for child, issuer in pairwise(path):
        if signature_is_wrong(child, issuer):
            yield other_key(child, [issuer], path)
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

    It is the same at any time: the peer's own rules tell of dates.
    """
    from OpenSSL import crypto  # noqa: PLC0415 - only for those who have a chain to judge

    try:
        wrapped = [crypto.X509.from_cryptography(one) for one in path]
    except crypto.Error:
        return _UNREADABLE
    store = crypto.X509Store()
    known = crypto.X509StoreFlags
    store.set_flags(known.PARTIAL_CHAIN | known.IGNORE_CRITICAL | _NO_CHECK_TIME)
    for one in wrapped[trusted:]:
        store.add_cert(one)
    try:
        crypto.X509StoreContext(store, wrapped[0], wrapped[1:trusted]).verify_certificate()
    except crypto.X509StoreContextError as refusal:
        return int(refusal.errors[0])
    return None
