"""The exceptions a caller may catch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reporting.report import Finding, Report


class MilvusSecureError(Exception):
    """Base of everything this library raises on purpose."""


class SettingsError(MilvusSecureError):
    """The settings could not be loaded.

    Attributes:
        findings: What is wrong, each naming the setting and where its value came from.
    """

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(_told(finding) for finding in findings))

    def __reduce__(self) -> tuple[type[SettingsError], tuple[Finding, ...]]:
        return type(self), self.findings


class SecureConnectionError(MilvusSecureError, ConnectionError):
    """A connection was refused, by the checks before it or by the peer.

    The message is one line: the cause and the fix. The original pymilvus exception, if there
    was one, is the ``__cause__``.

    Attributes:
        report: The whole report; ``print(error.report)`` shows it.
    """

    def __init__(self, report: Report, headline: str | None = None) -> None:
        self.report = report
        if headline is None:
            cause = report.root_cause
            headline = _told(cause) if cause else "The connection failed for an unknown reason."
        super().__init__(headline)

    def __reduce__(self) -> tuple[type[SecureConnectionError], tuple[Report, str]]:
        return type(self), (self.report, str(self))


class CertificateError(MilvusSecureError):
    """A certificate set cannot be made, changed or read as asked; nothing was changed.

    Attributes:
        cause: What stands in the way, one sentence.
        fix: The command or the change that helps.
    """

    def __init__(self, cause: str, fix: str) -> None:
        self.cause = cause
        self.fix = fix
        super().__init__(f"{cause} Fix: {fix}")

    def __reduce__(self) -> tuple[type[CertificateError], tuple[str, str]]:
        return type(self), (self.cause, self.fix)


def _told(finding: Finding) -> str:
    place = f" ({finding.setting} from {finding.source})" if finding.source else ""
    return f"{finding.code}: {finding.message}{place} Fix: {finding.remedy}"
