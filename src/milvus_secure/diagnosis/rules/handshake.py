"""Rules about the TLS handshake, and all rules about the endpoint together.

gRPC's channel with the user's own material is the judge: where it is ready, nothing here is an
error, unless less security was had than asked for. Where it is not ready, the handshakes of the
probe say why; gRPC's texts are evidence only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..._common.endpoint import server_name_indication
from ..._common.tls_mode import TLSMode
from ...pem.certificate import issuer_text, subject_text
from ...reporting.observation import CertificateRequest, TLSHandshake
from ...reporting.report import Finding, Severity
from ...verification.signatures import describe_key
from ..context import Context
from . import front_end, milvus, trust
from . import reachability as reach
from .reachability import at_endpoint, grpc_ready, http_status, observed
from .rule import Rule

if TYPE_CHECKING:
    from cryptography import x509

_NOTHING_IN_COMMON = {"handshake_failure", "insufficient_security"}
_OLD_TLS = {"SSLv3", "TLSv1", "TLSv1.1"}


def _tls(context: Context) -> TLSHandshake:
    return observed(context).tls or TLSHandshake()


def _refused(context: Context) -> bool:
    """True if the peer speaks TLS and gRPC got no connection, or could not be asked."""
    tls = context.mode is not TLSMode.PLAINTEXT and observed(context).protocol == "tls"
    return tls and not grpc_ready(context)


def _tls_version(context: Context) -> Iterator[Finding]:
    tls = _tls(context)
    old = tls.version in _OLD_TLS and tls.complete
    if _refused(context) and (old or tls.alert == "protocol_version"):
        yield at_endpoint(
            context,
            "tls-version",
            "The server and gRPC have no TLS version in common.",
            "Allow TLS 1.2 or 1.3 in the program that terminates TLS on the server's side (Milvus "
            "itself "
            "allows both), or update an old grpcio.",
            expected="TLSv1.2 or TLSv1.3",
            presented=tls.version if old else f"alert {tls.alert}",
            command="python -m pip install --upgrade grpcio",
        )


def _alpn_not_h2(context: Context) -> Iterator[Finding]:
    tls = _tls(context)
    without = tls.complete and tls.alpn != "h2"
    if _refused(context) and (without or tls.alert == "no_application_protocol"):
        yield at_endpoint(
            context,
            "alpn-not-h2",
            "The server speaks TLS, but does not agree to HTTP/2, which gRPC needs.",
            "Check that the port is Milvus's gRPC port, not its REST port. A proxy in front of "
            "Milvus must forward HTTP/2 (nginx: `listen 443 ssl http2` and `grpc_pass`).",
            expected="ALPN h2",
            presented=f"ALPN {tls.alpn or 'none'}",
        )


def _refusal(context: Context) -> CertificateRequest | None:
    """The request for a client certificate that ours, or the lack of one, did not satisfy."""
    request = _tls(context).request
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
    tls = _tls(context)
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


def _tls_cipher(context: Context) -> Iterator[Finding]:
    tls = _tls(context)
    if _refused(context) and tls.ciphers_refused:
        yield at_endpoint(
            context,
            "tls-cipher",
            "The server and gRPC have no TLS cipher suite in common.",
            "In the program that terminates TLS on the server's side, allow TLS 1.3 or one of "
            "gRPC's "
            "cipher suites for TLS 1.2.",
            expected="ECDHE with AES-GCM (ECDHE-RSA-AES128-GCM-SHA256, "
            "ECDHE-ECDSA-AES128-GCM-SHA256 or their AES256 forms)",
            presented=f"{tls.version} {tls.cipher}",
        )
    elif _refused(context) and tls.group_refused:
        yield at_endpoint(
            context,
            "tls-cipher",
            "The server and gRPC have no group (curve) for the key exchange in common.",
            "In the program that terminates TLS on the server's side, allow X25519 or P-256 "
            "(nginx: "
            "`ssl_ecdh_curve auto`).",
            expected="X25519, P-256, P-384 or P-521",
            presented=f"{tls.version} {tls.group_refused}",
        )


def _presented_certificate_differs(context: Context) -> Iterator[Finding]:
    pinned, chain = context.pinned_leaf, observed(context).chain
    replaced = list(trust.pin_is_replaced(context))
    yield from replaced
    if replaced or pinned is None or not chain or chain[0] == pinned.leaf:
        return
    yield at_endpoint(
        context,
        "presented-certificate-differs",
        f"The server does not present the certificate in {pinned.setting}.",
        "Compare the fingerprint with the one that the server's operator gives you, then trust "
        "the CA instead of a single certificate: set ca_pem_path. If the certificate was renewed "
        "on the server, the server is in order.",
        setting=pinned.setting,
        expected=_fingerprint(pinned.leaf),
        presented=_fingerprint(chain[0]),
    )


def _fingerprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only its type above

    subject = subject_text(certificate)
    return f"{subject}, SHA-256 {certificate.fingerprint(hashes.SHA256()).hex()}"


def _tls_failed(context: Context) -> Iterator[Finding]:
    """The last resort: it runs only where nothing else explains the failure."""
    observation, tls = observed(context), _tls(context)
    grpc = observation.grpc
    expects_tls = context.mode is not TLSMode.PLAINTEXT
    closed = expects_tls and observation.protocol == "closed"
    # Too slow for the probe's handshake, but not for gRPC, which was refused.
    slow = (
        expects_tls
        and observation.protocol == "silence"
        and bool(grpc and grpc.status == "UNAVAILABLE")
    )
    failed = grpc is not None or not tls.complete
    if not (closed or slow or (_refused(context) and failed)) or grpc_ready(context):
        return
    evidence = [
        f"alert {tls.alert}" if tls.alert else "",
        tls.error if observation.protocol == "tls" else "",
        f"gRPC: {grpc.details or grpc.status}" if grpc else "",
    ]
    message, remedy = _last_words(context, closed=closed)
    yield at_endpoint(
        context,
        "tls-failed",
        message,
        remedy,
        expected="a TLS handshake that gRPC completes",
        presented="; ".join(filter(None, evidence)),
        command=s_client(context),
    )


def _last_words(context: Context, *, closed: bool) -> tuple[str, str]:
    """Message and remedy for a failure that nothing explains; gRPC's words say on which side."""
    grpc = observed(context).grpc
    details = grpc.details if grpc else ""
    if "Failed to create security handshaker" in details:
        return (
            "gRPC cannot use the client's own certificate or key, or the trust anchors.",
            "Make a new client pair, and compare with another TLS client, which may say why.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return (
            "gRPC refused the server's certificate, and these checks do not know the reason.",
            "gRPC's message names the reason. Have the certificate reissued to avoid it.",
        )
    if closed:
        message = "The server closed the connection during the TLS handshake, without an answer."
    elif _tls(context).alert == "internal_error" and not _tls(context).chain:
        message = (
            "The server ended the TLS handshake because of an error of its own, before it sent a "
            "certificate. Most likely it has no certificate for this name, or cannot load it."
        )
    elif _tls(context).alert in _NOTHING_IN_COMMON and not _tls(context).chain:
        message = (
            "The server accepts none of the cipher suites, curves and signature algorithms that "
            "TLS clients offer. Most likely it has no certificate, or one whose key TLS does not "
            "support."
        )
    else:
        message = "The TLS handshake failed, and the probe did not find the reason."
    return message, "Look at the server's log, and compare with another TLS client."


