"""Name constraints, as BoringSSL and Go judge them: neither does it quite as OpenSSL.

``NAME_CONSTRAINTS_check`` in ``crypto/x509/v3_ncons.cc`` and ``check_name_constraints`` in
``x509_vfy.cc``; ``checkChainConstraints`` in Go's ``crypto/x509/constraints.go``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509

from .._common.text import lower_ascii
from ..pem.certificate import canonical, extension, issuer_of, name_text, same_name, subject_of
from .failure import Failure
from .hostname import installed_grpc

_DNS_LIKE = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*\.?", re.ASCII)
_URI = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#:]*)(?::[0-9]*)?(?:[/?#].*)?", re.DOTALL)
_MAILBOX = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]+@[A-Za-z0-9.-]+", re.ASCII)
_GO_LOCAL = re.compile(
    r"\"[^\"]*\"|(?!\.)(?!.*\.\.)(?:[\w!#$%&'*+/=?^`{|}~.-]|\\.)+(?<!\.)", re.ASCII
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_FQDN = re.compile(rf"(?:{_LABEL}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)\Z){_LABEL}")
# Since here a final dot says nothing, a wildcard is all that it may match, and a URI or mailbox
# out of the ordinary is refused.
_GRPC_IS_STRICT_SINCE = (1, 85)


class _Name(NamedTuple):
    """A name of any type, or the subtree of names below it."""

    kind: type[x509.GeneralName]
    value: Any


def grpc_constraints(path: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """What BoringSSL refuses, of every certificate but the self-issued above the leaf."""
    for place, one in enumerate(path):
        if place and same_name(subject_of(one), issuer_of(one)):
            continue
        names = [*_subject_names(one), *_alternatives(one)]
        yield from _refusals(path[place + 1 :], names, _grpc_allows)
    common = subject_of(path[0]).get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    hosts = [str(one.value) for one in common if _DNS_LIKE.fullmatch(str(one.value))]
    limited = any(extension(one, x509.NameConstraints) for one in path[1:])
    if limited and extension(path[0], x509.SubjectAlternativeName) is None and hosts:
        yield Failure(
            "name-constraint",
            "Below a CA with name constraints gRPC takes no host from the CN.",
            expected="the name in a subjectAltName",
            presented=f"CN={hosts[0]}",
        )


def go_constraints(path: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """What Go refuses, of every certificate's subjectAltName alone."""
    for place, one in enumerate(path):
        yield from _refusals(path[place + 1 :], _alternatives(one), _go_allows)


def _refusals(
    above: Sequence[x509.Certificate],
    names: Sequence[_Name],
    allows: Callable[[_Name, Sequence[_Name], Sequence[_Name]], bool],
) -> Iterator[Failure]:
    for one in above:
        limits = extension(one, x509.NameConstraints)
        if limits is None:
            continue
        trees = [_named(limits.permitted_subtrees), _named(limits.excluded_subtrees)]
        refused = [name for name in names if not allows(name, *trees)]
        if not refused:
            continue
        if allows is _grpc_allows and refused[0].kind is x509.IPAddress:
            yield Failure(
                "name-constraint",
                "gRPC cannot judge a CA's constraint on IP addresses, so it refuses the address.",
                expected="name constraints for DNS names only",
                presented=_listed(t for t in (*trees[0], *trees[1]) if t.kind is x509.IPAddress),
            )
            continue
        words = zip(("permits", "excludes"), trees, strict=True)
        issuer = name_text(subject_of(one))
        yield Failure(
            "name-constraint",
            "A CA in the chain does not allow a name in the certificate.",
            expected="; ".join(f"{issuer} {word} {_listed(some)}" for word, some in words if some),
            presented=_listed(refused),
        )


def _named(names: Sequence[x509.GeneralName] | x509.SubjectAlternativeName | None) -> list[_Name]:
    return [_Name(type(one), one.value) for one in names or ()]


def _alternatives(certificate: x509.Certificate) -> list[_Name]:
    return _named(extension(certificate, x509.SubjectAlternativeName))


def _subject_names(certificate: x509.Certificate) -> Iterator[_Name]:
    subject = subject_of(certificate)
    if subject.rdns:
        yield _Name(x509.DirectoryName, subject)
    for one in subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS):
        yield _Name(x509.RFC822Name, one.value)


def _listed(names: Sequence[_Name] | Iterator[_Name]) -> str:
    return ", ".join(
        name_text(one.value) if isinstance(one.value, x509.Name) else str(one.value)
        for one in names
    )


def _grpc_allows(name: _Name, permitted: Sequence[_Name], excluded: Sequence[_Name]) -> bool:
    """``nc_match``; a name or a constraint that cannot be judged is refused."""
    within = [_grpc_within(name, tree, False) for tree in permitted if tree.kind is name.kind]
    without = [_grpc_within(name, tree, True) for tree in excluded if tree.kind is name.kind]
    if None in within or (within and True not in within):
        return False
    return not any(one is None or one for one in without)


