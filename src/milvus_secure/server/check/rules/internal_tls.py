"""What concerns the server's own side alone: its components' TLS, and its container's user."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ....reporting.report import Finding, finding
from ....verification.hostname import GrpcNameRules, matches, presented
from ..milvus.milvus_config import PATH_KEYS
from ..server_context import ServerContext

_SNI = "internaltls.sni"


def internal_name(context: ServerContext) -> Iterator[Finding]:
    """``internaltls.sni`` is not a name in the certificate that the components present."""
    served = context.material.get("internal_pem")
    if served is None or not served.certificates or not context.config.knows(_SNI):
        return
    names, sni = presented(served.certificates[0]), context.config.value(_SNI)
    # Where a subjectAltName is there, gRPC's newer rules are Go's (crypto/x509 VerifyHostname).
    if sni and (names.dns or names.ips) and matches(names, sni, GrpcNameRules.HOST_NAME):
        return
    yield finding(
        "server-internal-name",
        "Milvus's components refuse each other, because internaltls.sni is not a name in their "
        "certificate.",
        "Set internaltls.sni to a name in the certificate.",
        setting=_SNI,
        source=context.config.source_of(_SNI),
        origin=served.origin,
        expected=" or ".join(names.dns[:4]) or "a certificate with a DNS name",
        presented=sni or "not set",
    )


def file_forbidden(context: ServerContext) -> Iterator[Finding]:
    """A file that the container's user may not read, by its permission bits."""
    user = context.config.user
    for slot, (mode, owner) in context.permissions.items():
        if not user or mode & (0o400 if owner == user else 0o044):
            continue
        key = PATH_KEYS[slot]
        name = context.material[slot].origin.removeprefix("file:")
        yield finding(
            "server-file-forbidden",
            f"The container runs as user {user}, which is not allowed to read the file of {key}.",
            f"Make it the owner: chown {user} {shlex.quote(name)}",
            setting=key,
            source=context.config.source_of(key),
            origin=f"file:{name}",
            expected=f"readable for user {user}",
            presented=f"mode {mode:04o}, owner {owner}",
        )
    for slot, file in context.located.items():
        if file.mount is None or file.mount.mode is None:
            continue
        key, origin = PATH_KEYS[slot], file.mount.origin
        yield context.finding(
            "server-file-forbidden",
            f"{context.config.name} runs as user {user}, which is not allowed to read {origin}.",
            "Set fsGroup in the securityContext of the pod, or defaultMode: 0440 in the volume.",
            setting=key,
            expected=f"readable for user {user}",
            presented=f"mode {file.mount.mode:04o}, owner 0",
        )
