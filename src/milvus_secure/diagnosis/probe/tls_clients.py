"""The TLS clients that the probe plays: one without a certificate, and one with ours.

Old versions and weak keys are allowed (security level 0), because a server that has nothing better
must be reported, not just refused.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from OpenSSL import SSL

from .alerts import ALERTS

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from OpenSSL import crypto


# What gRPC offers up to TLS 1.2 (``src/core/lib/security/security_connector/ssl_utils.cc``).
GRPC_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"
)


GRPC_GROUPS = frozenset({"x25519", "prime256v1", "secp384r1", "secp521r1", "x25519mlkem768"})
"""What gRPC offers for the key exchange, by OpenSSL's names in lower case."""


@cache
def anonymous(ciphers: bytes = b"ALL:!aNULL:@SECLEVEL=0") -> SSL.Context:
    """A client without a certificate that verifies nothing.

    Args:
        ciphers: What it offers up to TLS 1.2, in OpenSSL's syntax.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(ciphers)
    context.set_alpn_protos([b"h2"])
    context.set_verify(SSL.VERIFY_NONE)
    context.set_info_callback(_note)
    return context


def presenting(
    chain: tuple[x509.Certificate, ...],
    key: PrivateKeyTypes,
    server: x509.Certificate,
) -> SSL.Context:
    """A client that presents a certificate, but only to the server that was verified before.

    Args:
        chain: Ours, leaf first.
        key: Its private key.
        server: The leaf the server must serve; with any other the handshake ends before our
            certificate is sent.

    Raises:
        SSL.Error: If OpenSSL cannot use the pair.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_alpn_protos([b"h2"])
    context.set_info_callback(_note)

    def is_the_same(tls: SSL.Connection, served: crypto.X509, _: int, depth: int, __: int) -> bool:
        is_same = depth > 0 or served.to_cryptography() == server
        result = tls.get_app_data()
        result.other_server = result.other_server or not is_same
        return is_same

    context.set_verify(SSL.VERIFY_PEER, is_the_same)
    context.use_certificate(chain[0])
    for intermediate in chain[1:]:
        context.add_extra_chain_cert(intermediate)
    context.use_privatekey(key)  # type: ignore[arg-type]  # what it cannot use it refuses
    context.check_privatekey()  # OpenSSL takes a key of another type for another certificate's
    return context


def _note(tls: SSL.Connection, where: int, value: int) -> None:
    """Record what no getter returns later: alerts by number, and a request without CA names."""
    result = tls.get_app_data()
    if where & SSL.SSL_CB_READ_ALERT == SSL.SSL_CB_READ_ALERT:
        number = value & 0xFF
        if number:  # close_notify is a goodbye, not a reason
            result.alert = result.alert or ALERTS.get(number, f"alert {number}")
    elif where & SSL.SSL_CB_LOOP:
        state = tls.get_state_string()
        result.requested = result.requested or b"certificate request" in state
        result.proved = result.proved or b"write certificate verify" in state
        result.confirmed = result.confirmed or b"session ticket" in state
