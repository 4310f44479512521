"""Rules about the TLS handshake, and all rules about the endpoint together.

gRPC's channel with the user's own material is the judge: where it is ready, nothing here is an
error, unless less security was had than asked for. Where it is not ready, the handshakes of the
probe say why; gRPC's texts are evidence only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ...pem.certificate import subject_text
from ...reporting.report import Finding
from ..context import Context
from . import client_certificate, front_end, last_resort, milvus, trust
from . import reachability as reach
from .reachability import at_endpoint, observed, tls_refused, tls_seen
from .rule import Rule

if TYPE_CHECKING:
    from cryptography import x509

_OLD_TLS = {"SSLv3", "TLSv1", "TLSv1.1"}


def _tls_version(context: Context) -> Iterator[Finding]:
    tls = tls_seen(context)
    old = tls.version in _OLD_TLS and tls.complete
    if tls_refused(context) and (old or tls.alert == "protocol_version"):
        yield at_endpoint(
            context,
            "tls-version",
            "The server and gRPC have no TLS version in common.",
            "Allow TLS 1.2 or 1.3 in the program that terminates TLS on the server's side (Milvus "
            "itself allows both), or update an old grpcio.",
            expected="TLSv1.2 or TLSv1.3",
            presented=tls.version if old else f"alert {tls.alert}",
            command="python -m pip install --upgrade grpcio",
        )


def _alpn_not_h2(context: Context) -> Iterator[Finding]:
    tls = tls_seen(context)
    without = tls.complete and tls.alpn != "h2"
    if tls_refused(context) and (without or tls.alert == "no_application_protocol"):
        yield at_endpoint(
            context,
            "alpn-not-h2",
            "The server speaks TLS, but does not agree to HTTP/2, which gRPC needs.",
            "Check that the port is Milvus's gRPC port, not its REST port. A proxy in front of "
            "Milvus must forward HTTP/2 (nginx: `listen 443 ssl http2` and `grpc_pass`).",
            expected="ALPN h2",
            presented=f"ALPN {tls.alpn or 'none'}",
        )


def _tls_cipher(context: Context) -> Iterator[Finding]:
    tls = tls_seen(context)
    if tls_refused(context) and tls.ciphers_refused:
        yield at_endpoint(
            context,
            "tls-cipher",
            "The server and gRPC have no TLS cipher suite in common.",
            "In the program that terminates TLS on the server's side, allow TLS 1.3 or one of "
            "gRPC's cipher suites for TLS 1.2.",
            expected="ECDHE with AES-GCM (ECDHE-RSA-AES128-GCM-SHA256, "
            "ECDHE-ECDSA-AES128-GCM-SHA256 or their AES256 forms)",
            presented=f"{tls.version} {tls.cipher}",
        )
    elif tls_refused(context) and tls.group_refused:
        yield at_endpoint(
            context,
            "tls-cipher",
            "The server and gRPC have no group (curve) for the key exchange in common.",
            "In the program that terminates TLS on the server's side, allow X25519 or P-256 "
            "(nginx: `ssl_ecdh_curve auto`).",
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


_TLS_RULES = (
    Rule("tls-version", _tls_version),
    Rule("tls-cipher", _tls_cipher),
    *client_certificate.RULES,
    Rule("alpn-not-h2", _alpn_not_h2),
    Rule("presented-certificate-differs", _presented_certificate_differs),
)
_ALL = (
    *reach.RULES,
    *(replace(rule, subjects=("tls",)) for rule in _TLS_RULES),
    *front_end.RULES,
    *milvus.RULES,
    *last_resort.RULES,
)
RULES = tuple(replace(rule, needs=("endpoint",)) for rule in _ALL)
