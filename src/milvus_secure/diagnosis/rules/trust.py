"""Rules about trust: the server's chain as gRPC judges it, the client's as Milvus does.

`verification.path` finds every reason to refuse a chain; each rule here reports its own, with the
setting, the origin and the remedy. What is accepted but will not last is in `lifetime`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..._common.tls_mode import TLSMode
from ...pem.certificate import (
    extension,
    public_key,
)
from ...pem.material import Material
from ...reporting.report import NOT_JUDGED, Finding, Severity, Skip, finding
from ...verification.extensions import dates_failures, usages_text
from ...verification.path import Verdict
from ...verification.verdict import Failure
from ..context import Context
from . import lifetime
from .chain_order import chain_order
from .rule import Rule
from .trust_findings import client_finding, server_finding
from .trust_remedies import Remedy, server_remedy
from .unknown_issuer import in_view_of_the_settings

# What gRPC says of a chain that it refuses; see BoringSSL's ``x509_txt.cc`` for the second.
_CHAIN_REFUSED = (
    "CERTIFICATE_VERIFY_FAILED",
    "inconsistent certificate",
    "Invalid certificate verification context",
)
# Refusals that hold only if Milvus trusts the very CA configured here.
_IF_SAME_CA = ("chain-untrusted", "chain-incomplete", "issuer-key-mismatch", "shared-subject")


def _refusal(code: str) -> Rule:
    """A rule that reports the chains refused for this reason."""

    def judge(context: Context) -> Iterable[Finding | Skip]:
        return () if context.all_accepted else _refused(context, code)

    return Rule(code, judge, ("anchors",))


def _refused(context: Context, code: str) -> Iterator[Finding | Skip]:
    served, client = context.server_verdict, context.client_verdict
    if served and context.server_chain:
        for failure in _server_failures(context, served):
            if failure.code == code:
                yield server_finding(context, context.server_chain, failure)
        refused = _refused_by_grpc(context, served, code)
        yield from refused or _left_to_the_peer(served, code)
    if client is None or context.client_chain is None:
        return
    for failure in client.failures:
        if failure.code == code and code not in _IF_SAME_CA and not _dead(context):
            yield client_finding(context, context.client_chain, failure)
    if code not in _IF_SAME_CA:
        yield from _left_to_the_peer(client, code)


def pin_is_replaced(context: Context) -> Iterator[Finding]:
    """The error of a pinned certificate that the server presents no more; see `replaced_pin`."""
    if context.server_chain and context.server_verdict:
        for failure in _server_failures(context, context.server_verdict):
            if failure.code == "presented-certificate-differs":
                yield server_finding(context, context.server_chain, failure)
                return


def _refused_by_grpc(context: Context, verdict: Verdict, code: str) -> list[Finding]:
    """What was left to gRPC, where gRPC then refused the chain: its words are the evidence.

    They tell of a verdict on the server's chain; nothing else in an observation does.
    """
    grpc = context.observation.grpc if context.observation else None
    if grpc is None or grpc.ready or not any(words in grpc.details for words in _CHAIN_REFUSED):
        return []
    return [
        server_finding(
            context,
            chain,
            Failure(
                code,
                f"gRPC refuses the server's certificate. The likely cause: {part.because}",
                expected="a chain that gRPC accepts",
                presented=f"gRPC: {grpc.details}",
                remedy="plain-certificate",
            ),
        )
        for part in verdict.not_judged
        if part.code == code and (chain := context.server_chain) is not None
    ]


def _left_to_the_peer(verdict: Verdict, code: str) -> Iterator[Skip]:
    for part in verdict.not_judged:
        if part.code == code:
            yield Skip(code, NOT_JUDGED, part.because)


def _server_failures(context: Context, verdict: Verdict) -> Iterable[Failure]:
    """The failures; that of an untrusted chain is explained by the settings."""
    for failure in verdict.failures:
        untrusted = verdict.trusted is None and failure.code in _IF_SAME_CA
        yield in_view_of_the_settings(context, verdict, failure) if untrusted else failure


def _dead_anchors(code: str) -> Rule:
    """A refusal by dates, also of a file in which no anchor is valid at this time."""

    def judge(context: Context) -> Iterator[Finding | Skip]:
        yield from _refused(context, code)
        anchor = _dead(context)
        if anchor is None or context.server_chain is not None:
            return
        failures = list(dates_failures(anchor.certificates, context.now))
        first = failures[0]
        if first.code == code:
            remedy = server_remedy(first, anchor.setting)
            if code == "certificate-expired":
                remedy = Remedy(f"Set {anchor.setting} to the CA's current certificate.")
            yield finding(
                code,
                first.message,
                remedy.text,
                command=remedy.command,
                setting=anchor.setting,
                source=anchor.source,
                origin=anchor.origin,
                expected=first.expected,
                presented=first.presented,
            )

    return Rule(code, judge, ("anchors",))


def _dead(context: Context) -> Material | None:
    """The configured anchors, if none of them is valid now: gRPC refuses all they issued."""
    anchor = context.anchor_material
    if anchor is None or not anchor.certificates:
        return None
    failing = {f.certificate for f in dates_failures(anchor.certificates, context.now)}
    return anchor if failing == set(anchor.certificates) else None


def _usage_not_server(context: Context) -> Iterator[Finding | Skip]:
    yield from _refused(context, "usage-not-server")
    chain, verdict = context.server_chain, context.server_verdict
    if chain is None or verdict is None or not verdict.pinned or verdict.failures:
        return
    usages = extension(chain.leaf, x509.ExtendedKeyUsage)
    if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        yield finding(
            "usage-not-server",
            "The certificate is not for servers; gRPC accepts it only because it is itself the "
            "trust anchor.",
            "Reissue it with extendedKeyUsage=serverAuth and keyUsage=digitalSignature.",
            command="milvus-secure certs repair DIR",
            severity=Severity.WARNING,
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected="extendedKeyUsage serverAuth",
            presented=usages_text(usages),
        )


def _usage_not_client(context: Context) -> Iterator[Finding | Skip]:
    """What Milvus refuses, and what gRPC itself does not load (``ssl_cert_check_key_usage``)."""
    yield from _refused(context, "usage-not-client")
    chain = context.client_chain
    if chain is None:
        return
    usage = extension(chain.leaf, x509.KeyUsage)
    on_a_curve = isinstance(public_key(chain.leaf), ec.EllipticCurvePublicKey)
    if on_a_curve and usage is not None and not usage.digital_signature:
        yield finding(
            "usage-not-client",
            "gRPC cannot use the client certificate: its keyUsage does not allow its EC key to "
            "sign.",
            "Have it reissued with keyUsage=digitalSignature.",
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected="keyUsage with digitalSignature, or none",
            presented="keyUsage without digitalSignature",
            command="milvus-secure certs repair DIR",
        )


def _client_chain_untrusted(context: Context) -> Iterator[Finding | Skip]:
    chain, verdict, ca = context.client_chain, context.client_verdict, context.anchor_material
    if chain is None or verdict is None or ca is None or not ca.certificates:
        return
    for part in _left_to_the_peer(verdict, "chain-untrusted"):
        yield replace(part, code="client-chain-untrusted")
    failure = next((f for f in verdict.failures if f.code in _IF_SAME_CA), None)
    if failure is not None:
        yield finding(
            "client-chain-untrusted",
            f"The client certificate was not issued under a CA in {ca.setting}: "
            f"{_lowered(failure.message)} "
            "Milvus refuses it, unless its caPemPath contains another CA.",
            f"If an intermediate CA issued it, append the CA's certificate to {chain.setting}. "
            "Otherwise have a certificate issued by that CA.",
            command="milvus-secure certs client NAME --dir DIR",
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected=failure.expected,
            presented=failure.presented,
        )


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _unread_leaf(context: Context) -> Iterator[Skip]:
    """A leaf that cryptography cannot read at all: nothing that hangs on it can be judged."""
    tls = context.observation.tls if context.observation else None
    where = [f"the file of {material.setting}" for material in context.unread_leaves]
    if tls is not None and tls.unread and not tls.chain:
        where.append("the server's chain")
    for place in where:
        why = f"This library cannot read the leaf certificate in {place}; the peer may be able to."
        for code in ("certificate-malformed", "chain-untrusted", "name-mismatch"):
            yield Skip(code, NOT_JUDGED, why)


def _both(code: str, also: Callable[[Context], Iterator[Finding | Skip]]) -> Rule:
    """A reason to refuse a chain that may also be but a warning."""

    def judge(context: Context) -> Iterator[Finding | Skip]:
        yield from _refused(context, code)
        yield from also(context)

    return Rule(code, judge, ("anchors",))


def _unless_plaintext(rule: Rule) -> Rule:
    """Without TLS no certificate is used."""

    def judge(context: Context) -> Iterator[Finding | Skip]:
        if context.mode is not TLSMode.PLAINTEXT:
            yield from rule.judge(context)

    return Rule(rule.code, judge, rule.needs)


RULES: tuple[Rule, ...] = tuple(
    map(
        _unless_plaintext,
        (
            _dead_anchors("certificate-not-yet-valid"),
            _dead_anchors("certificate-expired"),
            Rule("certificate-expiring", lifetime.certificate_expiring, ("anchors",)),
            _both("weak-key", lifetime.weak_key),
            _both("weak-signature", lifetime.weak_signature),
            _refusal("issuer-key-mismatch"),
            Rule("chain-order", chain_order, ("anchors",)),
            _refusal("chain-incomplete"),
            _refusal("issuer-not-ca"),
            _refusal("name-constraint"),
            _both("certificate-malformed", _unread_leaf),
            Rule("usage-not-server", _usage_not_server, ("anchors",)),
            Rule("usage-not-client", _usage_not_client, ("client_chain",)),
            _refusal("chain-untrusted"),
            Rule("client-chain-untrusted", _client_chain_untrusted, ("anchors", "client_chain")),
            Rule("pinned-leaf", lifetime.pinned_leaf, ("anchors",)),
            _both("shared-subject", lifetime.shared_subject),
        ),
    )
)
