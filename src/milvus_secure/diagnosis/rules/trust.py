"""Rules about trust: the server's chain as gRPC judges it, the client's as Milvus does.

`path` finds the one reason a chain is refused; each rule here tells its own, with the setting,
the origin and the remedy. What is accepted but will not last stands in `longevity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..._common.tls_mode import TLSMode
from ...pem.certificate import extension, issuer_of, name_text, same_name, subject_of
from ...pem.material import Material
from ...reporting.report import Finding, Severity, finding
from ...verification.extensions import dates_failures, usages_text
from ...verification.failure import Failure
from ...verification.path import Verdict
from ..context import Chain, Context, may_issue
from . import lifetime as longevity
from .rule import Rule

# Refusals that hold only if Milvus trusts the very CA configured here.
_IF_SAME_CA = ("chain-untrusted", "chain-incomplete", "issuer-key-mismatch", "shared-subject")

SHOW_SERVER = "openssl s_client -connect {address} -showcerts </dev/null"
_SERVER_REMEDIES = {
    "certificate-not-yet-valid": "Set the clock (timedatectl), or have the certificate reissued.",
    "certificate-expired": "Renew it under the same CA, and restart Milvus, which loads "
    "certificates once: milvus-secure certs renew DIR",
    "weak-key": "Make the server a key on P-256 or an RSA one of 2048 bits: "
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out server.key",
    "weak-signature": longevity.SIGN_AGAIN,
    "issuer-key-mismatch": "Set {setting} to the CA's current certificate, or reissue the server's "
    "with that CA.",
    "chain-incomplete": "Append the intermediate to Milvus's tls.serverPemPath "
    "(cat server.pem intermediate.pem) and restart it, or append it to {setting}.",
    "issuer-not-ca": "Reissue it with basicConstraints=critical,CA:TRUE and "
    "keyUsage=keyCertSign (openssl x509 -req -extfile ca.ext).",
    "name-constraint": "Have the certificate issued by a CA that allows the name.",
    "usage-not-server": "Reissue it with extendedKeyUsage=serverAuth and "
    "keyUsage=digitalSignature: milvus-secure certs repair DIR",
    "chain-untrusted": "Set {setting} to the CA that issued the server's certificate; if that is "
    "an intermediate, have Milvus serve it too. To see it: " + SHOW_SERVER,
    "shared-subject": "Reissue the server's certificate with a subject of its own: "
    "milvus-secure certs repair DIR",
}
_CLIENT_REMEDIES = {
    **_SERVER_REMEDIES,
    "certificate-expired": "Renew it under the same CA: milvus-secure certs renew DIR",
    "weak-key": "Make a new client pair: milvus-secure certs client NAME --dir DIR",
    "usage-not-client": "Reissue it with extendedKeyUsage=clientAuth: "
    "milvus-secure certs client NAME --dir DIR",
}

_REISSUE_PLAINLY = (
    "Have it reissued without critical extensions that peers do not know, and without policies "
    "that its CA does not carry on."
)
_ANOTHER_CA = (
    "Have the CA, and all it issued, made anew with RSA keys or keys on P-256: "
    "milvus-secure certs init NEW-DIR"
)


def _refusal(code: str) -> Rule:
    """A rule that tells of the chains refused for this reason."""
    return Rule(code, lambda context: _refused(context, code), ("anchors",))


def _refused(context: Context, code: str) -> Iterator[Finding]:
    served, client = context.server_verdict, context.client_verdict
    if served and served.failure and served.failure.code == code and context.server_chain:
        yield _server_finding(context, context.server_chain, served.failure)
    if client is None or client.failure is None or client.failure.code != code:
        return
    if context.client_chain and code not in _IF_SAME_CA and not _dead(context):
        yield _client_finding(context, context.client_chain, client.failure)


def _server_finding(context: Context, chain: Chain, failure: Failure) -> Finding:
    anchor = context.anchor_material
    setting = anchor.setting if anchor else "ca_pem_path"
    own = not chain.served
    at_fault = failure.certificate
    in_anchor = anchor is not None and at_fault is not None and at_fault not in chain.certificates
    remedy = server_remedy(failure, setting, _address(context))
    if in_anchor and failure.code == "certificate-expired":
        remedy = f"Set {setting} to the CA's current certificate."
    return finding(
        failure.code,
        failure.message,
        remedy,
        severity=Severity.ERROR,
        setting=chain.setting if own else setting,
        source=chain.source if own else context.settings.source_of(setting),
        origin=anchor.origin if in_anchor and anchor else chain.origin,
        expected=failure.expected,
        presented=failure.presented,
    )


def _client_finding(context: Context, chain: Chain, failure: Failure) -> Finding:
    in_anchor = failure.certificate is not None and failure.certificate not in chain.certificates
    return finding(
        failure.code,
        failure.message,
        _remedy(_CLIENT_REMEDIES, failure, chain.setting, _address(context)),
        severity=Severity.WARNING if in_anchor else Severity.ERROR,
        setting=chain.setting,
        source=chain.source,
        origin=chain.origin,
        expected=failure.expected,
        presented=failure.presented,
    )


def _address(context: Context) -> str:
    return context.endpoint.address if context.endpoint else "HOST:19530"


def server_remedy(
    failure: Failure, setting: str = "ca_pem_path", address: str = "HOST:19530"
) -> str:
    """What helps when a server's chain is refused.

    Args:
        failure: Why.
        setting: The client's setting that names the trust anchor.
        address: Where the server is.
    """
    return _remedy(_SERVER_REMEDIES, failure, setting, address)


def _remedy(remedies: Mapping[str, str], failure: Failure, setting: str, address: str) -> str:
    expected = failure.expected or ""
    if failure.code.startswith("usage-not-") and "Usage" not in expected:
        return _REISSUE_PLAINLY
    if failure.code == "weak-key" and expected.startswith("a CA's key"):
        return _ANOTHER_CA
    return remedies[failure.code].format(setting=setting, address=address)


def _dead_anchors(code: str) -> Rule:
    """A refusal by dates, also of a file in which no anchor is valid at this time."""

    def judge(context: Context) -> Iterator[Finding]:
        yield from _refused(context, code)
        anchor = _dead(context)
        if anchor is None or context.server_chain is not None:
            return
        failures = list(dates_failures(anchor.certificates, context.now))
        first = failures[0]
        if first.code == code:
            yield finding(
                code,
                first.message,
                f"Set {anchor.setting} to the CA's current certificate."
                if code == "certificate-expired"
                else _SERVER_REMEDIES[code],
                setting=anchor.setting,
                source=anchor.source,
                origin=anchor.origin,
                expected=first.expected,
                presented=first.presented,
            )

    return Rule(code, judge, ("anchors",))


def _dead(context: Context) -> Material | None:
    """The configured anchors, if none of them is valid now: gRPC refuses whatever they issued."""
    anchor = context.anchor_material
    if anchor is None or not anchor.certificates:
        return None
    failing = {f.certificate for f in dates_failures(anchor.certificates, context.now)}
    return anchor if failing == set(anchor.certificates) else None


def _usage_not_server(context: Context) -> Iterator[Finding]:
    yield from _refused(context, "usage-not-server")
    chain, verdict = context.server_chain, context.server_verdict
    if chain is None or verdict is None or not verdict.pinned or verdict.failure:
        return
    usages = extension(chain.leaf, x509.ExtendedKeyUsage)
    if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        yield finding(
            "usage-not-server",
            "The certificate is not for servers; gRPC takes it only where it is pinned.",
            _SERVER_REMEDIES["usage-not-server"],
            severity=Severity.WARNING,
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected="extendedKeyUsage serverAuth",
            presented=usages_text(usages),
        )


def _client_chain_untrusted(context: Context) -> Iterator[Finding]:
    chain, verdict, ca = context.client_chain, context.client_verdict, context.anchor_material
    if chain is None or verdict is None or ca is None or not ca.certificates:
        return
    failure = verdict.failure
    if failure is not None and failure.code in _IF_SAME_CA:
        yield finding(
            "client-chain-untrusted",
            f"The client certificate does not chain to {ca.setting}: {_lowered(failure.message)} "
            "Milvus refuses it, unless its caPemPath holds another CA.",
            f"If an intermediate issued it, append that to {chain.setting}; else have one issued "
            "by that CA: milvus-secure certs client NAME --dir DIR",
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected=failure.expected,
            presented=failure.presented,
        )


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _chain_order(context: Context) -> Iterator[Finding]:
    for chain, verdict in longevity.judged(context):
        first = chain.leaf
        leaf = next(
            (
                one
                for one in chain.certificates[1:]
                if same_name(issuer_of(one), subject_of(first)) and not may_issue(one)
            ),
            None,
        )
        if leaf is not None and may_issue(first):
            yield _misplaced(
                chain,
                None,
                "The CA's certificate stands before the leaf.",
                name_text(subject_of(leaf)),
            )
        elif not _in_order(chain, verdict):
            wanted = "; ".join(
                name_text(subject_of(one)) for one in verdict.path[: verdict.trusted]
            )
            yield _misplaced(
                chain,
                Severity.WARNING,
                "The intermediates are out of order; gRPC and Go sort them, others refuse them.",
                wanted,
            )


def _in_order(chain: Chain, verdict: Verdict) -> bool:
    """True if the presented part of the path stands in the order TLS 1.2 demands."""
    places = [chain.certificates.index(one) for one in verdict.path if one in chain.certificates]
    return all(one < after for one, after in pairwise(places))


def _misplaced(chain: Chain, severity: Severity | None, message: str, expected: str) -> Finding:
    return finding(
        "chain-order",
        message,
        "Write the leaf first, then each issuer: cat leaf.pem intermediate.pem > chain.pem",
        severity=severity,
        setting=chain.setting,
        source=chain.source,
        origin=chain.origin,
        expected=expected,
        presented="; ".join(name_text(subject_of(one)) for one in chain.certificates[:6]),
    )


def _both(code: str, also: Callable[[Context], Iterator[Finding]]) -> Rule:
    """A reason to refuse a chain that may also be but a warning."""

    def judge(context: Context) -> Iterator[Finding]:
        yield from _refused(context, code)
        yield from also(context)

    return Rule(code, judge, ("anchors",))


def _unless_plaintext(rule: Rule) -> Rule:
    """Without TLS nobody is trusted, whatever certificates lie about."""

    def judge(context: Context) -> Iterator[Finding]:
        if context.mode is not TLSMode.PLAINTEXT:
            yield from rule.judge(context)

    return Rule(rule.code, judge, rule.needs)


RULES: tuple[Rule, ...] = tuple(
    map(
        _unless_plaintext,
        (
            _dead_anchors("certificate-not-yet-valid"),
            _dead_anchors("certificate-expired"),
            Rule("certificate-expiring", longevity.certificate_expiring, ("anchors",)),
            _both("weak-key", longevity.weak_key),
            _both("weak-signature", longevity.weak_signature),
            _refusal("issuer-key-mismatch"),
            Rule("chain-order", _chain_order, ("anchors",)),
            _refusal("chain-incomplete"),
            _refusal("issuer-not-ca"),
            _refusal("name-constraint"),
            Rule("usage-not-server", _usage_not_server, ("anchors",)),
            Rule(
                "usage-not-client",
                lambda context: _refused(context, "usage-not-client"),
                ("client_chain",),
            ),
            _refusal("chain-untrusted"),
            Rule("client-chain-untrusted", _client_chain_untrusted, ("anchors", "client_chain")),
            Rule("pinned-leaf", longevity.pinned_leaf, ("anchors",)),
            _both("shared-subject", longevity.shared_subject),
        ),
    )
)
