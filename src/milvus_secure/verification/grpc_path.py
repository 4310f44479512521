"""The one path that gRPC builds from a server's certificate, and its verdict on it.

BoringSSL's ``crypto/x509/x509_vfy.cc`` with PARTIAL_CHAIN and TRUSTED_FIRST.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cryptography import x509

from .._common.versions import installed_grpc
from ..pem.certificate import (
    canonical,
    issuer_of,
    key_identifier_matches,
    may_sign,
    same_name,
    self_issued,
    subject_of,
)
from .constraints import grpc_constraints
from .extensions import dates_failures, grpc_failures, grpc_leaf_failures
from .grpc_reading import grpc_unread
from .openssl_verdict import openssl_failures
from .path_inputs import PathInputs, why_trust_is_open
from .untrusted import explain_untrusted
from .verdict import Failure, NotJudged, Path, Verdict

_LONGEST = 102  # BoringSSL's depth of 100 (x509_def in x509_vpm.cc), the leaf and the anchor
_SORTED_STORE = ((1, 57), (1, 85))
"""The first gRPC that sorts anchors of one name by an order of its own, and the first without."""


def judge_server(inputs: PathInputs) -> Verdict:
    """gRPC's verdict, for every order of several anchors of one name."""
    verdicts = [_in_order(inputs, order) for order in _orders(inputs.anchors)]
    first = verdicts[0]
    if len({(v.accepted, tuple(f.code for f in v.failures)) for v in verdicts}) == 1:
        return first
    why = "Several trust anchors have the same name, and only gRPC knows which one it uses."
    return _trust_not_judged(first.path, inputs, why)


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


def _in_order(inputs: PathInputs, anchors: Sequence[x509.Certificate]) -> Verdict:
    inputs.deadline.check()
    path, trusted = build_grpc_path(inputs.leaf, inputs.rest, anchors)
    why = why_trust_is_open(path, trusted, inputs.unread)
    if why:
        return _trust_not_judged(path, inputs, why)
    parts: list[Failure | NotJudged] = []
    for rules in _rules(path, trusted, inputs, anchors):
        inputs.deadline.check()
        parts += rules
    return Verdict.of(path, trusted, parts)


def _rules(
    path: Path, trusted: int | None, inputs: PathInputs, anchors: Sequence[x509.Certificate]
) -> Iterator[Iterable[Failure | NotJudged]]:
    yield grpc_unread(path)
    yield grpc_failures(path, trusted, inputs.now)
    if trusted is None:
        cut = len(path) == _LONGEST
        yield [_TOO_LONG if cut else explain_untrusted(path, inputs.rest, anchors, inputs.spare)]
    else:
        # Below a pinned leaf BoringSSL still verifies what was served with it.
        yield openssl_failures(path, trusted or len(path) - 1, anchors, by_grpc=True)
        yield grpc_constraints(path)


def _trust_not_judged(path: Path, inputs: PathInputs, why: str) -> Verdict:
    """What is certain for every path of the chain: the leaf's dates and its key."""
    failures = [*dates_failures((inputs.leaf,), inputs.now), *grpc_leaf_failures(inputs.leaf)]
    return Verdict.of(path, None, [*failures, NotJudged("chain-untrusted", why)])


def build_grpc_path(
    leaf: x509.Certificate, rest: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> tuple[Path, int | None]:
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
        # Another anchor of its name before it hides it.
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


_TOO_LONG = Failure(
    "chain-untrusted",
    "The chain is longer than gRPC accepts.",
    expected=f"at most {_LONGEST - 2} intermediates",
    presented="more of them",
)
