"""Reports as people read them: the cause first, 80 columns, no colour needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Report


def render_report(report: Report) -> str:
    """The report as text of at most 80 columns."""
    return "\n".join(f"{f.severity} {f.code}: {f.message} {f.remedy}" for f in report.findings)
