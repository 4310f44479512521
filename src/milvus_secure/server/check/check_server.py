"""A report about a server's configuration, with or without a client at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...client.settings import MilvusSettings
from ...diagnosis import rules as checks
from ...diagnosis.context import Context
from ...diagnosis.rules.trust import server_remedy
from ...pem.certificate import self_issued
from ...reporting.report import Finding, Report, Severity, finding, ranked
from ...verification.extensions import grpc_failures
from .model import ServerSide
from .reading import read_server
from .rules import RULES
from .server_context import PATH_KEYS, ServerContext, server_context
from .with_client import judge_both

# What can be said of a server's certificate without knowing its clients.
_OF_ANY_SERVER = frozenset(
    {
        "certificate-expired",
        "certificate-not-yet-valid",
        "certificate-expiring",
        "usage-not-server",
        "weak-key",
        "weak-signature",
        "known-public-key",
    }
)


def check_server(path: Path, client: MilvusSettings | None = None) -> Report:
    """Judge a milvus.yaml, Compose file, Helm values or Operator resource.

    Args:
        path: The file.
        client: Settings of a client that is to connect; both ends are then judged together.

    Returns:
        The report. Its mode and settings are the server's unless a client is given.

    Raises:
        MilvusSecureError: If the file cannot be read or is no configuration of Milvus.
    """
    side = read_server(path)
    context = server_context(side)
    outcome = checks.run(context, RULES)
    certificate, judged = _certificate_findings(context)
    judged = tuple(dict.fromkeys((*outcome.judged, *judged)))
    if client is None:
        return Report(
            context.mode,
            ranked([*outcome.findings, *certificate]),
            outcome.skipped,
            _shown(side),
            judged=judged,
        )
    both = judge_both(client, context)
    # Whether the certificate is refused is this client's word alone: it may pin it.
    told = {(one.code, one.origin) for one in both.findings}
    findings = [
        *outcome.findings,
        *(
            one
            for one in certificate
            if one.severity is not Severity.ERROR and (one.code, one.origin) not in told
        ),
    ]
    return replace(
        both,
        findings=ranked([*findings, *both.findings]),
        skipped=(*outcome.skipped, *both.skipped),
        judged=tuple(dict.fromkeys((*judged, *both.judged))),
        settings={**both.settings, **_shown(side)},
    )


def _certificate_findings(context: ServerContext) -> tuple[list[Finding], tuple[str, ...]]:
    """What every client of the server would be told of its certificate, and the codes judged.

    Refused is what a client refuses that trusts the CA; only a self-signed certificate must be
    pinned, and then its usages do not count. What is but a warning is the same for both.
    """
    served = context.material.get("server_pem")
    if served is None or not served.certificates:
        return [], ()
    key, leaf = PATH_KEYS["server_pem"], served.certificates[0]
    source = context.side.source_of(key)
    refused = [
        finding(
            one.code,
            one.message,
            server_remedy(one),
            severity=Severity.ERROR,
            setting=key,
            source=source,
            origin=served.origin,
            expected=one.expected,
            presented=one.presented,
        )
        for one in grpc_failures((leaf,), 0 if self_issued(leaf) else None, context.now)
        if one.code in _OF_ANY_SERVER
    ]
    settings = MilvusSettings.from_arguments(server_pem_path=served.origin.removeprefix("file:"))
    seen = Context(settings, {"server_pem": replace(served, setting="server_pem_path")})
    rules = [rule for rule in checks.OFFLINE if rule.code in _OF_ANY_SERVER]
    outcome = checks.run(seen, rules)
    codes = {one.code for one in refused}
    warned = [
        replace(one, setting=key, source=source)
        for one in outcome.findings
        if one.code not in codes
    ]
    return refused + warned, tuple(dict.fromkeys((*codes, *outcome.judged)))


def _shown(side: ServerSide) -> Mapping[str, Mapping[str, str]]:
    keys = ("common.security.tlsMode", *PATH_KEYS.values(), "proxy.http.port")
    shown = {"server": {"value": str(side.path), "source": side.kind}}
    return shown | {key: {"value": side.value(key), "source": side.source_of(key)} for key in keys}
