"""What the client says in the log: the logger is ``milvus_secure``."""

from __future__ import annotations

import logging

from ..reporting.report import Finding, Severity

LOG = logging.getLogger("milvus_secure")
_LEVELS = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.INFO: logging.INFO,
}


def log(finding: Finding) -> None:
    """Log a finding in one line."""
    fix = " ".join(filter(None, (finding.remedy, finding.command)))
    LOG.log(_LEVELS[finding.severity], "%s: %s Fix: %s", finding.code, finding.message, fix)
