"""A report about a server's configuration, with or without a client at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .. import checks
from ..context import Context
from ..report import Finding, Report, ranked
from ..settings import MilvusSettings
from .both_ends import judge_both
from .context import PATH_KEYS, ServerContext, server_context
from .model import ServerSide
from .reading import read_server
from .rules import RULES

# What can be said of a server's certificate without knowing its clients: the rules about a
# certificate that a client pins, but for those about pinning and names.
_OF_ANY_SERVER = frozenset({
    "certificate-expired", "certificate-not-yet-valid", "certificate-expiring",
    "usage-not-server", "weak-key", "weak-signature", "known-public-key",
})  # fmt: skip


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
    findings, skipped = checks.run(context, RULES)
    findings += _certificate_findings(context)
    if client is None:
        return Report(context.mode, ranked(findings), skipped, _shown(side))
    both = judge_both(client, context)
    return replace(
        both,
        findings=ranked([*findings, *both.findings]),
        skipped=(*skipped, *both.skipped),
        settings={**both.settings, **_shown(side)},
    )


def _certificate_findings(context: ServerContext) -> list[Finding]:
    """What a client that pins the server's certificate would be told of it."""
    served = context.material.get("server_pem")
    if served is None or not served.certificates:
        return []
    settings = MilvusSettings(
        environ={}, env_file=None, server_pem_path=served.origin.removeprefix("file:")
    )
    seen = Context(settings, {"server_pem": replace(served, setting="server_pem_path")})
    rules = [rule for rule in checks.OFFLINE if rule.code in _OF_ANY_SERVER]
    found, _ = checks.run(seen, rules)
    key = PATH_KEYS["server_pem"]
    return [replace(one, setting=key, source=context.side.source_of(key)) for one in found]


def _shown(side: ServerSide) -> Mapping[str, Mapping[str, str]]:
    keys = ("common.security.tlsMode", *PATH_KEYS.values(), "proxy.http.port")
    shown = {"server": {"value": str(side.path), "source": side.kind}}
    return shown | {key: {"value": side.value(key), "source": side.source_of(key)} for key in keys}
