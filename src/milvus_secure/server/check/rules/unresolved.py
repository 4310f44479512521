"""Rules about what a configuration refers to and this machine does not have."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from ....reporting.report import Finding, Severity, finding
from ..milvus.container import NotJudged
from ..server_context import ServerContext


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


def config_missing(context: ServerContext) -> Iterator[Finding]:
    """A configuration file is mounted that does not exist."""
    for path in context.config.absent:
        yield finding(
            "server-config-missing",
            f"{path} is mounted as Milvus's configuration, but it does not exist. "
            "Docker would create a directory with that name.",
            "Write it.",
            setting="volumes",
            source=context.config.path.name,
            origin=f"file:{path}",
            command="milvus-secure server config --certs DIR --out "
            f"{shlex.quote(str(context.config.path.parent))}",
        )
