"""Rules about the TLS handshake, and all rules about the endpoint together.

gRPC's channel with the user's own material is the judge: where it is ready, nothing here is an
error. Where it is not, the looks of the probe tell why; gRPC's texts are evidence only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..._common.tls_mode import TLSMode
from ...pem.certificate import issuer_text, subject_text
from ...reporting.report import Finding, Severity
from ..context import Context
from . import files, milvus, names, trust
from . import reachability as reach
from .reachability import at_endpoint, grpc_ready, seen
from .rule import Rule, run

if TYPE_CHECKING:
    from cryptography import x509


def _refused(context: Context) -> bool:
    """True if the peer speaks TLS and gRPC got no connection, or could not be asked."""
    tls = context.mode is not TLSMode.PLAINTEXT and seen(context).speaks == "tls"
    return tls and not grpc_ready(context)


def _tls_version(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    old = observation.tls_version in {"SSLv3", "TLSv1", "TLSv1.1"} and observation.tls_complete
    if _refused(context) and (old or observation.alert == "protocol_version"):
        yield at_endpoint(
            context,
            "tls-version",
            "The server and gRPC have no TLS version in common.",
            "Allow TLS 1.2 or 1.3 in whatever ends TLS on the server's side (Milvus itself does), "
            "or update an old grpcio: python -m pip install --upgrade grpcio.",
            expected="TLSv1.2 or TLSv1.3",
            presented=observation.tls_version if old else f"alert {observation.alert}",
        )


def _alpn_not_h2(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    without = observation.tls_complete and observation.alpn != "h2"
    if _refused(context) and (without or observation.alert == "no_application_protocol"):
        yield at_endpoint(
            context,
            "alpn-not-h2",
            "The server speaks TLS, but does not agree to HTTP/2, which gRPC needs.",
            "Check that the port is Milvus's gRPC port, not REST's. A proxy in front must pass "
            "HTTP/2 on (nginx: listen 443 ssl http2 and grpc_pass).",
            expected="ALPN h2",
            presented=f"ALPN {observation.alpn or 'none'}",
        )


def _client_certificate_required(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    if (
        context.mode is TLSMode.ONE_WAY
        and observation.client_certificate_requested
        and observation.client_certificate_accepted is False
    ):
        yield at_endpoint(
            context,
            "client-certificate-required",
            "The server wants a client certificate (tlsMode 2), and the settings give none.",
            "Set client_pem_path and client_key_path to a pair issued by the server's CA, and "
            "ca_pem_path; or set common.security.tlsMode: 1 on the server.",
            setting="client_pem_path",
            expected=_issuers(observation.accepted_issuers),
            presented=f"no certificate; the server {_reaction(observation.alert)}",
        )


def _client_certificate_rejected(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    ours = context.client_chain
    if ours is None or observation.client_certificate_accepted is not False:
        return
    subject = subject_text(ours.leaf)
    issuer = issuer_text(ours.leaf)
    yield at_endpoint(
        context,
        "client-certificate-rejected",
        "The server refused our client certificate.",
        "Give a pair issued by a CA in the server's tls.caPemPath, in date and with usage "
        "clientAuth, or add the CA of this one there and restart the server. Its log tells more: "
        "docker logs milvus-standalone 2>&1 | grep 'tls: '",
        setting=ours.setting,
        expected=_issuers(observation.accepted_issuers),
        presented=f"{subject}, issued by {issuer}; the server {_reaction(observation.alert)}",
    )


def _issuers(names_: tuple[str, ...]) -> str:
    if not names_:
        return "a client certificate (the server does not say which issuers it accepts)"
    return "a client certificate issued by " + " or ".join(names_)


def _reaction(alert: str | None) -> str:
    return f"answered with the alert {alert}" if alert else "closed the connection"


def _presented_certificate_differs(context: Context) -> Iterator[Finding]:
    pinned, chain = context.pinned_leaf, seen(context).chain
    if pinned is None or not chain or chain[0] == pinned.leaf:
        return
    yield at_endpoint(
        context,
        "presented-certificate-differs",
        f"The server does not present the certificate in {pinned.setting}.",
        "Compare the fingerprint with whoever runs the server, then trust the CA instead of one "
        "certificate: ca_pem_path. If it was renewed on the server, all is well there.",
        setting=pinned.setting,
        expected=_told(pinned.leaf),
        presented=_told(chain[0]),
    )


def _told(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only its type above

    subject = subject_text(certificate)
    return f"{subject}, SHA-256 {certificate.fingerprint(hashes.SHA256()).hex()}"


_SPECIFIC = (
    Rule("tls-version", _tls_version),
    Rule("client-certificate-required", _client_certificate_required),
    Rule("client-certificate-rejected", _client_certificate_rejected),
    Rule("alpn-not-h2", _alpn_not_h2),
)


def _proxy_failed(context: Context) -> Iterator[Finding]:
    """A direct look found the server in order, and gRPC, which goes through a proxy, did not."""
    observation = seen(context)
    if not observation.proxy or observation.failure or observation.grpc_state in {None, "ready"}:
        return
    sound = observation.tls_complete and observation.alpn == "h2"
    if context.mode is TLSMode.PLAINTEXT:
        sound = observation.speaks == "http2"
    if not sound or _explained(context, _SPECIFIC):
        return
    host = context.endpoint.host if context.endpoint else ""
    yield at_endpoint(
        context,
        "proxy-failed",
        f"gRPC goes through the HTTP proxy {observation.proxy}, and gets no connection that way.",
        "Have the proxy allow CONNECT to this address, or pass by it: "
        # gRPC reads no_proxy only where the other is not set.
        f'export no_grpc_proxy="${{no_grpc_proxy-$no_proxy}},{host}"',
        expected="a connection through the proxy, as there is without it",
        presented=f"gRPC: {observation.grpc_state}",
    )


def _explained(context: Context, specific: Sequence[Rule]) -> bool:
    """True if files, trust, names or one of these rules tell why gRPC got no connection."""
    found, _ = run(context, (*files.RULES, *trust.RULES, *names.RULES, *specific))
    return any(one.severity is Severity.ERROR for one in found)


def _tls_failed(context: Context) -> Iterator[Finding]:
    """What is left: silent where anything else explains the refusal, so never in the way."""
    observation = seen(context)
    asked = context.mode is not TLSMode.PLAINTEXT
    hung_up = asked and observation.speaks == "closed"
    # Too slow for the look, but not for gRPC, which was refused.
    slow = asked and observation.speaks == "silence" and observation.grpc_code == "UNAVAILABLE"
    failed = observation.grpc_state is not None or not observation.tls_complete
    if not (hung_up or slow or (_refused(context) and failed)) or grpc_ready(context):
        return
    if _explained(context, (*_SPECIFIC, Rule("proxy-failed", _proxy_failed))):
        return
    evidence = [
        f"alert {observation.alert}" if observation.alert else "",
        observation.tls_error if observation.speaks == "tls" else "",
        f"gRPC: {observation.grpc_state}" if observation.grpc_state else "",
    ]
    yield at_endpoint(
        context,
        "tls-failed",
        "The server hung up on the TLS handshake without a word."
        if hung_up
        else "The TLS handshake failed, for a reason only the server can tell.",
        "See the server's log, and compare with another client: "
        f"openssl s_client -connect {observation.address} -alpn h2.",
        expected="a TLS handshake that gRPC completes",
        presented="; ".join(filter(None, evidence)),
    )


_ALL = (
    *reach.RULES,
    *_SPECIFIC,
    Rule("proxy-failed", _proxy_failed),
    Rule("tls-failed", _tls_failed),
    Rule("presented-certificate-differs", _presented_certificate_differs),
    *milvus.RULES,
)
RULES = tuple(Rule(rule.code, rule.judge, ("endpoint",)) for rule in _ALL)
