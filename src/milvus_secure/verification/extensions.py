"""What a peer requires of the certificates on a path, apart from signatures and names.

Each function yields every failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..pem.certificate import (
    extension,
    issuer_of,
    may_sign,
    name_text,
    same_name,
    self_issued,
    subject_of,
    subject_text,
    validity,
)
from ..pem.lenient import Extension, extension_name, extensions
from .signatures import (
    GO_HASHES,
    GO_LONGEST_EXPONENT,
    GO_SHORTEST_RSA,
    GRPC_HASHES,
    describe_key,
    go_takes,
    grpc_takes,
    grpc_takes_under_tls12,
    on_unknown_curve,
    unverifiable,
)
from .verdict import Failure

# Extensions a peer acts on; any other that is critical is refused (RFC 5280, 4.2). BoringSSL's
# stand in X509_supported_extension (v3_purp.cc), Go's in processExtensions (parser.go).
_GRPC_UNDERSTANDS = frozenset(f"2.5.29.{n}" for n in (15, 17, 19, 30, 32, 33, 36, 37, 54))
_GO_UNDERSTANDS = _GRPC_UNDERSTANDS | {"2.5.29.31"}
_GO_NAMES = x509.DNSName | x509.IPAddress | x509.RFC822Name | x509.UniformResourceIdentifier


def grpc_failures(
    path: Sequence[x509.Certificate], trusted: int | None, now: datetime
) -> Iterator[Failure]:
    """What BoringSSL minds of a server's path.

    Dates of every certificate, and the extensions of those that are not anchors themselves
    (``check_chain_extensions`` in ``x509_vfy.cc``); TLS then wants digitalSignature and a key
    it has a signature algorithm for (``ssl_x509.cc``, ``ssl_privkey.cc``).
    """
    untrusted = path[: _not_anchors(path) if trusted is None else trusted]
    yield from dates_failures(path, now)
    yield from _critical(untrusted, "usage-not-server", _grpc_acts_on)
    below = 0
    for item in untrusted[1:]:
        if not _is_ca(item) or not may_sign(item):
            yield _not_ca(item)
        yield from _path_length(item, below)
        below += not same_name(subject_of(item), issuer_of(item))
    for item in untrusted:
        yield from _purpose(item, ExtendedKeyUsageOID.SERVER_AUTH, "usage-not-server")
    yield from grpc_leaf_failures(path[0])
    yield from unverifiable(path, trusted is not None, GRPC_HASHES, "gRPC")


def _not_anchors(path: Sequence[x509.Certificate]) -> int:
    """How many certificates of an untrusted path stay untrusted once its root is an anchor."""
    return len(path) - (len(path) > 1 and self_issued(path[-1]))


def grpc_leaf_failures(leaf: x509.Certificate) -> Iterator[Failure]:
    """What TLS minds of the leaf itself, independent of who issued it."""
    usage = extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        yield Failure(
            "usage-not-server",
            "The certificate's keyUsage does not allow TLS signatures.",
            expected="keyUsage with digitalSignature",
            presented="keyUsage without digitalSignature",
        )
    if not grpc_takes(leaf):
        only_tls13 = grpc_takes_under_tls12(leaf)
        under = " under TLS 1.3, which Milvus speaks" if only_tls13 else ""
        yield Failure(
            "weak-key",
            f"gRPC refuses a server certificate with a key of this type{under}.",
            expected="RSA, or ECDSA on P-256 or P-384",
            presented=describe_key(leaf),
            only_tls13=only_tls13,
        )


def go_failures(
    path: Sequence[x509.Certificate], now: datetime, *, anchored: bool = True
) -> Iterator[Failure]:
    """What Go's ``Certificate.Verify`` minds of a client's path, anchors included.

    ``checkChainForKeyUsage`` in ``crypto/x509`` and what stands below. A leaf's keyUsage is not
    looked at; SHA-1 and MD5 are refused since Go 1.18.
    """
    yield from go_link_failures(path, now, anchored=anchored)
    for certificate in path[1:]:
        yield from _purpose(certificate, ExtendedKeyUsageOID.CLIENT_AUTH, "usage-not-client")
    yield from go_leaf_failures(path[0])


def go_leaf_failures(leaf: x509.Certificate) -> Iterator[Failure]:
    """What Go minds of the leaf itself, independent of who issued it."""
    yield from _purpose(leaf, ExtendedKeyUsageOID.CLIENT_AUTH, "usage-not-client")
    if not go_takes(leaf) and not on_unknown_curve(leaf):  # `go_reading` reports those
        yield Failure(
            "weak-key",
            "A Go server such as Milvus refuses a client key of this type.",
            expected="RSA of 1024 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519",
            presented=describe_key(leaf),
        )


def go_link_failures(
    path: Sequence[x509.Certificate], now: datetime, *, anchored: bool = True
) -> Iterator[Failure]:
    """What Go minds while it still builds a path: ``isValid`` and ``CheckSignatureFrom``."""
    yield from dates_failures(path, now)
    yield from _critical(path, "usage-not-client", _go_acts_on)
    last = len(path) - 1 if anchored else len(path)
    for place, certificate in enumerate(path):
        basic = extension(certificate, x509.BasicConstraints)
        # An anchor of version 1 has no extension to say it is a CA.
        excused = place == last and basic is None and certificate.version is x509.Version.v1
        if (
            place
            and not excused
            and (basic is None or not basic.ca or not _go_may_sign(certificate))
        ):
            yield _not_ca(certificate)
        yield from _path_length(certificate, place - 1)
    peer = "A Go server such as Milvus"
    yield from unverifiable(path, anchored, GO_HASHES, peer, GO_SHORTEST_RSA, GO_LONGEST_EXPONENT)


def _go_may_sign(certificate: x509.Certificate) -> bool:
    """A keyUsage without a single bit is none to Go (``CheckSignatureFrom``)."""
    usage = extension(certificate, x509.KeyUsage)
    return may_sign(certificate) or usage == _NO_USAGE


_NO_USAGE = x509.KeyUsage(*[False] * 9)


def span(length: timedelta) -> str:
    """A duration in the largest unit that fits, such as ``3 days`` or ``40 seconds``."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = seconds // size
        if count or size == 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError


