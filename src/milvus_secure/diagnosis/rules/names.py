"""Rules about names: does the server's certificate bear the one that gRPC requires of it?"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator
from difflib import get_close_matches

from ..._common.tls_mode import TLSMode
from ...reporting.report import Finding, finding
from ...verification.hostname import CertificateNames, GrpcNameRules, generation, matches, presented
from ..context import Chain, Context
from .rule import Rule

_SHOWN = 8  # identifiers, and
_WIDTH = 80  # characters of each: a certificate may hold thousands


def _judged(context: Context) -> tuple[Chain, str, CertificateNames] | None:
    """The chain, the reference identifier and the presented ones, where there are both."""
    chain, reference = context.server_chain, context.reference_name
    if context.mode is TLSMode.PLAINTEXT or chain is None or reference is None:
        return None
    return chain, reference, presented(chain.leaf)


def _name_mismatch(context: Context) -> Iterator[Finding]:
    judged = _judged(context)
    if judged is None or matches(judged[2], judged[1], generation(context.grpc)):
        return
    chain, reference, given = judged
    respelled = _respelled(reference, given, generation(context.grpc))
    because = (
        f" as it is written, but for {respelled}: gRPC compares text"
        if respelled
        else _why_not(reference, given)
    )
    yield _finding(
        context,
        chain,
        "name-mismatch",
        f"The server's certificate is not for {_shown(reference)}{because}.",
        _remedy(context, respelled or reference, given),
        reference,
        given,
    )


def _name_cn_only(context: Context) -> Iterator[Finding]:
    judged = _judged(context)
    if judged is None or not matches(judged[2], judged[1], generation(context.grpc)):
        return
    chain, reference, given = judged
    without = CertificateNames(dns=given.dns, ips=given.ips, uris=given.uris, emails=given.emails)
    if any(matches(without, reference, rules) for rules in GrpcNameRules):
        return
    yield _finding(
        context,
        chain,
        "name-cn-only",
        f"The certificate bears {_shown(reference)} only as CN: gRPC accepts it, Go, REST and "
        "Python clients do not.",
        f"Reissue it with a subjectAltName: {_reissue(reference)}",
        reference,
        given,
    )


def _name_differs_by_grpc(context: Context) -> Iterator[Finding]:
    judged = _judged(context)
    own = generation(context.grpc)
    if judged is None or not matches(judged[2], judged[1], own):
        return
    chain, reference, given = judged
    for other in GrpcNameRules:
        if not matches(given, reference, other):
            yield _finding(
                context,
                chain,
                "name-differs-by-grpc",
                f"The installed grpcio accepts this certificate for {_shown(reference)}, "
                f"grpcio {other.value} refuses it.",
                f"Reissue it with the exact name: {_reissue(reference)}",
                reference,
                given,
            )


def _finding(
    context: Context,
    chain: Chain,
    code: str,
    message: str,
    remedy: str,
    reference: str,
    given: CertificateNames,
) -> Finding:
    setting = "server_name" if context.settings.server_name else "uri"
    return finding(
        code,
        message,
        remedy,
        setting=setting,
        source=context.settings.source_of(setting),
        origin=chain.origin,
        expected=_shown(reference),
        presented=_listed(given),
    )


def _remedy(context: Context, reference: str, given: CertificateNames) -> str:
    reissue = f"reissue the certificate: {_reissue(reference)}"
    usable = [name for name in _candidates(given) if matches(given, name, generation(context.grpc))]
    if not usable:
        return reissue[0].upper() + reissue[1:]
    host = context.endpoint.host if context.endpoint and context.settings.server_name else ""
    if host and matches(given, host, generation(context.grpc)):
        return f"Unset server_name, since the certificate is for {_shown(host)}; else {reissue}"
    near = (get_close_matches(reference.lower(), usable, 1, 0) or usable)[0]
    return f"If that is your server, set server_name={shlex.quote(near)}; else {reissue}"


def _reissue(reference: str) -> str:
    kind = "--name" if _address(reference) is None else "--ip"
    return f"milvus-secure certs repair DIR {kind} {shlex.quote(_shown(reference))}"


def _candidates(given: CertificateNames) -> list[str]:
    """What may be used as server_name; for a wildcard, one name it stands for."""
    names = (*given.dns, *given.ips, given.common_name)
    plain = (re.sub(r"^\*(?=\.)", "milvus", name) for name in names[:100])
    return [name for name in plain if re.fullmatch(r"[\w.:-]{1,253}", name, re.ASCII)]


def _nearest(reference: str, given: CertificateNames) -> str | None:
    """The presented identifier most like the reference, if any is like it at all."""
    names = {name.lower(): name for name in reversed((*given.dns, *given.ips, given.common_name))}
    cut = {name: full for name, full in list(names.items())[-100:] if len(name) <= 253}
    found = get_close_matches(reference.lower()[:253], cut, 1)
    return cut[found[0]] if found else None


def _respelled(reference: str, given: CertificateNames, rules: GrpcNameRules) -> str | None:
    """The usual spelling of an IP address or an IDN (A-labels), if gRPC would accept that."""
    address = _address(reference)
    try:
        usual = str(address) if address else reference.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return usual if usual != reference and matches(given, usual, rules) else None


def _why_not(reference: str, given: CertificateNames) -> str:
    """What to say behind "is not for NAME": the rule that keeps the nearest name from it."""
    if given.unreadable:
        return ": an IP address in it has the wrong length, which gRPC refuses"
    if not (given.alternatives or given.common_name):
        return ": it presents no name at all"
    if _address(reference) is not None:
        return _why_not_address(reference, given)
    for entry in given.dns:
        why = _why_wildcard(entry, reference)
        if why:
            return f"; {_shown(entry)} does not reach it: {why}"
    if given.alternatives and given.common_name.lower() == reference.lower():
        return ": its CN is, but a CN does not count beside subjectAltName"
    near = _nearest(reference, given)
    return f"; the nearest name it bears is {_shown(near)}" if near else ""


def _why_not_address(reference: str, given: CertificateNames) -> str:
    if reference in given.dns:
        return ": it bears the address as a DNS name, and gRPC wants an IP entry"
    if reference == given.common_name:
        return ": it bears the address as CN, and gRPC wants an IP entry"
    return ": it bears no such IP entry" if not given.ips else ""


def _why_wildcard(entry: str, reference: str) -> str:
    """Why a wildcard that looks as if it should does not reach a name (RFC 9525, 6.3)."""
    entry, reference = (name.lower().removesuffix(".") for name in (entry, reference))
    if "*" not in entry:
        return ""
    if not entry.startswith("*.") or "*" in entry[1:]:
        pattern = ".*".join(map(re.escape, entry.split("*")[:8]))
        fits = len(entry) <= 253 and re.fullmatch(pattern, reference[:253])
        return "a * must be the whole first label" if fits else ""
    parent = entry[2:]
    if reference == parent:
        return "it stands for one label more"
    if not reference.endswith(f".{parent}"):
        return ""
    if "." in reference.removesuffix(f".{parent}"):
        return "a * stands for one label only"
    return "this gRPC wants two labels behind a *"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _listed(given: CertificateNames) -> str:
    kinds = (("DNS", given.dns), ("IP", given.ips), ("URI", given.uris), ("email", given.emails))
    all_names = [f"{kind}:{_shown(name)}" for kind, names in kinds for name in names]
    if given.common_name:
        all_names.append(f"CN={_shown(given.common_name)}")
    more = len(all_names) - _SHOWN
    shown = ", ".join(all_names[:_SHOWN]) or "no name at all"
    return f"{shown}, and {more} more" if more > 0 else shown


def _shown(name: str) -> str:
    """A name fit for a terminal: printable ASCII, and not endless."""
    safe = ascii(name)[1:-1]
    return safe if len(safe) <= _WIDTH else f"{safe[:_WIDTH]}..."


_NEEDS = ("server_chain", "endpoint")

RULES: tuple[Rule, ...] = (
    Rule("name-mismatch", _name_mismatch, _NEEDS),
    Rule("name-cn-only", _name_cn_only, _NEEDS),
    Rule("name-differs-by-grpc", _name_differs_by_grpc, _NEEDS),
)
