"""The codes of a report, for tests to compare."""

from __future__ import annotations

import re

from milvus_secure import explain
from milvus_secure.reporting.report import Report, Severity


def cause(report: Report) -> str | None:
    return report.root_cause.code if report.root_cause else None


def codes(report: Report) -> set[str]:
    return {finding.code for finding in (*report.errors, *report.warnings)}


def errors(report: Report) -> list[str]:
    return [finding.code for finding in report.errors]


def warned(report: Report) -> list[str]:
    return [finding.code for finding in report.warnings]


def severities(report: Report) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in report.findings}


def most_likely(error: BaseException) -> str:
    """The code that `explain` calls most likely for a foreign exception."""
    return re.match("Most likely ([a-z0-9-]+),", explain(error))[1]
