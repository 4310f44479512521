"""The paths from a client's certificate to an anchor, as a Go server tries and judges them.

``crypto/x509/verify.go``: it tries one after the other, and the first that holds is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cryptography import x509

from ..pem.certificate import (
    authority_key,
    extension,
    issuer_of,
    key_hash,
    key_id,
    signature_is_wrong,
    subject_of,
)
from .constraints import go_constraints
from .extensions import dates_failures, go_failures, go_leaf_failures, go_link_failures
from .go_reading import go_unread
from .grpc_path import build_grpc_path
from .openssl_verdict import openssl_failures
from .path_inputs import PathInputs, why_trust_is_open
from .untrusted import explain_untrusted
from .verdict import Failure, NotJudged, Path, Verdict

MOST_CANDIDATES = 100
"""``maxChainSignatureChecks`` in Go's ``crypto/x509/verify.go``; with the next, Go gives up."""

_Pool = dict[bytes, list[x509.Certificate]]


def judge_client(inputs: PathInputs) -> Verdict:
    """A Go server's verdict: the first valid path is enough."""
    leaf, rest, anchors, now = inputs.leaf, inputs.rest, inputs.anchors, inputs.now
    of_all = list(go_unread((leaf, *rest)))

    def judged(path: Path) -> Verdict:
        inputs.deadline.check()
        last = len(path) - 1
        parts = [
            *of_all,
            *go_unread(path[-1:]),
            *go_failures(path, now),
            *openssl_failures(path, last, anchors, by_grpc=False),
        ]
        if not any(isinstance(item, Failure) for item in parts):
            parts += go_constraints(path)
        return Verdict.of(path, last, parts)

    def signed(path: Path) -> bool:
        inputs.deadline.check()
        return not signature_is_wrong(*path[-2:])

    def sound(path: Path) -> bool:
        return not any(go_link_failures(path, now)) and signed(path)

    verdicts = []
    for path in _paths(leaf, rest, anchors, sound):
        verdict = judged(path)
        if verdict.accepted:
            return verdict
        verdicts.append(verdict)
    left_to_go = [verdict for verdict in verdicts if not verdict.failures]
    if left_to_go:
        return left_to_go[0]
    why = why_trust_is_open((leaf, *rest), None, inputs.unread)
    if why:
        return _trust_not_judged(inputs, why)
    # None holds: what is wrong with the best of those that at least have the right signatures?
    refused = [judged(path) for path in _paths(leaf, rest, anchors, signed)]
    if refused:
        best = min(refused, key=lambda verdict: len(verdict.failures))
        # Of paths that hold, Go has found none: it gave up before.
        return best if best.failures else Verdict.of(best.path, best.trusted, [_TOO_MANY])
    path, _ = build_grpc_path(leaf, rest, ())
    failures = [
        *(item for item in of_all if isinstance(item, Failure)),
        *go_failures(path, now, anchored=False),
        explain_untrusted(path, rest, anchors, inputs.spare),
    ]
    return Verdict.of(path, None, failures)


def _trust_not_judged(inputs: PathInputs, why: str) -> Verdict:
    """What is certain for every path of the chain: the leaf's dates and its key."""
    leaf = (inputs.leaf,)
    failures = [
        *dates_failures(leaf, inputs.now),
        *go_leaf_failures(inputs.leaf),
        *(part for part in go_unread(leaf) if isinstance(part, Failure)),
    ]
    return Verdict.of(leaf, None, [*failures, NotJudged("chain-untrusted", why)])


def _paths(
    leaf: x509.Certificate,
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    follow: Callable[[Path], bool],
) -> Iterator[Path]:
    """Paths to an anchor in the order of ``Certificate.buildChains``, as far as it looks.

    Args:
        leaf: Where they start.
        rest: What else was presented.
        anchors: Where they end.
        follow: Whether to go on from a path whose last certificate is one of the rest.
    """
    if leaf in anchors:
        yield (leaf,)
        return
    pools = _by_subject(anchors), _by_subject(rest)
    yield from _go_on((leaf,), pools, follow, iter(range(MOST_CANDIDATES)))


def _go_on(
    path: Path, pools: tuple[_Pool, _Pool], follow: Callable[[Path], bool], budget: Iterator[int]
) -> Iterator[Path]:
    issuer_name = issuer_of(path[-1]).public_bytes()
    for pool in pools:
        # findPotentialParents in cert_pool.go: the likeliest first.
        for item in sorted(pool.get(issuer_name, ()), key=lambda item: _unlikely(path[-1], item)):
            if next(budget, None) is None:
                return
            if any(_same_party(item, below) for below in path):
                continue
            if pool is pools[0]:
                yield (*path, item)
            elif follow((*path, item)):
                yield from _go_on((*path, item), pools, follow, budget)


def _by_subject(certificates: Sequence[x509.Certificate]) -> _Pool:
    pool: _Pool = {}
    for fromkey in dict.fromkeys(certificates):
        pool.setdefault(subject_of(fromkey).public_bytes(), []).append(fromkey)
    return pool


def _unlikely(child: x509.Certificate, issuer: x509.Certificate) -> int:
    authority_id, identifier = authority_key(child) or b"", key_id(issuer) or b""
    return 0 if authority_id == identifier else 1 if not authority_id or not identifier else 2


def _same_party(item: x509.Certificate, other: x509.Certificate) -> bool:
    """``alreadyInChain``: one that is renewed or cross-signed is the same."""
    kind = x509.SubjectAlternativeName
    return (
        subject_of(item) == subject_of(other)
        and key_hash(item) == key_hash(other)
        and extension(item, kind) == extension(other, kind)
    )


_TOO_MANY = Failure(
    "chain-untrusted",
    "The chain has more candidate issuers than a Go server such as Milvus tries.",
    expected=f"at most {MOST_CANDIDATES} candidates for an issuer in all",
    presented="more of them",
)
