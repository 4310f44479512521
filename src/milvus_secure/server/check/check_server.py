"""A report about a server's configuration, with or without a client's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..._common.tls_mode import TLSMode
from ...client.settings import MilvusSettings
from ...diagnosis import rules as checks
from ...diagnosis.context import Context
from ...diagnosis.rules.trust_remedies import server_remedy
from ...pem.certificate import self_issued
from ...reporting.report import Finding, Report, Severity, finding, ranked
from ...verification.extensions import grpc_failures
from .milvus.milvus_config import MODE, PATH_KEYS, MilvusConfig
from .read_server import ServerFile, read_servers
from .rules import RULES
from .rules.unresolved import unresolved
from .server_context import ServerContext, server_context
from .with_client import judge_both
from .yaml.reading import STANDARD_INPUT, shown_path

_STRENGTH = (TLSMode.PLAINTEXT, TLSMode.AUTO, TLSMode.ONE_WAY, TLSMode.MUTUAL)
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


def check_server(
    path: Path,
    client: MilvusSettings | None = None,
    mounts: Sequence[tuple[Path, PurePosixPath]] = (),
) -> Report:
    """Judge a server's configuration.

    Args:
        path: A milvus.yaml, Compose file, Kubernetes manifests, Helm values or a resource of the
            Operator; ``-`` for standard input.
        client: Settings of a client that is to connect; both ends are then judged together.
        mounts: For a milvus.yaml, what is mounted into its container (Docker's ``-v``): paths of
            this machine and of the container.

    Returns:
        The report. Its mode and settings are the server's unless a client is given; the mode is
        ``auto`` where the server's cannot be known.

    Raises:
        MilvusSecureError: If the file cannot be read or is no configuration of Milvus.
    """
    [report] = check_servers([path], client, mounts)
    return report


def check_servers(
    paths: Sequence[Path],
    client: MilvusSettings | None = None,
    mounts: Sequence[tuple[Path, PurePosixPath]] = (),
) -> list[Report]:
    """Judge several files as `check_server` does; Kubernetes manifests count as one input.

    Raises:
        MilvusSecureError: If one cannot be read or is no configuration of Milvus.
    """
    return [_check(file, client) for file in read_servers(paths, mounts)]


def _check(file: ServerFile, client: MilvusSettings | None) -> Report:
    reports = [_judge(server_context(config), client) for config in file.configs]
    return _merged(file, reports or [Report(TLSMode.AUTO, settings=_shown_file(file))])


def _merged(file: ServerFile, reports: Sequence[Report]) -> Report:
    """One report on a file: the mode of its weakest server, and what all of them have."""
    weakest = min(reports, key=lambda report: _STRENGTH.index(report.mode))
    findings = [*file.findings, *(unresolved(item, file.path) for item in file.not_judged)]
    codes = [item.code for item in findings]
    findings += [item for report in reports for item in report.findings]
    return replace(
        weakest,
        findings=ranked(list(map(_with_standard_input, findings))),
        skipped=tuple(dict.fromkeys(skip for report in reports for skip in report.skipped)),
        judged=tuple(
            dict.fromkeys((*codes, *(code for report in reports for code in report.judged)))
        ),
    )


def _with_standard_input(item: Finding) -> Finding:
    """A finding whose origin is called standard input where it would be the file ``-``."""
    is_piped = item.origin == f"file:{STANDARD_INPUT}"
    return replace(item, origin=shown_path(STANDARD_INPUT)) if is_piped else item


def _judge(context: ServerContext, client: MilvusSettings | None) -> Report:
    outcome = checks.run(context, RULES)
    certificate, judged = _certificate_findings(context)
    judged = tuple(dict.fromkeys((*outcome.judged, *judged)))
    if client is None or context.config.tls_mode is None:
        return Report(
            context.mode,
            (*outcome.findings, *certificate),
            outcome.skipped,
            _shown(context.config),
            judged=judged,
        )
    joint = judge_both(client, context)
    # Whether the certificate is refused is this client's word alone: it may pin it.
    reported = {(finding.code, finding.origin) for finding in joint.findings}
    warned = [
        finding
        for finding in certificate
        if finding.severity is not Severity.ERROR and (finding.code, finding.origin) not in reported
    ]
    return replace(
        joint,
        findings=(*outcome.findings, *warned, *joint.findings),
        skipped=(*outcome.skipped, *joint.skipped),
        judged=tuple(dict.fromkeys((*judged, *joint.judged))),
        settings={**joint.settings, **_shown(context.config)},
    )


def _certificate_findings(context: ServerContext) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings of every client about the server's certificate, and the codes judged.

    Refused is what a client refuses that trusts the CA; only a self-signed certificate must be
    pinned, and then its usages do not count. What is but a warning is the same for both.
    """
    served = context.material.get("server_pem")
    if served is None or not served.certificates:
        return [], ()
    key, leaf = PATH_KEYS["server_pem"], served.certificates[0]
    source = context.config.source_of(key)
    refused = [
        finding(
            grpc_failure.code,
            grpc_failure.message,
            server_remedy(grpc_failure).text,
            command=server_remedy(grpc_failure).command,
            severity=Severity.ERROR,
            setting=key,
            source=source,
            origin=served.origin,
            expected=grpc_failure.expected,
            presented=grpc_failure.presented,
        )
        for grpc_failure in grpc_failures((leaf,), 0 if self_issued(leaf) else None, context.now)
        if grpc_failure.code in _OF_ANY_SERVER
    ]
    settings = MilvusSettings.from_arguments(server_pem_path=served.origin.removeprefix("file:"))
    client = Context(settings, {"server_pem": replace(served, setting="server_pem_path")})
    rules = [rule for rule in checks.OFFLINE if rule.code in _OF_ANY_SERVER]
    outcome = checks.run(client, rules)
    codes = {item.code for item in refused}
    warned = [
        replace(item, setting=key, source=source)
        for item in outcome.findings
        if item.code not in codes
    ]
    return refused + warned, tuple(dict.fromkeys((*codes, *outcome.judged)))


def _shown(config: MilvusConfig) -> Mapping[str, Mapping[str, str]]:
    keys = (MODE, *PATH_KEYS.values(), "proxy.http.port")
    name = f" ({config.name})" if config.name else ""
    shown = {"server": {"value": f"{shown_path(config.path)}{name}", "source": config.kind}}
    return shown | {
        key: {"value": config.value(key), "source": config.source_of(key)} for key in keys
    }


def _shown_file(file: ServerFile) -> Mapping[str, Mapping[str, str]]:
    return {"server": {"value": shown_path(file.path), "source": file.kind.value}}
