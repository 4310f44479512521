"""The exceptions a caller may catch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .reporting.report import Finding, Report


class MilvusSecureError(Exception):
    """Base of everything this library raises on purpose.

    The message is one line: the cause, the fix and the command.

    Attributes:
        cause: What is wrong, in one sentence.
        fix: The change that repairs it, in words; empty if there is none.
        command: A line for a POSIX shell that carries out the fix, or None.
    """

    def __init__(self, cause: str, fix: str = "", command: str | None = None) -> None:
        self.cause = cause
        self.fix = fix
        self.command = command
        super().__init__(_one_line(cause, fix, command))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cause, self.fix, self.command)

    def text(self, width: int | None = None) -> str:
        """The error as text, one line per field.

        Args:
            width: Columns to wrap at, for a terminal; None wraps nothing.
        """
        from .reporting.layout import error_text  # noqa: PLC0415 - only for an error

        return error_text(self.cause, self.fix, self.command, width)

    def _render_traceback_(self) -> list[str]:
        """What IPython and Jupyter show of an uncaught error, in place of the traceback."""
        return [f"{type(self).__name__}:", self.text()]


class SettingsError(MilvusSecureError):
    """The settings could not be loaded.

    Attributes:
        findings: What is wrong, each naming the setting and where its value came from.
    """

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        first = findings[0] if findings else None
        super().__init__(
            _cause(first) if first else "The settings could not be loaded.",
            first.remedy if first else "",
            first.command if first else None,
        )
        self.args = ("\n".join(_headline(finding) for finding in findings),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.findings

    def text(self, width: int | None = None) -> str:
        """All findings as text."""
        from .reporting.finding import findings_text  # noqa: PLC0415 - only for an error

        return findings_text(self.findings, width)


class SecureConnectionError(MilvusSecureError, ConnectionError):
    """A connection was refused, by the checks before it or by the peer.

    The original pymilvus exception, if there was one, is the ``__cause__``.

    Args:
        report: The whole report.
        cause: What is wrong, where the report's root cause does not say it.
        fix: What repairs it, in words.
        command: A line for a POSIX shell that carries out the fix, or None.

    Attributes:
        report: The whole report; ``print(error.report)`` shows it.
    """

    def __init__(
        self,
        report: Report,
        cause: str | None = None,
        fix: str = "",
        command: str | None = None,
    ) -> None:
        self.report = report
        root = report.root_cause
        if cause is None and root is not None:
            super().__init__(_cause(root), root.remedy, root.command)
        else:
            cause = cause or "The connection failed for an unknown reason."
            super().__init__(cause, fix, command)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.report, self.cause, self.fix, self.command)

    def _render_traceback_(self) -> list[str]:
        # The report begins with its root cause; without one, the cause is the only text here.
        cause = "" if self.report.root_cause else f" {self.cause}"
        return [f"{type(self).__name__}:{cause}", "", str(self.report)]


class CertificateError(MilvusSecureError):
    """A certificate set cannot be made, changed or read as asked; nothing was changed."""


def _cause(finding: Finding) -> str:
    """Code, message, and where the value and the material came from."""
    place = [f"{finding.setting} from {finding.source}"] if finding.source else []
    path = (finding.origin or "").removeprefix("file:")
    if path != (finding.origin or "") and path not in finding.message:
        place.append(path)
    where = f" ({', '.join(place)})" if place else ""
    return f"{finding.code}: {finding.message}{where}"


def _headline(finding: Finding) -> str:
    return _one_line(_cause(finding), finding.remedy, finding.command)


def _one_line(cause: str, fix: str, command: str | None) -> str:
    parts = [cause, f"Fix: {fix}" if fix else "", f"Run: {command}" if command else ""]
    return " ".join(filter(None, parts))
