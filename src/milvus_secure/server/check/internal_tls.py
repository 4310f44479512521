"""What concerns the server's own side alone: its components' TLS, and its container's user."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ...reporting.report import Finding, finding
from ...verification.hostname import GrpcNameRules, matches, presented
from .server_context import PATH_KEYS, ServerContext

_SNI = "internaltls.sni"


def internal_name(context: ServerContext) -> Iterator[Finding]:
    """``internaltls.sni`` is no name of the certificate the components present."""
    served = context.material.get("internal_pem")
    if served is None or not served.certificates:
        return
    given, wanted = presented(served.certificates[0]), context.side.value(_SNI)
    # Where a subjectAltName is there, gRPC's newer rules are Go's (crypto/x509 VerifyHostname).
    if wanted and (given.dns or given.ips) and matches(given, wanted, GrpcNameRules.HOST_NAME):
        return
    yield finding(
        "server-internal-name",
        "Milvus's components would refuse each other: internaltls.sni is no name of their "
        "certificate.",
        "Set internaltls.sni to a name that the certificate presents.",
        setting=_SNI,
        source=context.side.source_of(_SNI),
        origin=served.origin,
        expected=" or ".join(given.dns[:4]) or "a certificate with a DNS name",
        presented=wanted or "not set",
    )


def file_forbidden(context: ServerContext) -> Iterator[Finding]:
    """A file that the container's user may not read, by its permission bits on this machine."""
    user = context.side.user
    for slot, (mode, owner) in context.permissions.items():
        if not user or mode & (0o400 if owner == user else 0o044):
            continue
        key = PATH_KEYS[slot]
        name = context.material[slot].origin.removeprefix("file:")
        yield finding(
            "server-file-forbidden",
            f"The container runs as user {user}, who may not read {key}.",
            f"Give it the file: chown {user} {shlex.quote(name)}",
            setting=key,
            source=context.side.source_of(key),
            origin=f"file:{name}",
            expected=f"readable for user {user}",
            presented=f"mode {mode:04o}, owner {owner}",
        )
