"""The paths from a client's certificate to an anchor, as a Go server tries them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cryptography import x509

from ..pem.certificate import authority_key, extension, issuer_of, key_hash, key_id, subject_of

MOST_CANDIDATES = 100
"""``maxChainSignatureChecks`` in Go's ``crypto/x509/verify.go``; with the next, Go gives up."""

Path = tuple[x509.Certificate, ...]
_Pool = dict[bytes, list[x509.Certificate]]


def go_paths(
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
    path: Path, pools: tuple[_Pool, _Pool], follow: Callable[[Path], bool], left: Iterator[int]
) -> Iterator[Path]:
    wanted = issuer_of(path[-1]).public_bytes()
    for pool in pools:
        # findPotentialParents in cert_pool.go: the likeliest first.
        for item in sorted(pool.get(wanted, ()), key=lambda item: _unlikely(path[-1], item)):
            if next(left, None) is None:
                return
            if any(_same_party(item, below) for below in path):
                continue
            if pool is pools[0]:
                yield (*path, item)
            elif follow((*path, item)):
                yield from _go_on((*path, item), pools, follow, left)


def _by_subject(certificates: Sequence[x509.Certificate]) -> _Pool:
    pool: _Pool = {}
    for fromkey in dict.fromkeys(certificates):
        pool.setdefault(subject_of(fromkey).public_bytes(), []).append(fromkey)
    return pool


def _unlikely(child: x509.Certificate, issuer: x509.Certificate) -> int:
    wanted, identifier = authority_key(child) or b"", key_id(issuer) or b""
    return 0 if wanted == identifier else 1 if not wanted or not identifier else 2


def _same_party(item: x509.Certificate, other: x509.Certificate) -> bool:
    """``alreadyInChain``: one that is renewed or cross-signed is the same."""
    kind = x509.SubjectAlternativeName
    return (
        subject_of(item) == subject_of(other)
        and key_hash(item) == key_hash(other)
        and extension(item, kind) == extension(other, kind)
    )
