"""Reference and presented identifiers, matched as the installed gRPC matches them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from .._common.text import lower_ascii

if TYPE_CHECKING:
    from cryptography import x509

_MAX_SNI = 255  # BoringSSL's TLSEXT_MAXLEN_host_name: a longer name starts no handshake


class GrpcNameRules(Enum):
    """The rule sets that releases of gRPC know, oldest first.

    ``PEER_NAME``: ``tsi_ssl_peer_matches_name`` in ``src/core/tsi/ssl_transport_security.cc``.
    ``HOST_NAME``: ``HostNameCertificateVerifier`` in ``grpc_tls_certificate_verifier.cc`` and
    ``VerifySubjectAlternativeName`` in ``tls_utils.cc``.
    """

    PEER_NAME = "before 1.78"
    HOST_NAME = "1.78 and later"


_HOST_NAME_SINCE = (1, 78)


def generation(release: tuple[int, int]) -> GrpcNameRules:
    """The rules a release of grpcio judges names by."""
    return GrpcNameRules.HOST_NAME if release >= _HOST_NAME_SINCE else GrpcNameRules.PEER_NAME


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The identifiers a certificate presents, in its order.

    Attributes:
        common_name: The first CN of the subject, or empty.
        dns: dNSName entries.
        ips: iPAddress entries as text, in the form ``inet_ntop`` gives.
        uris: uniformResourceIdentifier entries.
        emails: rfc822Name entries.
        others: True if there are entries of yet other types, such as a directory name.
        unreadable: True if an address has neither 4 nor 16 bytes: gRPC then ends the handshake;
            before 1.82 it aborts the process.
    """

    common_name: str = ""
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    others: bool = False
    unreadable: bool = False

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Every subjectAltName gRPC looks at."""
        return (*self.dns, *self.ips, *self.uris, *self.emails)


@lru_cache(maxsize=64)
def presented(certificate: x509.Certificate) -> CertificateNames:
    """Read the identifiers of a certificate; what cannot be parsed is taken as absent."""
    from cryptography import x509  # noqa: PLC0415 - only its types are known above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    from ..pem.certificate import extension, subject_of  # noqa: PLC0415

    names = [
        attribute.value
        for attribute in subject_of(certificate).get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    common = names[0] if names and isinstance(names[0], str) else ""
    alternatives = extension(certificate, x509.SubjectAlternativeName)
    if alternatives is None:
        return CertificateNames(common)
    kinds = (x509.DNSName, x509.IPAddress, x509.UniformResourceIdentifier, x509.RFC822Name)
    packed = [
        getattr(address, "packed", b"")
        for address in alternatives.get_values_for_type(x509.IPAddress)
    ]
    return CertificateNames(
        common,
        tuple(alternatives.get_values_for_type(x509.DNSName)),
        tuple(map(_address_text, filter(None, packed))),
        tuple(alternatives.get_values_for_type(x509.UniformResourceIdentifier)),
        tuple(alternatives.get_values_for_type(x509.RFC822Name)),
        others=any(not isinstance(name, kinds) for name in alternatives),
        unreadable=b"" in packed,
    )


def accepts(
    names: CertificateNames, reference: str, rules: GrpcNameRules, *, overridden: bool
) -> bool:
    """Whether gRPC connects to a server with these names and makes calls to it.

    From 1.78 on there are two judges: `matches` in the handshake, and for each call the rules of
    before (``grpc_ssl_check_call_host`` in ``ssl_utils.cc``), unless the name is overridden.

    Args:
        names: What the certificate presents.
        reference: The name that is required; an IPv6 address without brackets.
        rules: The generation of the gRPC that judges.
        overridden: True if the name was set as ``server_name``, and not taken from the URI.
    """
    if not matches(names, reference, rules):
        return False
    return overridden or matches(names, reference, GrpcNameRules.PEER_NAME)


def matches(names: CertificateNames, reference: str, rules: GrpcNameRules) -> bool:
    """Whether gRPC's handshake accepts a certificate for the server that it connects to.

    Args:
        names: What the certificate presents.
        reference: ``server_name``, else the host of the URI; an IPv6 address without brackets.
        rules: The generation of the gRPC that judges.
    """
    host = _host(reference)
    if not host or names.unreadable or len(reference.encode("utf-8", "replace")) > _MAX_SNI:
        return False
    if rules is GrpcNameRules.HOST_NAME:
        return (
            any(_matches_san(entry, host) for entry in names.dns)
            or host in names.ips
            or (not names.dns and _matches_san(names.common_name, host))
        )
    if _looks_like_address(host):
        return host in names.alternatives
    # An entry of another type counts as an alternative that matches nothing.
    entries = names.alternatives or (() if names.others else (names.common_name,))
    return any(_matches_entry(entry, host) for entry in entries)


def _host(reference: str) -> str:
    """The host gRPC splits off (``host_port.cc``), without the zone of an IPv6 address."""
    host = reference
    if reference.startswith("["):
        host, bracket, rest = reference[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            return ""
    elif reference.count(":") == 1:
        host = reference.partition(":")[0]
    return host.partition("%")[0]


def _matches_san(entry: str, host: str) -> bool:
    """``VerifySubjectAlternativeName``: both absolute, one label for a leading ``*.``."""
    entry = entry.partition("\0")[0]  # it travels as a C string
    if not entry or not host or entry[0] == "." or host[0] == ".":
        return False
    entry, host = (
        lower_ascii(name if name.endswith(".") else f"{name}.") for name in (entry, host)
    )
    if "*" not in entry:
        return entry == host
    suffix = entry[1:]
    if not entry.startswith("*.") or suffix == "." or "*" in suffix or not host.endswith(suffix):
        return False
    return "." not in host[: len(host) - len(suffix)]


def _matches_entry(entry: str, host: str) -> bool:
    """``does_entry_match_name``: two labels at least behind a leading ``*.``."""
    entry, host = (lower_ascii(name.removesuffix(".")) for name in (entry, host))
    if not entry or entry == host:
        return bool(entry)
    if len(entry) < 3 or not entry.startswith("*."):
        return False
    first, dot, rest = host.partition(".")
    if not dot or len(first) >= len(host) - 2:
        return False
    if "." not in rest or rest.index(".") == len(rest) - 1:
        return False
    return rest.removesuffix(".") == entry[2:]


def _looks_like_address(name: str) -> bool:
    """gRPC's rough test for an IP address (``looks_like_ip_address``)."""
    dots = digits = 0
    for character in name:
        if character == ":":
            return True
        if character in "0123456789":
            if digits > 3:
                return False
            digits += 1
        elif character == ".":
            if dots > 3 or not digits:
                return False
            dots, digits = dots + 1, 0
        else:
            return False
    return dots >= 3 and digits > 0


def _address_text(packed: bytes) -> str:
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)
