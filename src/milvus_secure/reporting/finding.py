"""A finding: one fact about a set-up, with its severity, its evidence and its remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from .catalogue import CATALOGUE, rank
from .layout import ShownAsText, field_lines, labelled


class Severity(str, Enum):
    """How much a finding matters; it means the same everywhere.

    ``ERROR``: this connection would be refused by the real peer, or would lack the security
    that was asked for. ``WARNING``: works today with this gRPC, but breaks a standard, another
    client, or soon. ``INFO``: worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Finding(ShownAsText):
    """One fact about a set-up, with its evidence and what to do about it.

    Attributes:
        code: Permanent kebab-case name; ``explain(code)`` explains it.
        severity: See `Severity`.
        message: One sentence that names the cause.
        remedy: What fixes it, in words.
        setting: The setting it is about, as the user would type it.
        source: Where that setting's value came from, such as ``env MILVUS_CA_PEM_PATH``.
        origin: Where the material was read, such as ``file:/abs/ca.pem`` or ``endpoint:h:19530``.
        expected: What would have been right.
        presented: What was there instead.
        command: A line for a POSIX shell that carries out the remedy or its first step, or None.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    setting: str | None = None
    source: str | None = None
    origin: str | None = None
    expected: str | None = None
    presented: str | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise ValueError(f"finding code {self.code!r} is not in the catalogue")
        if not self.message or not self.remedy:
            raise ValueError(f"finding {self.code} lacks a message or a remedy")

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        return {**asdict(self), "severity": self.severity.value}

    def text(self, width: int | None = None) -> str:
        """The finding as text, one line per field.

        Args:
            width: Columns to wrap at, for a terminal; None wraps nothing.
        """
        setting = self.setting
        if setting and self.source:
            setting = f"{setting}, from {self.source}"
        origin = self.origin.removeprefix("file:") if self.origin else None
        lines = [labelled(f"{self.severity}:", f"{self.code}: {self.message}", width)]
        for label, value in (
            ("expected", self.expected),
            ("presented", self.presented),
            ("setting", setting),
            ("seen in", origin),
            ("fix", self.remedy),
        ):
            lines += field_lines(label, value, width)
        lines += field_lines("run", self.command)
        return "\n".join(lines)


def finding(  # noqa: PLR0913 - the fields of a finding, by name
    code: str,
    message: str,
    remedy: str,
    *,
    severity: Severity | None = None,
    setting: str | None = None,
    source: str | None = None,
    origin: str | None = None,
    expected: str | None = None,
    presented: str | None = None,
    command: str | None = None,
) -> Finding:
    """Build a `Finding` whose severity is the catalogue's unless the real peer judges otherwise."""
    return Finding(
        code=code,
        severity=severity or Severity(CATALOGUE[code].severity),
        message=message,
        remedy=remedy,
        setting=setting,
        source=source,
        origin=origin,
        expected=expected,
        presented=presented,
        command=command,
    )


NOT_JUDGED = "not-judged"
"""Why a code is skipped where this library leaves the verdict to the real peer."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A code that could not be judged.

    Attributes:
        code: The finding that is neither made nor excluded.
        because: The code of the finding that prevents it, or `NOT_JUDGED`.
        message: With `NOT_JUDGED`, one sentence with the reason.
    """

    code: str
    because: str
    message: str = ""


_BY_SEVERITY = tuple(Severity)


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Order findings by severity, then by how specific their code is, without repeats."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (_BY_SEVERITY.index(f.severity), rank(f.code))))


def findings_text(findings: Iterable[Finding], width: int | None = None) -> str:
    """Several findings as text."""
    return "\n\n".join(finding.text(width) for finding in findings)
