"""Rules about names: does the server's certificate have the name that gRPC requires of it?"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from ..._common.text import nearest
from ..._common.tls_mode import TLSMode
from ...pem.certificate import has_unread_names
from ...reporting.report import NOT_JUDGED, Finding, Skip, finding
from ...verification.hostname import (
    CertificateNames,
    GrpcNameRules,
    accepts,
    generation,
    matches,
    presented,
)
from ..context import Chain, Context
from .name_reasons import address, other_spelling, shown, why_not
from .rule import Rule

_SHOWN = 8  # identifiers: a certificate may hold thousands


@dataclass(frozen=True)
class _Question:
    """Whether a chain's leaf is for a name, asked of the installed gRPC.

    Attributes:
        chain: Whose leaf.
        reference: The name that gRPC requires: ``server_name``, else the host of the URI.
        names: Those in the leaf.
        rules: The installed gRPC's.
        overridden: Whether ``server_name`` is set, which changes what gRPC compares in each call.
    """

    chain: Chain
    reference: str
    names: CertificateNames
    rules: GrpcNameRules
    overridden: bool

    def accepted(self, rules: GrpcNameRules | None = None) -> bool:
        """Whether gRPC connects and makes calls."""
        return accepts(self.names, self.reference, rules or self.rules, overridden=self.overridden)

    @property
    def only_calls_fail(self) -> bool:
        """True if the handshake succeeds, and every call is then refused."""
        return matches(self.names, self.reference, self.rules) and not self.accepted()


def _question(context: Context) -> _Question | None:
    chain, reference = context.server_chain, context.reference_name
    if context.mode is TLSMode.PLAINTEXT or chain is None or reference is None:
        return None
    if has_unread_names(chain.leaf):
        return None
    return _Question(
        chain,
        reference,
        presented(chain.leaf),
        generation(context.grpc),
        bool(context.settings.server_name),
    )


def _question_in_time(context: Context) -> _Question | None:
    """The question, while there is time; that of a server which gRPC verified at any time."""
    if not (context.observation and context.observation.grpc_ready):
        context.deadline.check()
    return _question(context)


def calls_are_refused(context: Context) -> bool:
    """True if gRPC itself refuses every call for its host, after a handshake that succeeds."""
    question = _question(context)
    return question is not None and question.only_calls_fail


def _name_mismatch(context: Context) -> Iterator[Finding | Skip]:
    chain, observation = context.server_chain, context.observation
    accepted = context.mode is TLSMode.PLAINTEXT or (
        observation is not None and observation.grpc_ready
    )
    if chain is not None and not accepted and has_unread_names(chain.leaf):
        why = "This library cannot read the names in the server's certificate; gRPC may be able to."
        yield Skip("name-mismatch", NOT_JUDGED, why)
    question = _question_in_time(context)
    if question is None or question.accepted():
        return
    if question.only_calls_fail:
        yield _calls_fail(context, question)
        return
    reference, names = question.reference, question.names
    respelled = other_spelling(question.reference, question.names, question.rules)
    because = (
        f" in this spelling, but for {respelled}: gRPC compares text"
        if respelled
        else why_not(reference, names)
    )
    remedy = _remedy(context, question, respelled or reference)
    yield _finding(
        context,
        question,
        "name-mismatch",
        f"The server's certificate is not for {shown(reference)}{because}.",
        remedy,
        _reissue(respelled or reference),
    )


def _calls_fail(context: Context, question: _Question) -> Finding:
    """The second judge, since gRPC 1.78: each call's host, by the rules of before."""
    reference = question.reference
    if address(reference) is not None:
        why = "a call needs an IP entry in subjectAltName"
    elif question.names.common_name and not question.names.dns:
        why = "a call needs the name in subjectAltName, because that has other entries"
    else:
        why = "a call needs two labels after the *"
    return _finding(
        context,
        question,
        "name-mismatch",
        f"gRPC accepts the certificate for {shown(reference)} in the handshake but refuses every "
        f"call: {why}.",
        f"Reissue the certificate. Until then, set server_name={shlex.quote(shown(reference))}, "
        "which gRPC then compares in the handshake alone.",
        _reissue(reference),
    )


