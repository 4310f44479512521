"""The rules about a server's configuration, one pure function per code."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from ..._common.tls_mode import TLSMode
from ...diagnosis.rules.rule import RuleOf
from ...pem.certificate import public_key
from ...pem.material import Material
from ...reporting.catalogue import CATALOGUE
from ...reporting.report import Finding, Severity, finding
from .internal_tls import file_forbidden, internal_name
from .server_context import PATH_KEYS, ServerContext

ServerRule = RuleOf[ServerContext]

_MODE = "common.security.tlsMode"
_REST = "proxy.http.port"
# The first release whose gRPC and RESTful listeners cannot share a port under TLS.
_SEPARATE_SINCE = (2, 4)


def config_missing(context: ServerContext) -> Iterator[Finding]:
    """A configuration file is mounted that is not there."""
    for path in context.side.absent:
        yield finding(
            "server-config-missing",
            f"The configuration {path} is mounted and does not exist; Docker would make a "
            "directory of that name.",
            "Write it: milvus-secure server config --certs DIR --out "
            f"{shlex.quote(str(context.side.path.parent))}",
            setting="volumes",
            source=context.side.path.name,
            origin=f"file:{path}",
        )


def tls_mode_invalid(context: ServerContext) -> Iterator[Finding]:
    """tlsMode is none of 0, 1 and 2."""
    side = context.side
    if side.tls_mode is None:
        yield finding(
            "server-tls-mode-invalid",
            "common.security.tlsMode is none of 0, 1 and 2.",
            "Set it to 1 for one-way or 2 for mutual TLS.",
            setting=_MODE,
            source=side.source_of(_MODE),
            origin=f"file:{side.path}",
            expected="0, 1 or 2",
            presented=ascii(side.value(_MODE))[:60],
        )


def tls_off(context: ServerContext) -> Iterator[Finding]:
    """The server speaks plaintext."""
    side = context.side
    if context.mode is TLSMode.PLAINTEXT:
        yield finding(
            "server-tls-off",
            "This server speaks plaintext: common.security.tlsMode is 0.",
            "Set it to 1 for one-way or 2 for mutual TLS if clients are to use TLS.",
            setting=_MODE,
            source=side.source_of(_MODE),
            origin=f"file:{side.path}",
        )


def tls_incomplete(context: ServerContext) -> Iterator[Finding]:
    """A file that the mode needs is not named."""
    side = context.side
    for slot, path in context.named.items():
        key = PATH_KEYS[slot]
        if not path:
            asks = "Internal TLS" if slot == "internal_pem" else f"tlsMode {context.mode.number}"
            yield finding(
                "server-tls-incomplete",
                f"{asks} needs {key}, which is not set.",
                f"Set {key} in {side.path.name}.",
                setting=key,
                source=side.source_of(key),
                origin=f"file:{side.path}",
            )


def path_unmounted(context: ServerContext) -> Iterator[Finding]:
    """A path of the container that no mount provides."""
    side = context.side
    if side.mounts is None:
        return
    for slot, path in context.named.items():
        key = PATH_KEYS[slot]
        if path and side.mount_of(path) is None:
            targets = ", ".join(str(mount.target) for mount in side.mounts) or "none"
            yield finding(
                "server-path-unmounted",
                f"{key} names {path}, which nothing mounts into the container.",
                f"Mount the folder of the certificates at {path.rpartition('/')[0] or '/'}.",
                setting=key,
                source=side.source_of(key),
                origin=f"file:{side.path}",
                expected=f"a mount at or above {path}",
                presented=targets,
            )


def rest_port_shared(context: ServerContext) -> Iterator[Finding]:
    """gRPC and the RESTful API share a port, which TLS forbids (milvus#46312)."""
    side = context.side
    if context.mode is TLSMode.PLAINTEXT or side.value("proxy.http.enabled") == "false":
        return
    port = side.value(_REST)
    if port and port != (side.value("proxy.port") or "19530"):
        return
    tolerated = side.version is not None and side.version < _SEPARATE_SINCE
    yield finding(
        "server-rest-port-shared",
        "The RESTful API would share the gRPC port, which stops Milvus once TLS is on.",
        "Set proxy.http.port to a port of its own, such as 8080, or proxy.http.enabled to false.",
        severity=Severity.WARNING if tolerated else None,
        setting=_REST,
        source=side.source_of(_REST),
        origin=f"file:{side.path}",
        expected="a port other than the gRPC port",
        presented=port or "not set",
    )


def env_ignored(context: ServerContext) -> Iterator[Finding]:
    """A variable that looks like Milvus's but that Milvus does not read."""
    meant = {
        "".join(filter(str.isalnum, key)).lower(): key
        for key in (_MODE, "tlsMode", *PATH_KEYS.values())
    }
    for name, located in context.side.environment.items():
        plain = "".join(filter(str.isalnum, name.removeprefix("MILVUS_"))).lower()
        key = meant.get(plain)
        if key is None or name.startswith("MILVUS_CONF_"):
            continue
        full = _MODE if key == "tlsMode" else key
        right = full.replace(".", "_").upper()
        if name == right:
            continue
        yield finding(
            "server-env-ignored",
            f"Milvus does not read the variable {name}.",
            f"Name it {right}.",
            setting=full,
            source=f"{context.side.path.name}:{located.line or '?'}",
            origin=f"file:{context.side.path}",
            expected=right,
            presented=name,
        )


def key_ignored(context: ServerContext) -> Iterator[Finding]:
    """A key that stands where nothing reads it."""
    side = context.side
    place = 'extraConfigFiles."user.yaml"' if side.kind == "Helm values" else "spec.config"
    for key, located in side.ignored.items():
        yield finding(
            "server-key-ignored",
            f"{key} has no effect here: {side.kind} pass on {place} alone.",
            f"Move it into {place}.",
            severity=None if context.mode is TLSMode.PLAINTEXT else Severity.WARNING,
            setting=key,
            source=f"{side.path.name}:{located.line}",
            origin=f"file:{side.path}",
        )


def file_faults(code: str) -> ServerRule:
    """The rule for one way in which a certificate file cannot be used."""

    def judge(context: ServerContext) -> Iterator[Finding]:
        for one in context.material.values():
            if one.fault is not None and one.fault.code == code:
                yield finding(
                    code,
                    f"{one.setting} does not give what Milvus needs: {CATALOGUE[code].title}.",
                    _put_right(context, one),
                    setting=one.setting,
                    source=one.source,
                    origin=one.origin,
                    presented=one.fault.detail or None,
                )

    return ServerRule(code, judge, subjects=tuple(PATH_KEYS))


def _put_right(context: ServerContext, material: Material) -> str:
    if material.fault is None or material.fault.code != "file-missing":
        name = shlex.quote(material.origin.removeprefix("file:"))
        return f"Put the right file there. To see what this is: milvus-secure certs show {name}"
    if context.side.mounts is None:
        return (
            f"Put it there, or name another one in {material.setting}. If that is a path in a "
            "container, check its Compose file: milvus-secure server check docker-compose.yml"
        )
    return f"Put it there, or name another one in {material.setting}."


def key_mismatch(context: ServerContext) -> Iterator[Finding]:
    """The server's key does not belong to its certificate."""
    pem, key = context.material.get("server_pem"), context.material.get("server_key")
    if pem is None or key is None or not pem.certificates or key.key is None:
        return
    if key.key.public_key() != public_key(pem.certificates[0]):
        yield finding(
            "key-mismatch",
            "The server's key does not belong to its certificate.",
            "Give the key that server.pem was made with, or reissue both: "
            "milvus-secure certs renew DIR",
            setting=key.setting,
            source=key.source,
            origin=key.origin,
            expected=f"the key of {pem.origin.removeprefix('file:')}",
        )


_FAULTS = (
    "file-missing",
    "file-not-regular",
    "file-unreadable",
    "file-empty",
    "file-too-large",
    "file-not-pem",
    "pem-malformed",
    "pem-wrong-type",
    "key-encrypted",
    "key-unsupported",
)

RULES: Final[tuple[ServerRule, ...]] = (
    ServerRule("server-config-missing", config_missing),
    ServerRule("server-tls-mode-invalid", tls_mode_invalid),
    ServerRule("server-tls-off", tls_off, needs=("tls_mode",)),
    ServerRule("server-tls-incomplete", tls_incomplete, needs=("tls_mode",)),
    ServerRule("server-path-unmounted", path_unmounted, needs=("tls_mode",)),
    ServerRule("server-rest-port-shared", rest_port_shared, needs=("tls_mode",)),
    ServerRule("server-internal-name", internal_name, needs=("internal_pem",)),
    ServerRule("server-file-forbidden", file_forbidden),
    ServerRule("server-env-ignored", env_ignored),
    ServerRule("server-key-ignored", key_ignored),
    *map(file_faults, _FAULTS),
    ServerRule("key-mismatch", key_mismatch, needs=("server_pem", "server_key")),
)