def dates_failures(path: Sequence[x509.Certificate], now: datetime) -> Iterator[Failure]:
    """Yield for every certificate that is not valid at this time, and by how much."""
    for certificate in path:
        start, end = validity(certificate)
        if now > end:
            name = subject_text(certificate)
            yield Failure(
                "certificate-expired",
                f"The certificate of {name} expired {span(now - end)} ago.",
                expected=f"a date up to {end:%Y-%m-%d %H:%M:%S} UTC",
                presented=f"{now:%Y-%m-%d %H:%M:%S} UTC on this machine's clock",
                certificate=certificate,
            )
        elif now < start:
            name, wait = subject_text(certificate), span(start - now)
            yield Failure(
                "certificate-not-yet-valid",
                f"The certificate of {name} becomes valid in {wait}.",
                expected=f"a date from {start:%Y-%m-%d %H:%M:%S} UTC on",
                presented=f"{now:%Y-%m-%d %H:%M:%S} UTC on this machine's clock",
                certificate=certificate,
            )


def _grpc_acts_on(item: Extension) -> bool:
    return item.oid in _GRPC_UNDERSTANDS


def _go_acts_on(item: Extension) -> bool:
    """Names that Go does not read leave their extension unhandled."""
    value = item.value
    if isinstance(value, x509.SubjectAlternativeName):
        return any(isinstance(name, _GO_NAMES) for name in value)
    if isinstance(value, x509.NameConstraints):
        trees = (*(value.permitted_subtrees or ()), *(value.excluded_subtrees or ()))
        return all(isinstance(tree, _GO_NAMES) for tree in trees)
    return item.oid in _GO_UNDERSTANDS


def _critical(
    certificates: Sequence[x509.Certificate], code: str, acts_on: Callable[[Extension], bool]
) -> Iterator[Failure]:
    for certificate in certificates:
        odd = [item.oid for item in extensions(certificate) if item.critical and not acts_on(item)]
        if odd:
            yield Failure(
                code,
                f"The certificate of {subject_text(certificate)} has a critical extension that is "
                "not understood.",
                expected="only extensions that TLS peers know",
                presented=_first_few([extension_name(oid) for oid in odd]),
                remedy="plain-extensions",
            )


def _is_ca(certificate: x509.Certificate) -> bool:
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def _not_ca(certificate: x509.Certificate) -> Failure:
    name = name_text(subject_of(certificate))
    basic = extension(certificate, x509.BasicConstraints)
    constraints = "no basicConstraints" if basic is None else f"CA:{str(basic.ca).upper()}"
    if not may_sign(certificate):
        constraints += ", keyUsage without keyCertSign"
    return Failure(
        "issuer-not-ca",
        f"{name} issued a certificate, but it is not a CA.",
        expected="basicConstraints CA:TRUE, and keyCertSign where there is a keyUsage",
        presented=f"{name} with {constraints}",
    )


def _path_length(issuer: x509.Certificate, below: int) -> Iterator[Failure]:
    basic = extension(issuer, x509.BasicConstraints)
    if basic is not None and basic.path_length is not None and below > basic.path_length:
        name = name_text(subject_of(issuer))
        yield Failure(
            "issuer-not-ca",
            f"{name} does not allow so many intermediates below it.",
            expected=f"at most {basic.path_length} (pathLenConstraint)",
            presented=str(below),
            remedy="path-length",
        )


def _purpose(
    certificate: x509.Certificate, required: x509.ObjectIdentifier, code: str
) -> Iterator[Failure]:
    usages = extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or required in usages:
        return
    any_usage = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    if code == "usage-not-client" and (any_usage in usages or not list(usages)):
        return  # BoringSSL accepts neither
    server = code == "usage-not-server"
    word = "servers" if server else "clients"
    yield Failure(
        code,
        f"The certificate of {name_text(subject_of(certificate))} is not for {word}.",
        expected=f"extendedKeyUsage {'serverAuth' if server else 'clientAuth'}, or none",
        presented=usages_text(usages),
    )


def usages_text(usages: x509.ExtendedKeyUsage) -> str:
    """The usages by name, such as ``serverAuth, clientAuth``; an unknown one by its number."""
    names = [
        usage._name if usage._name != "Unknown OID" else usage.dotted_string  # noqa: SLF001 - its only name
        for usage in usages
    ]
    return _first_few(names) or "an empty list"


def _first_few(names: Sequence[str]) -> str:
    """Up to eight, and how many more there are: a hostile certificate has thousands."""
    more = f", and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