def _grpc_within(name: _Name, tree: _Name, excluding: bool) -> bool | None:
    """``nc_match_single``: whether a subtree holds the name, or None if that cannot be told."""
    if name.kind is x509.DirectoryName:
        levels = canonical(tree.value)
        return canonical(name.value)[: len(levels)] == levels
    text, base = str(name.value), str(tree.value)
    strict = installed_grpc() >= _GRPC_IS_STRICT_SINCE
    if name.kind is x509.DNSName:
        return _grpc_dns(lower_ascii(text), lower_ascii(base), strict and excluding, strict)
    if name.kind is x509.RFC822Name:
        return _grpc_email(text, base, strict)
    if name.kind is x509.UniformResourceIdentifier:
        return _grpc_uri(lower_ascii(text), lower_ascii(base), strict)
    return None


def _grpc_dns(text: str, base: str, overlapping: bool, strict: bool) -> bool:
    if not base:
        return True
    if strict:
        text, base = text.removesuffix("."), base.removesuffix(".")
    parent = base.partition(".")
    if overlapping and parent[1] and text.startswith("*.") and text[2:] == parent[2]:
        return True
    return bool(base) and _below(text, base)


def _grpc_email(text: str, base: str, strict: bool) -> bool | None:
    local, at, domain = text.partition("@")
    base_local, base_at, base_domain = base.rpartition("@")
    if not local or not at or "@" in domain or "@" in base_local:
        return None
    mailbox = base if base_at else f"any@{base}"
    if strict and not (_MAILBOX.fullmatch(text) and _MAILBOX.fullmatch(mailbox)):
        return None
    domain, base_domain = lower_ascii(domain), lower_ascii(base_domain)
    if base_local:
        return (local, domain) == (base_local, base_domain)
    return domain.endswith(base_domain) if base_domain[:1] == "." else domain == base_domain


def _grpc_uri(text: str, base: str, strict: bool) -> bool | None:
    if strict:
        found, base = _URI.fullmatch(text), base.removesuffix(".")
        host = found[1].removesuffix(".") if found else ""
        if not _FQDN.fullmatch(host) or not _FQDN.fullmatch(base.removeprefix(".")):
            return None
    else:
        scheme, slashes, rest = text.partition("://")
        host = rest.partition(":")[0] if ":" in rest else rest.partition("/")[0]
        if not slashes or ":" in scheme or not host:
            return None
    return host.endswith(base) if base.startswith(".") else host == base


def _below(text: str, base: str) -> bool:
    """Whether a domain is the base or below it; below it only, when the base has a first dot."""
    if not base or text == base:
        return True
    return text.endswith(base if base.startswith(".") else f".{base}")


def _go_allows(name: _Name, permitted: Sequence[_Name], excluded: Sequence[_Name]) -> bool:
    """``chainConstraints.check``; a name that Go cannot read is refused for any constraint."""
    if name.kind is x509.IPAddress and isinstance(name.value, IPv4Address | IPv6Address):
        text = ""
    elif name.kind in {x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier}:
        domain = _go_domain(name)
        if domain is None:
            return False
        text = domain
    else:
        return name.kind is not x509.IPAddress
    within = [_go_within(name, text, tree) for tree in permitted if tree.kind is name.kind]
    without = [_go_within(name, text, tree) for tree in excluded if tree.kind is name.kind]
    wild = (
        text.startswith("*.")
        and name.kind is x509.DNSName
        and any(
            lower_ascii(tree.value).partition(".")[1:] == (".", text[2:])
            for tree in excluded
            if tree.kind is name.kind
        )
    )
    return (not within or any(within)) and not any(without) and not wild


def _go_within(name: _Name, text: str, tree: _Name) -> bool:
    if name.kind is x509.IPAddress:
        return name.value in tree.value
    base = lower_ascii(str(tree.value))
    if "@" in base:  # one mailbox
        return (name.value.rpartition("@")[0], text) == (
            tree.value.rpartition("@")[0],
            base.rpartition("@")[2],
        )
    return _below(text, base)


def _go_domain(name: _Name) -> str | None:
    """The domain of a name in lower case, or None if it has none that Go can judge."""
    text = str(name.value)
    if name.kind is x509.RFC822Name:
        local, _, text = text.rpartition("@")
        if not _GO_LOCAL.fullmatch(local):
            return None
    if name.kind is x509.UniformResourceIdentifier:
        try:
            host = urlsplit(text).netloc.rpartition("@")[2]
        except ValueError:
            return None
        text = host.partition(":")[0]
        if not text or host.startswith("[") or _is_address(text):
            return None
    return lower_ascii(text) if go_reads(text) else None


def go_reads(domain: str) -> bool:
    """Whether Go takes a text for a domain (``domainNameValid``)."""
    return not domain or (all("!" <= one <= "~" for one in domain) and all(domain.split(".")))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
