"""The line that is logged for a connection: where to, how, and until when its certificates last."""

from __future__ import annotations

import logging
import socket
import ssl
from typing import TYPE_CHECKING

from cryptography import x509

from .._common.tls_mode import TLSMode
from ..pem.certificate import subject_text, validity
from .logs import LOG

if TYPE_CHECKING:
    from ..diagnosis.context import Context

_SECONDS = 2.0
"""For reading the server's certificate, which gRPC does not hand out."""


def connection_is_logged() -> bool:
    """Whether the program's logging takes the line; without it, nothing is read for it."""
    return LOG.isEnabledFor(logging.INFO)


def log_connection(context: Context) -> None:
    """Log endpoint, mode, and subject and end of the server's and the client's certificate."""
    endpoint = context.endpoint
    if endpoint is None:
        return
    parts = [f"Connected to {endpoint.address}, {context.mode}"]
    if context.mode is not TLSMode.PLAINTEXT:
        parts.append(f"server certificate {_text(_served(context))}")
    client = context.client_chain
    if client is not None:
        parts.append(f"client certificate {_text(client.leaf)}")
    LOG.info("%s.", "; ".join(parts))


def _text(certificate: x509.Certificate | None) -> str:
    if certificate is None:
        return "not read"
    return f"{subject_text(certificate)} until {validity(certificate)[1]:%Y-%m-%d}"


def _served(context: Context) -> x509.Certificate | None:
    """The certificate that the server presents in a handshake of its own, or None."""
    from ..diagnosis.probe.proxies import proxy_for  # noqa: PLC0415 - for those who log only

    endpoint = context.endpoint
    if endpoint is None or proxy_for(endpoint.host):
        return None
    handshake = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    handshake.check_hostname = False
    handshake.verify_mode = ssl.CERT_NONE  # gRPC has verified it, and nothing is sent here
    handshake.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((endpoint.host, endpoint.port), _SECONDS) as connection,
            handshake.wrap_socket(connection, server_hostname=context.reference_name) as tls,
        ):
            der = tls.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der) if der else None
    except (OSError, ValueError):
        return None
