"""Name constraints of the usual types, as BoringSSL and Go judge them.

``NAME_CONSTRAINTS_check`` in ``crypto/x509/v3_ncons.cc``; ``checkConstraints`` in Go's
``crypto/x509``. Both agree on plain DNS names. What their releases judge differently, such as a
wildcard below an excluded name, mailboxes and URIs, is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography import x509

from .._common.text import lower_ascii
from ..pem.certificate import (
    canonical,
    extension,
    issuer_of,
    name_text,
    same_name,
    subject_of,
    subject_text,
)
from .verdict import Failure, NotJudged

_CODE = "name-constraint"
_DNS_LIKE = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?", re.ASCII)
_PLAIN = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)
_ANY_MAILBOX = x509.RFC822Name("any@subject")  # constraints on mailboxes are not judged
_MOST_COMPARISONS = 1 << 20
"""BoringSSL's limit: names times constraints (``NAME_CONSTRAINTS_check``)."""
_MOST_NAMES = 20_000
"""How many names are looked up here, each below every constrained CA; real chains have few."""


class _Trees(NamedTuple):
    """One side of the constraints of a CA, by type of name."""

    dns: frozenset[str]
    directories: frozenset[tuple[object, ...]]
    networks: tuple[Any, ...]
    types: frozenset[type[x509.GeneralName]]
    odd: bool
    sizes: frozenset[int]


_Outcome = bool | None
"""Whether a CA allows a name; None where that is left to the peer."""


def grpc_constraints(path: Sequence[x509.Certificate]) -> Iterator[Failure | NotJudged]:
    """What BoringSSL refuses, of every certificate but the self-issued above the leaf."""
    if _is_a_crowd(path):
        yield _LEFT_TO_THE_PEER
        return
    refused = False
    for place, certificate in enumerate(path):
        if place and same_name(subject_of(certificate), issuer_of(certificate)):
            continue
        names = [*_subject_names(certificate), *_alternatives(certificate)]
        for issuer in path[place + 1 :]:
            limits = extension(issuer, x509.NameConstraints)
            if limits is not None:
                parts = [
                    *_too_many(issuer, limits, len(subject_of(certificate).rdns), names),
                    *_outcome(certificate, issuer, limits, names, _grpc_allows),
                ]
                refused = refused or any(isinstance(part, Failure) for part in parts)
                yield from parts
    common = subject_of(path[0]).get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    hosts = [str(name.value) for name in common if _DNS_LIKE.fullmatch(str(name.value))]
    limited = any(extension(issuer, x509.NameConstraints) for issuer in path[1:])
    unnamed = extension(path[0], x509.SubjectAlternativeName) is None
    if limited and unnamed and hosts and not refused:
        yield Failure(
            _CODE,
            "gRPC ignores the CN of a certificate issued below a CA with name constraints.",
            expected="the name in a subjectAltName",
            presented=f"CN={hosts[0]}",
        )


def go_constraints(path: Sequence[x509.Certificate]) -> Iterator[Failure | NotJudged]:
    """What Go refuses, of every certificate's subjectAltName alone."""
    if _is_a_crowd(path):
        yield _LEFT_TO_THE_PEER
        return
    for place, certificate in enumerate(path):
        names = _alternatives(certificate)
        for issuer in path[place + 1 :]:
            limits = extension(issuer, x509.NameConstraints)
            if limits is not None:
                yield from _outcome(certificate, issuer, limits, names, _go_allows)


_LEFT_TO_THE_PEER = NotJudged(
    _CODE, "The chain has too many names and name constraints to judge them here."
)


def _is_a_crowd(path: Sequence[x509.Certificate]) -> bool:
    """True if a hostile chain would take seconds to judge."""
    limited = sum(extension(issuer, x509.NameConstraints) is not None for issuer in path[1:])
    return limited > 1 and limited * sum(len(_alternatives(c)) for c in path) > _MOST_NAMES


def _outcome(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    limits: x509.NameConstraints,
    names: Sequence[x509.GeneralName],
    allows: Callable[[x509.GeneralName, _Trees, _Trees], _Outcome],
) -> Iterator[Failure | NotJudged]:
    if _comparisons(limits, names) > _MOST_COMPARISONS:
        return
    permitted, excluded = _sides(limits)
    outcomes = [(name, allows(name, permitted, excluded)) for name in names]
    refused = [name for name, outcome in outcomes if outcome is False]
    if refused:
        authority = name_text(subject_of(issuer))
        allowed = [
            f"{authority} {word} {_listed(side)}"
            for word, side in (
                ("permits", limits.permitted_subtrees),
                ("excludes", limits.excluded_subtrees),
            )
            if side
        ]
        yield Failure(
            _CODE,
            f"The CA {authority} does not allow a name in the certificate of "
            f"{subject_text(certificate)}.",
            expected="; ".join(allowed),
            presented=_listed(refused),
        )
    elif any(outcome is None for _, outcome in outcomes):
        yield NotJudged(
            _CODE,
            "This library does not judge the kind of name constraint in "
            f"{name_text(subject_of(issuer))}; the peer does.",
        )


