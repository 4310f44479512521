"""Rules about the client certificate: required, refused, or never requested."""

from __future__ import annotations

from collections.abc import Iterator

from ..._common.tls_mode import TLSMode
from ...pem.certificate import issuer_text, subject_text
from ...reporting.observation import CertificateRequest
from ...reporting.report import Finding, Severity
from ...verification.signatures import describe_key
from ..context import Context
from .reachability import at_endpoint, http_status, tls_seen
from .rule import Rule


def _refusal(context: Context) -> CertificateRequest | None:
    """The request for a client certificate that ours, or the lack of one, did not satisfy."""
    request = tls_seen(context).request
    # nginx completes the handshake and then answers 400 (``ssl_verify_client``).
    refused = request is not None and (request.accepted is False or http_status(context) == 400)
    return request if refused else None


def _client_certificate_required(context: Context) -> Iterator[Finding]:
    request = _refusal(context)
    if context.mode is TLSMode.ONE_WAY and request is not None:
        yield at_endpoint(
            context,
            "client-certificate-required",
            "The server requires a client certificate (mutual TLS, tlsMode 2), and the settings "
            "contain none.",
            "Set client_pem_path and client_key_path to a certificate and key issued by the CA "
            "that the server trusts, and ca_pem_path. Or, on the server, set "
            "common.security.tlsMode: 1.",
            setting="client_pem_path",
            expected=_issuers(request.issuers),
            presented=f"no certificate; the server {_reaction(context, request)}",
        )


def _client_certificate_rejected(context: Context) -> Iterator[Finding]:
    request, ours = _refusal(context), context.client_chain
    if ours is None or request is None:
        return
    if request.unsent:
        yield at_endpoint(
            context,
            "client-certificate-rejected",
            f"The server accepts no client certificate with a key of this type: "
            f"{describe_key(ours.leaf)}.",
            "Use a client certificate with a key on P-256 or an RSA key of 2048 bits, issued by a "
            "CA in the server's tls.caPemPath.",
            setting=ours.setting,
            expected="a key of a type that the server's CertificateRequest names",
            presented=f"{subject_text(ours.leaf)} with {describe_key(ours.leaf)}",
            command="milvus-secure certs client NAME --dir DIR --key-type p256",
        )
        return
    yield at_endpoint(
        context,
        "client-certificate-rejected",
        "The server refused our client certificate.",
        "Use a pair issued by a CA in the server's tls.caPemPath, valid today and with usage "
        "clientAuth; or add the CA of this certificate there and restart the server. The server's "
        "log says more.",
        setting=ours.setting,
        expected=_issuers(request.issuers),
        presented=f"{subject_text(ours.leaf)}, issued by {issuer_text(ours.leaf)}; the server "
        f"{_reaction(context, request)}",
        command="docker logs milvus-standalone 2>&1 | grep 'tls: '",
    )


def _issuers(names: tuple[str, ...]) -> str:
    if not names:
        return "a client certificate (the server does not say which issuers it accepts)"
    return "a client certificate issued by " + " or ".join(names)


def _reaction(context: Context, request: CertificateRequest) -> str:
    if http_status(context):
        return f"answered with HTTP status {http_status(context)}"
    if request.alert:
        return f"answered with the alert {request.alert}"
    return "closed the connection without an alert"


def _client_certificate_not_requested(context: Context) -> Iterator[Finding]:
    """Mutual TLS was asked for, and the server did not ask who we are."""
    tls = tls_seen(context)
    if context.mode is not TLSMode.MUTUAL or not tls.complete or tls.request is not None:
        return
    insisted = context.settings.tls_mode is TLSMode.MUTUAL
    message = "The server does not request a client certificate, so the connection is one-way TLS"
    yield at_endpoint(
        context,
        "client-certificate-not-requested",
        f"{message}, although tls_mode asks for mutual TLS."
        if insisted
        else f"{message}; the client certificate is not used.",
        "On the server, set common.security.tlsMode: 2 and tls.caPemPath, and restart it. Behind "
        "a proxy that ends TLS, let the proxy request the certificate or pass TLS through. If "
        "one-way TLS is enough, remove client_pem_path and client_key_path"
        + (" and tls_mode." if insisted else "."),
        severity=Severity.ERROR if insisted else None,
        setting="tls_mode" if insisted else "client_pem_path",
        expected="a request for a client certificate",
        presented="a complete handshake without one",
    )


RULES = (
    Rule("client-certificate-not-requested", _client_certificate_not_requested),
    Rule("client-certificate-required", _client_certificate_required),
    Rule("client-certificate-rejected", _client_certificate_rejected),
)
