"""The rule that runs last: the handshake failed, and no other rule explains it."""

from __future__ import annotations

from collections.abc import Iterator

from ..._common.endpoint import server_name_indication
from ..._common.tls_mode import TLSMode
from ...reporting.report import Finding
from ..context import Context
from .reachability import (
    NOTHING_IN_COMMON,
    at_endpoint,
    grpc_ready,
    observed,
    tls_refused,
    tls_seen,
)
from .rule import Rule


def _tls_failed(context: Context) -> Iterator[Finding]:
    """The last resort: it runs only where nothing else explains the failure."""
    observation, tls = observed(context), tls_seen(context)
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
    if not (closed or slow or (tls_refused(context) and failed)) or grpc_ready(context):
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
    elif tls_seen(context).alert == "internal_error" and not tls_seen(context).chain:
        message = (
            "The server ended the TLS handshake because of an error of its own, before it sent a "
            "certificate. Most likely it has no certificate for this name, or cannot load it."
        )
    elif tls_seen(context).alert in NOTHING_IN_COMMON and not tls_seen(context).chain:
        message = (
            "The server accepts none of the cipher suites, curves and signature algorithms that "
            "TLS clients offer. Most likely it has no certificate, or one whose key "
            "does not go with TLS or with its cipher suites."
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


RULES = (Rule("tls-failed", _tls_failed, subjects=("tls",), fallback=True),)
