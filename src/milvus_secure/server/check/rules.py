"""The rules about a server's configuration: the mode, the ports and the whole registry."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..._common.tls_mode import TLSMode
from ...diagnosis.rules.rule import RuleOf
from ...reporting.report import Finding, Severity, finding
from .container import NotJudged
from .file_rules import FILE_RULES
from .go_scalars import atoi
from .ignored_rules import env_ignored, file_unread, key_conflict, key_ignored, key_repeated
from .internal_tls import file_forbidden, internal_name
from .milvus_config import MODE, PATH_KEYS, MilvusConfig, Setting
from .path_rules import known_public_key, path_blank, path_unmounted, tls_incomplete
from .server_context import ServerContext

ServerRule = RuleOf[ServerContext]

_PORT: Final = "proxy.port"
_REST: Final = "proxy.http.port"
_REST_ENABLED: Final = "proxy.http.enabled"
# The first release whose gRPC and RESTful listeners cannot share a port under TLS.
_SEPARATE_SINCE: Final = (2, 4)


def unresolved(item: NotJudged, path: Path, severity: Severity | None = None) -> Finding:
    """What cannot be resolved on this machine, as a finding.

    Args:
        item: What is not judged, and why.
        path: The file that was given.
        severity: The catalogue's if None.
    """
    return finding(
        "server-not-judged",
        f"Not judged: {item.what}, because {item.why}.",
        item.fix,
        severity=severity,
        source=item.source,
        origin=f"file:{path}",
    )


def not_judged(context: ServerContext) -> Iterator[Finding]:
    """What the file refers to and this machine does not have."""
    severity = None if context.config.tls_mode is None else Severity.INFO
    for item in context.config.not_judged:
        yield unresolved(item, context.config.path, severity)


def mode_unknown(context: ServerContext) -> Iterator[Finding]:
    """tlsMode itself is set from an object that is not in the input."""
    setting = context.config.setting(MODE)
    if setting.value is None and not context.config.not_judged:
        yield context.finding(
            "server-not-judged",
            f"Not judged: the mode of {context.config.name or 'the server'}, because {MODE} is "
            f"set from {setting.source}, whose value is not in the input.",
            "Write the value as text, or add the object that contains it to the same input.",
            setting=MODE,
            source=setting.source,
        )


def config_missing(context: ServerContext) -> Iterator[Finding]:
    """A configuration file is mounted that does not exist."""
    for path in context.config.absent:
        yield finding(
            "server-config-missing",
            f"{path} is mounted as Milvus's configuration, but it does not exist. Docker would "
            "create "
            "a directory with that name.",
            "Write it.",
            setting="volumes",
            source=context.config.path.name,
            origin=f"file:{path}",
            command="milvus-secure server config --certs DIR --out "
            f"{shlex.quote(str(context.config.path.parent))}",
        )


def tls_mode_invalid(context: ServerContext) -> Iterator[Finding]:
    """tlsMode is a value that Milvus takes for 0."""
    config = context.config
    value = config.value(MODE)
    if value and (str(atoi(value)) not in {"0", "1", "2"} or (atoi(value) == 0 and value != "0")):
        blanks = value.strip() != value and value.strip() in {"1", "2"}
        yield context.finding(
            "server-tls-mode-invalid",
            f"{MODE} is {ascii(value)[:40]}, so Milvus runs in plaintext: it reads a number "
            f"{'without blanks' if blanks else 'of 0, 1 or 2'} and reads anything else as 0.",
            f"Set {MODE} to 1 for one-way TLS or to 2 for mutual TLS.",
            setting=MODE,
            expected="0, 1 or 2",
            presented=ascii(value)[:60],
        )


def tls_off(context: ServerContext) -> Iterator[Finding]:
    """The server runs in plaintext."""
    config = context.config
    if context.mode is not TLSMode.PLAINTEXT:
        return
    mode = config.setting(MODE)
    value = ascii(mode.value)[:40] if mode.value else "not set"
    text = f"{config.name or 'This server'} runs in plaintext: {MODE} is {value}."
    named = None if mode.layer in {"file", "environment"} else _certificate_named(config)
    if named is not None:
        text += f" {named.key} alone does not turn TLS on."
    yield context.finding(
        "server-tls-off",
        text,
        f"If clients are to use TLS, set {MODE} to 1 (one-way) or 2 (mutual).",
        severity=None if named is None else Severity.WARNING,
        setting=MODE,
        source=mode.source if named is None else named.source,
    )


def _certificate_named(config: MilvusConfig) -> Setting | None:
    """The certificate that someone configured, where it is not the release's own example."""
    setting = config.setting(PATH_KEYS["server_pem"])
    usual = setting.value in {"", None, "configs/cert/server.pem"}
    return None if usual or setting.layer not in {"file", "environment"} else setting


