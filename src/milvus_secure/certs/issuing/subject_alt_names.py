"""The host names and addresses that a server certificate may hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509

from ...errors import CertificateError

_MAX_NAME = 253  # RFC 1035, 2.3.4, as text
# Underscores are no host name (RFC 952), but Compose services have them and every client of
# Milvus takes them.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Identifiers:
    """The presented identifiers of a server (RFC 9525, 6.1), in the caller's order.

    Attributes:
        dns: Host names, wildcards included.
        addresses: IP addresses.
    """

    dns: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All identifiers as text."""
        return (*self.dns, *map(str, self.addresses))

    def extension(self) -> x509.SubjectAlternativeName | None:
        """The subjectAltName that presents them, or None if there are none."""
        general: list[x509.GeneralName] = [x509.DNSName(name) for name in self.dns]
        general += [x509.IPAddress(address) for address in self.addresses]
        return x509.SubjectAlternativeName(general) if general else None


def identifiers(names: Iterable[str], ips: Iterable[str] = ()) -> Identifiers:
    """Sort and check the names of a server.

    Args:
        names: Host names and wildcards; an IP address among them is accepted, too.
        ips: IP addresses.

    Raises:
        CertificateError: If one of them is not possible in a certificate.
    """
    dns: dict[str, None] = {}
    addresses: dict[Address, None] = {}
    for name in names:
        address = _address(name)
        if address is None:
            dns[host_name(name)] = None
        else:
            addresses[address] = None
    for text in ips:
        address = _address(text)
        if address is None:
            several = re.search(r"[\s,;]", text.strip())
            fix = "Write it as 192.0.2.1 or 2001:db8::1. For a host name use --name."
            raise CertificateError(
                f"{text!r} is not an IP address.",
                "Repeat --ip for several addresses." if several else fix,
            )
        addresses[address] = None
    return Identifiers(tuple(dns), tuple(addresses))


def _address(text: str) -> Address | None:
    if "%" in text:  # a zone is of one machine only, and no certificate can hold it
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def host_name(text: str) -> str:
    """Check a DNS name, which may be a wildcard, and return it in lower case.

    Raises:
        CertificateError: If a certificate may not hold it, or no client would match it.
    """
    why, fix = _fault(text)
    if why:
        raise CertificateError(f"{text!r} is not possible in a certificate: {why}.", fix)
    return text.lower()


def _fault(text: str) -> tuple[str, str]:
    plain = "Use a host name such as milvus.example.com."
    if not text.strip():
        return "it is empty", plain
    if "://" in text or "/" in text:
        host = re.sub(r"^[^/]*//", "", text).split("/")[0].rsplit(":", 1)[0]
        return "it is a URL or a path", f"Use only the host name{f': {host}' if host else ''}."
    if separator := re.search(r"[\s,;]", text):
        separator_name = {",": "a comma", ";": "a semicolon"}.get(separator[0], "a blank")
        return f"it contains {separator_name}", "Repeat --name for several names."
    if ":" in text or "[" in text:
        return "it contains a port or brackets", "Use only the name or the address."
    if not text.isascii():
        return "it is not ASCII", f"Use its A-label (IDNA): {_a_label(text)}."
    if text.endswith("."):
        return "it ends in a dot (RFC 5280, 4.2.1.6)", f"Use {text.rstrip('.')!r}."
    if len(text) > _MAX_NAME:
        return f"it is longer than {_MAX_NAME} characters", plain
    return _label_fault(text, plain)


def _label_fault(text: str, plain: str) -> tuple[str, str]:
    labels = text.split(".")
    if "*" in text:
        if labels[0] != "*" or "*" in text[1:]:
            return "a wildcard must be the whole first label (RFC 9525, 6.3)", (
                "Write it as *.example.com."
            )
        labels = labels[1:]
        if len(labels) < 2:
            return "OpenSSL and older gRPC need two labels after a wildcard", (
                "List the names themselves."
            )
    for label in labels:
        if not _LABEL.fullmatch(label):
            described = f"the label {label!r}" if label else "an empty label"
            return f"{described} is not 1 to 63 letters, digits and inner hyphens", plain
    if labels[-1].isdigit():
        return "it looks like an IP address but is not one", "Correct it, or use a host name."
    return "", ""


def _a_label(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return "xn--..."
