"""The codes of a report, for tests to compare."""

from __future__ import annotations

from milvus_secure.reporting.report import Report


def cause(report: Report) -> str | None:
    return report.root_cause.code if report.root_cause else None


def codes(report: Report) -> set[str]:
    return {finding.code for finding in (*report.errors, *report.warnings)}


def errors(report: Report) -> list[str]:
    return [finding.code for finding in report.errors]


def warned(report: Report) -> list[str]:
    return [finding.code for finding in report.warnings]