def _too_many(
    issuer: x509.Certificate,
    limits: x509.NameConstraints,
    in_subject: int,
    names: Sequence[x509.GeneralName],
) -> Iterator[Failure]:
    """BoringSSL counts each part of the subject as a name."""
    count = len(names) + in_subject
    constraints = _count(limits)
    if count * constraints > _MOST_COMPARISONS:
        yield Failure(
            _CODE,
            "The chain has more names and name constraints than gRPC compares.",
            expected=f"at most {_MOST_COMPARISONS} comparisons",
            presented=f"{count} names under {constraints} constraints of "
            f"{name_text(subject_of(issuer))}",
        )


def _count(limits: x509.NameConstraints) -> int:
    return len(limits.permitted_subtrees or ()) + len(limits.excluded_subtrees or ())


def _comparisons(limits: x509.NameConstraints, names: Sequence[x509.GeneralName]) -> int:
    return _count(limits) * len(names)


@lru_cache(maxsize=256)
def _sides(limits: x509.NameConstraints) -> tuple[_Trees, _Trees]:
    return _trees(limits.permitted_subtrees or ()), _trees(limits.excluded_subtrees or ())


def _trees(side: Iterable[x509.GeneralName]) -> _Trees:
    dns, directories, networks = set(), set(), []
    types, odd = set(), False
    for tree in side:
        types.add(type(tree))
        if isinstance(tree, x509.DNSName):
            base = lower_ascii(tree.value)
            odd = odd or not (base == "" or _PLAIN.fullmatch(base.removeprefix(".")))
            dns.add(base)
        elif isinstance(tree, x509.DirectoryName):
            directories.add(canonical(tree.value))
        elif isinstance(tree, x509.IPAddress):
            networks.append(tree.value)
    return _Trees(
        frozenset(dns),
        frozenset(directories),
        tuple(networks),
        frozenset(types),
        odd,
        frozenset(map(len, dns)),
    )


def _subject_names(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    subject = subject_of(certificate)
    if subject.rdns:
        yield x509.DirectoryName(subject)
    if subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS):
        yield _ANY_MAILBOX


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(extension(certificate, x509.SubjectAlternativeName) or ())


def _listed(names: Iterable[x509.GeneralName]) -> str:
    texts = [
        name_text(name.value) if isinstance(name, x509.DirectoryName) else str(name.value)[:80]
        for name in names
    ]
    more = f", and {len(texts) - 6} more" if len(texts) > 6 else ""
    return ", ".join(texts[:6]) + more


def _grpc_allows(name: x509.GeneralName, permitted: _Trees, excluded: _Trees) -> _Outcome:
    """``nc_match``: within a permitted tree of its type, if there is one, and in no excluded."""
    if type(name) not in permitted.types and type(name) not in excluded.types:
        return True
    if isinstance(name, x509.IPAddress):
        return False  # X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE
    if isinstance(name, x509.DirectoryName):
        levels = canonical(name.value)
        within = not permitted.directories or _is_below(levels, permitted.directories)
        return within and not _is_below(levels, excluded.directories)
    return _dns_allowed(name, permitted, excluded)


def _go_allows(name: x509.GeneralName, permitted: _Trees, excluded: _Trees) -> _Outcome:
    """``checkConstraints``: a name that Go cannot parse is refused for any constraint."""
    if isinstance(name, x509.DirectoryName | x509.OtherName | x509.RegisteredID):
        return True
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return None
    if isinstance(name, x509.DNSName) and not _is_plain(lower_ascii(name.value)):
        return None
    if type(name) not in permitted.types and type(name) not in excluded.types:
        return True
    if isinstance(name, x509.IPAddress):
        within = not permitted.networks or any(name.value in net for net in permitted.networks)
        return within and not any(name.value in net for net in excluded.networks)
    return _dns_allowed(name, permitted, excluded)


def _dns_allowed(name: x509.GeneralName, permitted: _Trees, excluded: _Trees) -> _Outcome:
    """Plain DNS names; a wildcard only where every name it stands for is judged alike."""
    if not isinstance(name, x509.DNSName) or permitted.odd or excluded.odd:
        return None
    text = lower_ascii(name.value)
    if not _is_plain(text) or (text.startswith("*.") and excluded.dns):
        return None
    within = x509.DNSName not in permitted.types or _is_within(text, permitted)
    return within and not _is_within(text, excluded)


def _is_plain(name: str) -> bool:
    return _PLAIN.fullmatch(name.removeprefix("*.")) is not None


def _is_within(name: str, trees: _Trees) -> bool:
    """Whether a domain is one of the bases or below it; only below one that starts with a dot.

    The time depends on the lengths of the bases, not on their number.
    """
    for size in trees.sizes:
        start = len(name) - size
        if start >= 0 and name[start:] in trees.dns:
            is_whole = not size or not start
            if is_whole or name[start] == "." or name[start - 1] == ".":
                return True
    return False


def _is_below(levels: tuple[object, ...], bases: frozenset[tuple[object, ...]]) -> bool:
    """Whether a directory name starts with one of the bases."""
    return any(levels[:size] in bases for size in {len(base) for base in bases})
