"""Why a certificate is not for a name: the rule that keeps its nearest name from it."""

from __future__ import annotations

import ipaddress
import re

from ..._common.text import nearest
from ...verification.hostname import CertificateNames, GrpcNameRules, matches

_WIDTH = 80  # characters of a name that are shown


def other_spelling(reference: str, names: CertificateNames, rules: GrpcNameRules) -> str | None:
    """The usual spelling of an IP address or an IDN (A-labels), if gRPC would accept that."""
    ip = address(reference)
    try:
        usual = str(ip) if ip else reference.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    is_unchanged = usual == reference
    return None if is_unchanged or not matches(names, usual, rules) else usual


def why_not(reference: str, names: CertificateNames) -> str:
    """What to say behind "is not for NAME": the rule that keeps the nearest name from it."""
    if names.unreadable:
        return ": an IP address in it has the wrong length, which gRPC refuses"
    if not (names.alternatives or names.common_name):
        return ": it contains no name"
    if address(reference) is not None:
        return _why_not_address(reference, names)
    for entry in names.dns:
        why = _why_wildcard(entry, reference)
        if why:
            return f"; {shown(entry)} does not match it: {why}"
    if names.alternatives and names.common_name.lower() == reference.lower():
        return ": its CN matches, but gRPC ignores the CN of a certificate with a subjectAltName"
    near = _nearest_name(reference, names)
    return f"; its most similar name is {shown(near)}" if near else ""


def _why_not_address(reference: str, names: CertificateNames) -> str:
    if reference in names.dns:
        return ": it has the address as a DNS name, and gRPC requires an IP entry"
    if reference == names.common_name:
        return ": it has the address as CN, and gRPC requires an IP entry"
    return ": it has no IP entry" if not names.ips else ""


def _why_wildcard(entry: str, reference: str) -> str:
    """Why a wildcard that looks as if it should does not reach a name (RFC 9525, 6.3)."""
    entry, reference = (name.lower().removesuffix(".") for name in (entry, reference))
    if "*" not in entry:
        return ""
    if entry == "*":
        return "a * stands for one label, and needs a domain behind it"
    if not entry.startswith("*.") or "*" in entry[1:]:
        pattern = ".*".join(map(re.escape, entry.split("*")[:8]))
        fits = len(entry) <= 253 and re.fullmatch(pattern, reference[:253])
        return "a * must be the whole first label" if fits else ""
    parent = entry[2:]
    if reference == parent:
        return "a * must match one label, and none is left"
    if not reference.endswith(f".{parent}"):
        return ""
    if "." in reference.removesuffix(f".{parent}"):
        return "a * matches only one label"
    return "this gRPC requires two labels after a *"


def _nearest_name(reference: str, names: CertificateNames) -> str | None:
    """The presented identifier most like the reference, if any is like it at all."""
    texts = (*names.dns, *names.ips, names.common_name)
    cut = {text.lower(): text for text in reversed(texts[:100]) if len(text) <= 253}
    near = nearest(reference.lower()[:253], cut)
    return cut[near] if near else None


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name is, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def shown(name: str) -> str:
    """A name fit for a terminal: printable ASCII, and not endless."""
    safe = ascii(name)[1:-1]
    return safe if len(safe) <= _WIDTH else f"{safe[:_WIDTH]}..."
