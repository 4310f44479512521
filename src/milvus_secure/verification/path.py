"""Certification paths, judged as the real peers judge them.

OpenSSL, through pyOpenSSL, verifies signatures (RFC 5280, 6). Which path is tried
and what its extensions must say differ by peer. Two of them are predicted here:
the gRPC client, which is BoringSSL's ``crypto/x509/x509_vfy.cc`` with PARTIAL_CHAIN and
TRUSTED_FIRST, and a Go TLS server such as Milvus, which is ``crypto/x509/verify.go``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from cryptography import x509

from .._common.versions import installed_grpc
from ..pem.certificate import (
    canonical,
    has_huge_exponent,
    has_readable_names,
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
from .constraints import go_constraints, grpc_constraints
from .extensions import (
    dates_failures,
    go_failures,
    go_leaf_failures,
    go_link_failures,
    grpc_failures,
    grpc_leaf_failures,
)
from .go_paths import MOST_CANDIDATES, Path, go_paths
from .go_reading import go_unread
from .grpc_reading import grpc_unread
from .untrusted import explain_untrusted, other_key
from .verdict import Failure, NotJudged, Verdict, by_rank

__all__ = ["Role", "Verdict", "judge_path"]

_LONGEST = 102  # BoringSSL's depth of 100 (x509_def in x509_vpm.cc), the leaf and the anchor
_SUBTREE_MINMAX = 49  # X509_V_ERR_SUBTREE_MINMAX, which cryptography does not read
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL has no name for
_UNREADABLE = -1  # cryptography took the certificate for one, OpenSSL does not
_SORTED_STORE = ((1, 57), (1, 85))
"""The first gRPC that sorts anchors of one name by an order of its own, and the first without."""


class Role(str, Enum):
    """Whose certificate is judged, and so who judges it."""

    SERVER = "server"
    """A server's, by the gRPC client."""
    CLIENT = "client"
    """A client's, by a Go TLS server such as Milvus in tlsMode 2."""


def judge_path(
    certificates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    role: Role,
    spare: Sequence[x509.Certificate] = (),
    *,
    unread: bool = False,
) -> Verdict:
    """Judge a chain as the real peer would.

    Args:
        certificates: As presented, the leaf first.
        anchors: The trust anchors, in the order of their file.
        now: The time to judge at, with zone.
        role: Whose chain it is.
        spare: Certificates known from elsewhere; they help only to explain what is missing.
        unread: True if there are more certificates in the chain or among the anchors, which
            cryptography cannot read and the peer may.

    Returns:
        The verdict: accepted, refused with every reason, or not judged. Nothing is raised.
    """
    leaf, rest = certificates[0], certificates[1:]
    judge = _client if role is Role.CLIENT else _server
    try:
        return judge(leaf, rest, anchors, now, spare, unread)
    except Exception as error:  # noqa: BLE001 - a chain nobody thought of is not a reason to fail
        why = f"This library failed to judge the chain ({type(error).__name__})."
        return Verdict((leaf,), None, not_judged=(NotJudged("chain-untrusted", why),))


def _server(
    leaf: x509.Certificate,
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    spare: Sequence[x509.Certificate],
    unread: bool,
) -> Verdict:
    """What gRPC makes of it, whichever of several anchors of one name it comes to first."""
    verdicts = [
        _server_in_order(leaf, rest, order, now, spare, unread) for order in _orders(anchors)
    ]
    first = verdicts[0]
    if len({(v.accepted, tuple(f.code for f in v.failures)) for v in verdicts}) == 1:
        return first
    why = "Several trust anchors have the same name, and only gRPC knows which one it uses."
    return _trust_not_judged(first.path, now, Role.SERVER, why)


def _orders(anchors: Sequence[x509.Certificate]) -> Iterator[Sequence[x509.Certificate]]:
    """The anchors as in the file; where gRPC sorts them, also each of a shared name first."""
    yield anchors
    first, end = _SORTED_STORE
    if first <= installed_grpc() < end:
        names = [canonical(subject_of(anchor)) for anchor in anchors]
        shared = Counter(names)
        for place, name in enumerate(names):
            if place and shared[name] > 1:
                yield (anchors[place], *anchors[:place], *anchors[place + 1 :])


def _server_in_order(
    leaf: x509.Certificate,
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    spare: Sequence[x509.Certificate],
    unread: bool,
) -> Verdict:
    path, trusted = _grpc_path(leaf, rest, anchors)
    why = _why_trust_is_open(path, trusted, unread)
    if why:
        return _trust_not_judged(path, now, Role.SERVER, why)
    parts: list[Failure | NotJudged] = [*grpc_unread(path), *grpc_failures(path, trusted, now)]
    if trusted is None:
        cut = len(path) == _LONGEST
        parts.append(_TOO_LONG if cut else explain_untrusted(path, rest, anchors, spare))
    else:
        # Below a pinned leaf BoringSSL still verifies what was served with it.
        parts += _complaints(path, trusted or len(path) - 1, Role.SERVER, anchors)
        parts += grpc_constraints(path)
    return _verdict(path, trusted, parts)


