"""Every finding code, its area and severity, in the order that decides the root cause.

Codes are permanent and mean one thing each. The order is the ranking: of two errors, the one
that comes first here is the one to fix first, so a generic code never hides a specific one.
Severity is the usual one; a rule lowers or raises it where the real peer judges otherwise.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One code of the catalogue."""

    code: str
    area: str
    severity: str
    title: str


_ENTRIES: Final = (
    # Settings that could not even be read.
    Entry("config-file-missing", "settings", "error", "the named settings file does not exist"),
    Entry("config-file-malformed", "settings", "error", "the settings file cannot be parsed"),
    Entry("profile-missing", "settings", "error", "the named profile is not in the file"),
    Entry("config-unknown-key", "settings", "error", "the settings file has an unknown key"),
    Entry("value-invalid", "settings", "error", "a setting's value has the wrong type"),
    Entry(
        "inline-and-path",
        "settings",
        "error",
        "a certificate or key is set as text and as path",
    ),
    # Settings that contradict each other or themselves.
    Entry("uri-invalid", "settings", "error", "the URI cannot be used"),
    Entry("ipv6-literal", "settings", "error", "this pymilvus cannot connect to an IPv6 address"),
    Entry(
        "secure-contradiction",
        "settings",
        "error",
        "the settings ask for plaintext and for TLS",
    ),
    Entry("plaintext-not-allowed", "settings", "error", "plaintext without allow_plaintext"),
    Entry(
        "global-cluster-trust",
        "settings",
        "error",
        "this host name makes pymilvus trust public CAs",
    ),
    Entry(
        "client-pair-incomplete",
        "settings",
        "error",
        "the client certificate or its key is missing",
    ),
    Entry("mutual-ca-missing", "settings", "error", "a client certificate without a trust anchor"),
    Entry("tls-mode-conflict", "settings", "error", "tls_mode asks for material that is not set"),
    Entry("server-name-malformed", "settings", "error", "server_name is not a name"),
    # A server's configuration.
    Entry("server-config-missing", "server", "error", "a mounted milvus.yaml does not exist"),
    Entry("server-file-refused", "server", "error", "Docker Compose would refuse the file"),
    Entry("server-manifest-refused", "server", "error", "the cluster would refuse the file"),
    Entry("server-key-conflict", "server", "error", "one key has two values"),
    Entry("server-key-repeated", "server", "error", "a file contains a section twice"),
    Entry("server-tls-mode-invalid", "server", "error", "tlsMode is not 0, 1 or 2"),
    Entry("server-tls-incomplete", "server", "error", "a file that tlsMode needs is not named"),
    Entry("server-path-unmounted", "server", "error", "no mount provides a certificate's path"),
    Entry("server-file-forbidden", "server", "error", "the container's user may not read a file"),
    Entry("server-internal-name", "server", "error", "internaltls.sni is not in the certificate"),
    Entry("server-key-ignored", "server", "error", "Milvus does not read a key at this place"),
    Entry("server-port-invalid", "server", "error", "the gRPC port is not a number"),
    Entry("server-rest-port-shared", "server", "error", "REST and gRPC share a port under TLS"),
    # Files.
    Entry("file-missing", "files", "error", "the file does not exist"),
    Entry("file-not-regular", "files", "error", "the path is not a regular file"),
    Entry("file-unreadable", "files", "error", "the file cannot be read"),
    Entry("file-empty", "files", "error", "the file is empty"),
    Entry("file-too-large", "files", "error", "the file is too large to be PEM material"),
    Entry("file-not-pem", "files", "error", "the file is not PEM"),
    Entry("pem-malformed", "files", "error", "a PEM block cannot be read"),
    Entry("pem-wrong-type", "files", "error", "a key instead of a certificate, or the reverse"),
    Entry("key-password-wrong", "files", "error", "the password does not decrypt the key"),
    Entry("key-encrypted", "files", "error", "the key is encrypted and no password is set"),
    Entry("key-unsupported", "files", "error", "gRPC cannot use a key of this type"),
    Entry("key-mismatch", "files", "error", "the key does not belong to the certificate"),
    Entry("known-public-key", "files", "error", "the key is published in Milvus's examples"),
    # The way to the endpoint.
    Entry("dns-failed", "handshake", "error", "the host name does not resolve"),
    Entry("tcp-refused", "handshake", "error", "no program listens on the port"),
    Entry("tcp-unreachable", "handshake", "error", "no route to the host"),
    Entry("tcp-timeout", "handshake", "error", "the port does not answer"),
    Entry("proxy-failed", "handshake", "error", "the HTTP proxy opens no tunnel to the server"),
    Entry("server-plaintext", "handshake", "error", "the server does not speak TLS"),
    Entry("server-requires-tls", "handshake", "error", "the server accepts only TLS"),
    Entry("server-name-unknown", "handshake", "error", "the endpoint does not serve this name"),
    Entry("tls-version", "handshake", "error", "no common TLS version"),
    Entry("tls-cipher", "handshake", "error", "no common cipher suite"),
    # Trust: whether an anchor issued the chain, then what is wrong with a chain that one issued.
    Entry("chain-order", "trust", "error", "the leaf is not the first certificate"),
    Entry(
        "presented-certificate-differs",
        "handshake",
        "warning",
        "not the pinned certificate",
    ),
    Entry("issuer-key-mismatch", "trust", "error", "the issuer has the right name but another key"),
    Entry("chain-incomplete", "trust", "error", "an intermediate is missing"),
    Entry("chain-untrusted", "trust", "error", "no trust anchor issued the certificate"),
    Entry("shared-subject", "trust", "warning", "CA and leaf have the same subject"),
    Entry("certificate-malformed", "trust", "error", "the peer cannot read a certificate"),
    Entry("issuer-not-ca", "trust", "error", "the issuer is not allowed to sign certificates"),
    Entry("certificate-not-yet-valid", "trust", "error", "the certificate is not valid yet"),
    Entry("certificate-expired", "trust", "error", "the certificate has expired"),
    Entry("weak-key", "trust", "warning", "the key is short, or refused by the peer"),
    Entry("weak-signature", "trust", "warning", "the signature uses a broken hash"),
    Entry("name-constraint", "trust", "error", "a CA in the chain forbids the name"),
    Entry("usage-not-server", "trust", "error", "the certificate is not for servers"),
    Entry("usage-not-client", "trust", "error", "the certificate is not for clients"),
    Entry(
        "client-chain-untrusted", "trust", "warning", "the CA did not issue the client certificate"
    ),
    # Names.
    Entry("name-mismatch", "names", "error", "the certificate is for another name"),
    # The rest of the handshake, and Milvus behind it.
    Entry(
        "client-certificate-required",
        "handshake",
        "error",
        "the server requires a client certificate",
    ),
    Entry(
        "client-certificate-rejected",
        "handshake",
        "error",
        "the server refused our client certificate",
    ),
    Entry("alpn-not-h2", "handshake", "error", "the server does not agree to HTTP/2"),
    Entry("backend-closed", "handshake", "error", "the connection ends after the handshake"),
    Entry("front-end-answered", "handshake", "error", "an HTTP server answers instead of Milvus"),
    Entry("tls-failed", "handshake", "error", "the TLS handshake failed"),
    Entry("not-milvus", "handshake", "error", "the server is not Milvus"),
    Entry("server-not-ready", "handshake", "error", "Milvus is not ready"),
    Entry("authentication-required", "handshake", "error", "the server requires credentials"),
    Entry("authentication-failed", "handshake", "error", "the credentials are wrong"),
    Entry("database-missing", "handshake", "error", "the database does not exist"),
    Entry("internal-error", "settings", "error", "a check of milvus-secure itself failed"),
    # Warnings and information.
    Entry("certificate-expiring", "trust", "warning", "the certificate expires soon"),
    Entry("pinned-leaf", "trust", "warning", "the trust anchor is the server's certificate itself"),
    Entry(
        "client-certificate-not-requested",
        "handshake",
        "warning",
        "our client certificate is not used",
    ),
    Entry("name-cn-only", "names", "warning", "the certificate has no subjectAltName"),
    Entry("name-differs-by-grpc", "names", "warning", "another gRPC release refuses this name"),
    Entry("key-permissions", "files", "warning", "others can read the key"),
    Entry("key-in-trust-file", "files", "warning", "a trust file contains a private key"),
    Entry("pem-trailing-block", "files", "warning", "gRPC ignores a later block"),
    Entry("plaintext-credentials", "settings", "warning", "credentials are sent in plaintext"),
    Entry("server-pem-unused", "settings", "warning", "server_pem_path is not used"),
    Entry("server-name-unused", "settings", "warning", "server_name has no effect"),
    Entry("uri-port-implicit", "settings", "warning", "a bare https URI means port 443"),
    Entry("server-config-unread", "server", "warning", "Milvus does not read a mounted file"),
    Entry(
        "server-variable-unset", "server", "warning", "a variable in a Compose file has no value"
    ),
    Entry("server-env-ignored", "server", "warning", "Milvus does not read the variable"),
    Entry("server-not-judged", "server", "warning", "a part of the configuration is not judged"),
    Entry("pymilvus-variable", "settings", "warning", "`import pymilvus` fails on a variable"),
    Entry(
        "secrets-dir-unused",
        "settings",
        "warning",
        "the secrets directory contains no setting",
    ),
    Entry("env-unknown", "settings", "warning", "a variable's name looks misspelled"),
    Entry("server-tls-off", "server", "info", "the server speaks plaintext"),
    Entry("credentials-unused", "settings", "info", "some of the credentials are not used"),
    Entry(
        "value-cleaned",
        "settings",
        "info",
        "stray characters around a value were removed",
    ),
)

CATALOGUE: Final = {entry.code: entry for entry in _ENTRIES}
_RANK: Final = {entry.code: place for place, entry in enumerate(_ENTRIES)}


def rank(code: str) -> int:
    """The place of a code in the order of root causes; 0 is first."""
    return _RANK[code]