def s_client(context: Context) -> str:
    """The ``openssl s_client`` line that does what gRPC's handshake does.

    It sends the same server name (SNI), because an ingress chooses the certificate by it.
    """
    name = server_name_indication(context.reference_name or "")
    servername = f" -servername {name}" if name else " -noservername"
    return (
        f"openssl s_client -connect {observed(context).address}{servername} -alpn h2 -showcerts "
        "</dev/null"
    )


_TLS_RULES = (
    Rule("tls-version", _tls_version),
    Rule("tls-cipher", _tls_cipher),
    Rule("client-certificate-not-requested", _client_certificate_not_requested),
    Rule("client-certificate-required", _client_certificate_required),
    Rule("client-certificate-rejected", _client_certificate_rejected),
    Rule("alpn-not-h2", _alpn_not_h2),
    Rule("presented-certificate-differs", _presented_certificate_differs),
)
_FALLBACKS = (Rule("tls-failed", _tls_failed, subjects=("tls",), fallback=True),)
_ALL = (
    *reach.RULES,
    *(replace(rule, subjects=("tls",)) for rule in _TLS_RULES),
    *front_end.RULES,
    *milvus.RULES,
    *_FALLBACKS,
)
RULES = tuple(replace(rule, needs=("endpoint",)) for rule in _ALL)