def _verdict(path: Path, trusted: int | None, parts: Sequence[Failure | NotJudged]) -> Verdict:
    return Verdict(
        path,
        trusted,
        by_rank([item for item in parts if isinstance(item, Failure)]),
        tuple(dict.fromkeys(item for item in parts if isinstance(item, NotJudged))),
    )


def _why_trust_is_open(path: Path, trusted: int | None, unread: bool) -> str:
    """Why it cannot be decided whether the chain leads to an anchor; empty if it can."""
    if unread and trusted is None:
        return "This library cannot read a certificate of the chain; the peer may be able to."
    if not all(map(has_readable_names, path)):
        return "This library cannot read a name in a certificate; the peer may be able to."
    return ""


def _trust_not_judged(path: Path, now: datetime, role: Role, why: str) -> Verdict:
    """What is certain whatever the chain leads to: the leaf's dates and its key."""
    leaf = path[0]
    failures = [*dates_failures((leaf,), now)]
    if role is Role.SERVER:
        failures += grpc_leaf_failures(leaf)
    else:
        failures += go_leaf_failures(leaf)
        failures += (part for part in go_unread((leaf,)) if isinstance(part, Failure))
    return Verdict(path, None, by_rank(failures), (NotJudged("chain-untrusted", why),))


def _grpc_path(
    leaf: x509.Certificate, rest: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> tuple[tuple[x509.Certificate, ...], int | None]:
    """The one path BoringSSL builds: the first issuer that fits, anchors before the rest.

    It never goes back to try another, and follows the anchors up to a self-signed one, or until
    the path is as long as it may be.
    """
    path, on_path = [leaf], {leaf}
    trusted: int | None = None
    while not self_issued(path[-1]) and len(path) < _LONGEST:
        issuer = _issuer(path[-1], anchors)
        if issuer is not None:
            trusted = len(path) if trusted is None else trusted
        elif trusted is None:
            issuer = _issuer(path[-1], [served for served in rest if served not in on_path])
        if issuer is None:
            break
        path.append(issuer)
        if issuer in on_path:  # an anchor that only has the name: no signature will fit
            break
        on_path.add(issuer)
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
    for candidate in candidates:
        named = same_name(subject_of(candidate), issuer_of(child))
        if named and key_identifier_matches(child, candidate) and may_sign(candidate):
            return candidate
    return None


def _client(
    leaf: x509.Certificate,
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    spare: Sequence[x509.Certificate],
    unread: bool,
) -> Verdict:
    """Go tries one path after the other; the first that holds is enough."""
    of_all = list(go_unread((leaf, *rest)))

    def judged(path: Path) -> Verdict:
        last = len(path) - 1
        parts = [
            *of_all,
            *go_unread(path[-1:]),
            *go_failures(path, now),
            *_complaints(path, last, Role.CLIENT, anchors),
        ]
        if not any(isinstance(item, Failure) for item in parts):
            parts += go_constraints(path)
        return _verdict(path, last, parts)

    def sound(path: Path) -> bool:
        return not any(go_link_failures(path, now)) and not signature_is_wrong(*path[-2:])

    verdicts = []
    for path in go_paths(leaf, rest, anchors, sound):
        verdict = judged(path)
        if verdict.accepted:
            return verdict
        verdicts.append(verdict)
    left_to_go = [verdict for verdict in verdicts if not verdict.failures]
    if left_to_go:
        return left_to_go[0]
    why = _why_trust_is_open((leaf, *rest), None, unread)
    if why:
        return _trust_not_judged((leaf,), now, Role.CLIENT, why)
    # None holds: what is wrong with the best of those that at least have the right signatures?
    named = go_paths(leaf, rest, anchors, lambda path: not signature_is_wrong(*path[-2:]))
    refused = [judged(path) for path in named]
    if refused:
        best = min(refused, key=lambda verdict: len(verdict.failures))
        # Of paths that hold, Go has found none: it gave up before.
        return best if best.failures else _verdict(best.path, best.trusted, [_TOO_MANY])
    path, _ = _grpc_path(leaf, rest, ())
    failures = [
        *(item for item in of_all if isinstance(item, Failure)),
        *go_failures(path, now, anchored=False),
        explain_untrusted(path, rest, anchors, spare),
    ]
    return _verdict(path, None, failures)


_TOO_LONG = Failure(
    "chain-untrusted",
    "The chain is longer than gRPC accepts.",
    expected=f"at most {_LONGEST - 2} intermediates",
    presented="more of them",
)
_TOO_MANY = Failure(
    "chain-untrusted",
    "The chain has more candidate issuers than a Go server such as Milvus tries.",
    expected=f"at most {MOST_CANDIDATES} candidates for an issuer in all",
    presented="more of them",
)


def _complaints(
    path: Path, trusted: int, role: Role, anchors: Sequence[x509.Certificate]
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
    if error == _SUBTREE_MINMAX and role is Role.SERVER:
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