def _name_cn_only(context: Context) -> Iterator[Finding]:
    question = _question_in_time(context)
    if question is None or not question.accepted():
        return
    reference, names = question.reference, question.names
    without = CertificateNames(dns=names.dns, ips=names.ips, uris=names.uris, emails=names.emails)
    if any(matches(without, reference, rules) for rules in GrpcNameRules):
        return
    yield _finding(
        context,
        question,
        "name-cn-only",
        f"The certificate has {shown(reference)} only as its CN. gRPC accepts that; Go, REST and "
        "Python clients do not.",
        "Reissue it with a subjectAltName.",
        _reissue(reference),
    )


def _name_differs_by_grpc(context: Context) -> Iterator[Finding]:
    question = _question_in_time(context)
    if question is None or not question.accepted():
        return
    for rules in GrpcNameRules:
        if not question.accepted(rules):
            yield _finding(
                context,
                question,
                "name-differs-by-grpc",
                f"The installed grpcio accepts this certificate for {shown(question.reference)}, "
                f"grpcio {rules.value} refuses it.",
                "Reissue it with the exact name.",
                _reissue(question.reference),
            )


def _finding(
    context: Context, question: _Question, code: str, message: str, remedy: str, command: str
) -> Finding:
    setting = "server_name" if context.settings.server_name else "uri"
    return finding(
        code,
        message,
        remedy,
        setting=setting,
        source=context.settings.source_of(setting),
        origin=question.chain.origin,
        expected=shown(question.reference),
        presented=_listed(question.names),
        command=command,
    )


def _remedy(context: Context, question: _Question, reference: str) -> str:
    names, rules = question.names, question.rules
    usable = [name for name in _candidates(names) if matches(names, name, rules)]
    if not usable:
        return "Reissue the certificate."
    host = context.endpoint.host if context.endpoint and question.overridden else ""
    if host and accepts(names, host, rules, overridden=False):
        return (
            f"Unset server_name, since the certificate is for {shown(host)}; or reissue the "
            "certificate."
        )
    near = nearest(reference.lower(), usable, 0) or usable[0]
    return (
        f"If that is your server, set server_name={shlex.quote(near)}; or reissue the certificate."
    )


def _reissue(reference: str) -> str:
    kind = "--name" if address(reference) is None else "--ip"
    return f"milvus-secure certs repair DIR {kind} {shlex.quote(shown(reference))}"


def _candidates(names: CertificateNames) -> list[str]:
    """What may be used as server_name; for a wildcard, one name that it matches."""
    texts = (*names.dns, *names.ips, names.common_name)
    plain = (re.sub(r"^\*(?=\.)", "milvus", text) for text in texts[:100])
    return [name for name in plain if re.fullmatch(r"[\w.:-]{1,253}", name, re.ASCII)]


def _listed(names: CertificateNames) -> str:
    kinds = (("DNS", names.dns), ("IP", names.ips), ("URI", names.uris), ("email", names.emails))
    all_names = [f"{kind}:{shown(name)}" for kind, names in kinds for name in names]
    if names.common_name:
        all_names.append(f"CN={shown(names.common_name)}")
    more = len(all_names) - _SHOWN
    first = ", ".join(all_names[:_SHOWN]) or "no name at all"
    return f"{first}, and {more} more" if more > 0 else first


_NEEDS = ("server_chain", "endpoint")

RULES: tuple[Rule, ...] = (
    Rule("name-mismatch", _name_mismatch, _NEEDS),
    Rule("name-cn-only", _name_cn_only, _NEEDS),
    Rule("name-differs-by-grpc", _name_differs_by_grpc, _NEEDS),
)
