"""What the words of gRPC, Milvus, Go and Python in an error most likely mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..reporting.observation import ENVOY_LOGIN, ENVOY_UPSTREAM


@dataclass(frozen=True, slots=True)
class Clue:
    """A phrase in an error, and the codes that it indicates, the most probable first."""

    phrase: str
    codes: Sequence[str]


# The first that fits counts, so precise ones come before vague ones. Taken from grpcio 1.67 to
# 1.85, Milvus 2.3.5 and Go; the tests provoke gRPC's and Milvus's on real parts.
CLUES = tuple(
    Clue(phrase, codes)
    for phrase, *codes in (
        ("Hostname Verification Check failed", "name-mismatch", "server-name-malformed"),
        ("call host does not match SSL server name", "name-mismatch"),
        ("is not in peer certificate", "name-mismatch"),  # grpcio before 1.78
        ("Peer extraction failed", "name-mismatch", "certificate-malformed"),
        ("doesn't contain any IP SANs", "name-mismatch"),
        ("Hostname mismatch", "name-mismatch"),
        ("relies on legacy Common Name", "name-cn-only", "name-mismatch"),
        ("certificate has expired", "certificate-expired"),
        ("certificate is not yet valid", "certificate-not-yet-valid"),
        ("unsupported certificate purpose", "usage-not-server"),
        ("KEY_USAGE_BIT_INCORRECT", "usage-not-server"),
        ("unhandled critical extension", "usage-not-server"),
        ("inconsistent certificate extension", "certificate-malformed"),
        ("inconsistent certificate policy extension", "certificate-malformed"),
        ("CANNOT_PARSE_LEAF_CERT", "certificate-malformed"),
        ("invalid CA certificate", "issuer-not-ca"),
        ("path length constraint exceeded", "issuer-not-ca"),
        ("subtree violation", "name-constraint"),
        ("name constraint", "name-constraint"),
        (
            "Failed to create security handshaker",
            "key-mismatch",
            "chain-order",
            "usage-not-client",
            "pem-malformed",
            "file-not-pem",
        ),
        ("UNRECOGNIZED_NAME", "server-name-unknown"),
        ("CERTIFICATE_REQUIRED", "client-certificate-required"),
        ("didn't provide a certificate", "client-certificate-required"),
        ("ALERT_UNKNOWN_CA", "client-certificate-rejected"),
        ("ALERT_BAD_CERTIFICATE", "client-certificate-rejected", "client-certificate-required"),
        ("DIGEST_AND_KEY_TYPE_NOT_SUPPORTED", "weak-signature"),
        ("certificate signature failure", "issuer-key-mismatch", "weak-signature"),
        ("BAD_E_VALUE", "weak-key"),
        ("elliptic curve routines:OPENSSL_internal:DECODE_ERROR", "weak-key"),
        (
            "CERTIFICATE_VERIFY_FAILED",
            "chain-untrusted",
            "chain-incomplete",
            "issuer-key-mismatch",
            "certificate-expired",
            "usage-not-server",
            "presented-certificate-differs",
            "server-name-unknown",
        ),
        ("signed by unknown authority", "chain-untrusted", "chain-incomplete"),
        ("certificate verify failed", "chain-untrusted", "name-mismatch", "certificate-expired"),
        ("WRONG_VERSION_NUMBER", "server-plaintext"),
        ("first record does not look like a TLS handshake", "server-requires-tls"),
        ("PROTOCOL_VERSION", "tls-version"),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "client-certificate-rejected", "key-unsupported"),
        ("UNSUPPORTED_PROTOCOL", "tls-version"),
        (
            "HANDSHAKE_FAILURE",
            "tls-cipher",
            "weak-key",
            "client-certificate-required",
            "tls-failed",
        ),
        ("NO_APPLICATION_PROTOCOL", "alpn-not-h2"),
        ("missing selected ALPN property", "alpn-not-h2"),
        (
            "Received http2 header with status: 400",  # nginx without a certificate that it accepts
            "front-end-answered",
            "client-certificate-required",
            "client-certificate-rejected",
        ),
        ("Received http2 header with status", "front-end-answered", "server-name-unknown"),
        ("No status received", "not-milvus"),
        *((words, "front-end-answered", "server-not-ready") for words in ENVOY_UPSTREAM),
        *((words, "front-end-answered", "authentication-failed") for words in ENVOY_LOGIN),
        ("Failed parsing HTTP/2", "not-milvus", "alpn-not-h2"),
        ("Data frame with END_STREAM flag received", "not-milvus"),
        ("GOAWAY received", "server-not-ready", "backend-closed"),
        ("HTTP proxy returned response code", "proxy-failed"),
        ("auth check failure", "authentication-failed", "authentication-required"),
        ("UNAUTHENTICATED", "authentication-failed", "authentication-required"),
        ("PERMISSION_DENIED", "authentication-failed", "authentication-required"),
        ("database not found", "database-missing"),
        ("DNS resolution failed", "dns-failed"),
        ("Domain name not found", "dns-failed"),
        ("Connection refused", "tcp-refused"),
        ("No route to host", "tcp-unreachable"),
        ("Network is unreachable", "tcp-unreachable"),
        ("TSI_DATA_CORRUPTED", "client-certificate-required", "client-certificate-rejected"),
        (
            "Socket closed",
            "server-requires-tls",
            "client-certificate-required",
            "client-certificate-rejected",
            "backend-closed",
        ),
        (
            "Connection reset",
            "client-certificate-required",
            "client-certificate-rejected",
            "server-requires-tls",
            "backend-closed",
        ),
        ("UNIMPLEMENTED", "not-milvus"),
        ("FileNotFoundError", "file-missing"),
        ("No such file or directory", "file-missing"),
        ("PermissionError", "file-unreadable"),
    )
)


USUAL = (
    "tcp-refused",
    "tcp-timeout",
    "server-plaintext",
    "server-requires-tls",
    "chain-untrusted",
    "name-mismatch",
    "client-certificate-required",
    "client-certificate-rejected",
    "authentication-failed",
    "server-not-ready",
)