def port_invalid(context: ServerContext) -> Iterator[Finding]:
    """The port of gRPC is no number, so that Milvus takes any free one.

    Kubernetes sets ``PROXY_PORT=tcp://…`` in every pod beside a Service that is called proxy.
    Milvus ``internal/distributed/proxy/service.go``; booted: "listen on tcp", port 0.
    """
    config = context.config
    port = config.value(_PORT)
    if not port or atoi(port):
        return
    linked = port.startswith("tcp://")
    yield context.finding(
        "server-port-invalid",
        f"{_PORT} is {ascii(port)[:40]}, which is not a port, so Milvus listens on a random port "
        "that clients do not know.",
        "Rename that Service, or set enableServiceLinks: false in the pod's spec."
        if linked
        else f"Set {_PORT} to a number, such as 19530.",
        setting=_PORT,
        expected="a number from 1 to 65535",
        presented=ascii(port)[:60],
    )


def rest_port_shared(context: ServerContext) -> Iterator[Finding]:
    """gRPC and the RESTful API share a port, which TLS forbids (milvus#46312)."""
    config = context.config
    known = all(map(config.knows, (_REST, _REST_ENABLED, _PORT)))
    if context.mode is TLSMode.PLAINTEXT or not known or not config.flag(_REST_ENABLED):
        return
    port = config.value(_REST)
    if port and atoi(port) != atoi(config.value(_PORT)):
        return
    tolerated = config.release is not None and config.release < _SEPARATE_SINCE
    presented = port or "not set"
    yield context.finding(
        "server-rest-port-shared",
        f"The RESTful API shares the gRPC port, because {_REST} is {presented}. "
        "With TLS, Milvus does not start with a shared port.",
        f"Set {_REST} to another port, such as 8080, or {_REST_ENABLED} to false.",
        severity=Severity.WARNING if tolerated else None,
        setting=_REST,
        expected="a port other than the gRPC port",
        presented=presented,
    )


RULES: Final[tuple[ServerRule, ...]] = (
    ServerRule("server-not-judged", not_judged),
    ServerRule("server-not-judged", mode_unknown),
    ServerRule("server-config-missing", config_missing),
    ServerRule("server-key-conflict", key_conflict),
    ServerRule("server-key-repeated", key_repeated),
    ServerRule("server-tls-mode-invalid", tls_mode_invalid, needs=("tls_mode",)),
    ServerRule("server-tls-off", tls_off, needs=("tls_mode",)),
    ServerRule(
        "server-tls-incomplete",
        tls_incomplete,
        needs=("tls_mode",),
        subjects=("tls", "internal_tls"),
    ),
    ServerRule("server-path-unmounted", path_unmounted, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("known-public-key", known_public_key, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("file-missing", path_blank, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("server-port-invalid", port_invalid),
    ServerRule("server-rest-port-shared", rest_port_shared, needs=("tls_mode",), subjects=("tls",)),
    ServerRule("server-internal-name", internal_name, needs=("internal_pem",)),
    ServerRule("server-file-forbidden", file_forbidden, subjects=("paths",)),
    ServerRule("server-config-unread", file_unread, needs=("tls_mode",)),
    ServerRule("server-env-ignored", env_ignored, needs=("tls_mode",)),
    ServerRule("server-key-ignored", key_ignored, needs=("tls_mode",)),
    *FILE_RULES,
)
