"""The report: findings, visible skips, what was judged, and the same as text and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .._common.tls_mode import TLSMode
from .catalogue import CATALOGUE
from .finding import (
    NOT_JUDGED,
    Finding,
    Severity,
    Skip,
    finding,
    findings_text,
    ranked,
)
from .layout import ShownAsText, labelled

if TYPE_CHECKING:
    from .observation import Observation

__all__ = [
    "NOT_JUDGED",
    "SCHEMA_VERSION",
    "Finding",
    "Report",
    "Severity",
    "Skip",
    "finding",
    "findings_text",
    "ranked",
    "summary",
    "target",
]

SCHEMA_VERSION = 1
_AREAS = ("settings", "files", "trust", "names")
_HANDSHAKE = "handshake"


@dataclass(frozen=True)
class Report(ShownAsText):
    """The outcome of a check.

    Attributes:
        mode: The mode that follows from the settings.
        findings: Most specific first, errors before warnings before information.
        skipped: The rules whose input could not be read.
        judged: The codes that were judged. A code that is neither here nor in `skipped` was not
            looked at: its subject is not part of this set-up.
        settings: Every setting as ``{"value": ..., "source": ...}``, secrets masked.
        server: What the probe saw of the endpoint, or None if it was not asked.
    """

    mode: TLSMode
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skip, ...] = ()
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    server: Observation | None = None
    judged: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if no finding would refuse or weaken the connection."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of severity error."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings of severity warning."""
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)

    @property
    def root_cause(self) -> Finding | None:
        """The error to fix first: the most specific one, or None when there is no error."""
        return next(iter(self.errors), None)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it, stable under ``schema_version``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "ok": self.ok,
            "mode": self.mode.value,
            "root_cause": self.root_cause.code if self.root_cause else None,
            "findings": [f.to_dict() for f in self.findings],
            "judged": list(self.judged),
            "skipped": [asdict(s) for s in self.skipped],
            "settings": {name: dict(entry) for name, entry in self.settings.items()},
            "server": self.server.to_dict() if self.server else None,
        }

    def to_json(self) -> str:
        """The report as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def text(self, width: int | None = None) -> str:
        """The report as text: the root cause, what was checked, then the other findings.

        Args:
            width: Columns to wrap at, for a terminal; None gives one line per field.
        """
        root = self.root_cause
        others = [finding for finding in self.findings if finding is not root]
        parts = [
            root.text(width) if root else labelled(f"{_outcome(self)}:", _verdict(self), width)
        ]
        parts.append(_steps(self, width))
        parts.extend(finding.text(width) for finding in others)
        if self.skipped:
            parts.append(_skipped(self.skipped, width))
        return "\n\n".join(parts)


def summary(
    reports: Sequence[Report], width: int | None = None, *, warnings_fail: bool = False
) -> str:
    """One line for each of several reports.

    Args:
        reports: All of them.
        width: Columns to wrap at, for a terminal; None wraps nothing.
        warnings_fail: Whether a report without errors is summed up by its first warning.
    """
    lines = []
    for report in reports:
        outcome, verdict = _outcome(report), _verdict(report)
        if warnings_fail and report.ok and report.warnings:
            warning = report.warnings[0]
            outcome, verdict = "warning", f"{warning.code}: {warning.message}"
        lines.append(labelled(f"{outcome:7}", f"{target(report)}: {verdict}", width))
    return "\n".join(lines)


def _outcome(report: Report) -> str:
    if not report.ok:
        return "error"
    return "not judged" if _is_open(report) else "ok"


def _is_open(report: Report) -> bool:
    """True if a server's files do not say in which mode it runs."""
    return _setting(report, "server") is not None and report.mode is TLSMode.AUTO


def _verdict(report: Report) -> str:
    if report.root_cause:
        return f"{report.root_cause.code}: {report.root_cause.message}"
    configured = _setting(report, "server")
    if _is_open(report):
        return f"{configured} does not contain the settings that decide about TLS."
    if configured:
        whose = "This client fits" if _setting(report, "uri") else "Clients can use"
        verdict = f"{whose} the server configured by {configured}."
        if any(finding.code == "server-not-judged" for finding in report.findings):
            return f"As far as the files tell, {verdict[0].lower()}{verdict[1:]}"
        return verdict
    if report.server is None:
        what = "error" if report.warnings else "problem"
        return f"No {what} found in settings or files. The endpoint was not contacted."
    answer = report.server.milvus
    product = _product(answer.version if answer else "")
    return f"{product} answers at {report.server.address} over {_described(report.mode)}."


def _product(version: str) -> str:
    """Milvus Lite sends its name where a server sends its release."""
    return "Milvus Lite" if version == "milvus_lite" else f"Milvus {version}".rstrip()


def _described(mode: TLSMode) -> str:
    if mode is TLSMode.AUTO:
        return "mode not known"
    return "plaintext" if mode is TLSMode.PLAINTEXT else f"{mode} TLS"


def target(report: Report) -> str:
    """What was checked: the endpoint, its profile and the server's configuration."""
    uri, profile = _setting(report, "uri"), _setting(report, "profile")
    if uri and profile:
        uri = f"{uri} (profile {profile})"
    return " against ".join(filter(None, (uri, _setting(report, "server"))))


def _setting(report: Report, name: str) -> str | None:
    return report.settings.get(name, {}).get("value")


def _steps(report: Report, width: int | None) -> str:
    lines = [labelled("Checked", f"{target(report)}, {_described(report.mode)}:", width)]
    lines += [_step(*row, width) for row in _rows(report)]
    return "\n".join(lines)


def _rows(report: Report) -> Iterator[tuple[str, str, str]]:
    """Outcome, name and detail of each area and of each step of the probe."""
    client, server = _setting(report, "uri"), _setting(report, "server")
    areas = [area for area in _AREAS if client or _is_judged(report, area)]
    yield from (_area(report, area) for area in areas)
    if server:
        yield _area(report, "server")
        if client:  # what the handshake of this client with this server would lead to
            yield _area(report, _HANDSHAKE)
        return
    if report.server is None:
        yield "-", "endpoint", "not contacted"
        return
    for step in report.server.steps:
        outcome = {True: "ok", False: "error", None: "-"}[step.ok]
        yield outcome, step.name, step.detail
    handshake = _area(report, _HANDSHAKE)
    if handshake[0] == "error":
        yield "error", "endpoint", handshake[2]


def _is_judged(report: Report, area: str) -> bool:
    codes = (*report.judged, *(f.code for f in report.findings), *(s.code for s in report.skipped))
    return any(CATALOGUE[code].area == area for code in codes)


def _area(report: Report, area: str) -> tuple[str, str, str]:
    findings = [f for f in report.findings if CATALOGUE[f.code].area == area]
    skipped = sum(CATALOGUE[skip.code].area == area for skip in report.skipped)
    counts = Counter(f.severity.value for f in findings if f.severity.value != "info")
    outcome = next((level for level in ("error", "warning") if counts[level]), "ok")
    details = list(dict.fromkeys(f.code for f in findings if f.severity.value == outcome))
    if skipped:
        details.append(f"{skipped} not judged")
    elif not _is_judged(report, area):
        details.append(_NOTHING_TO_JUDGE.get(area, "not judged"))
    if outcome == "ok" and (skipped or not _is_judged(report, area)):
        outcome = "-"
    return outcome, area, ", ".join(details)


_NOTHING_TO_JUDGE = {
    "files": "not judged: no file is configured",
    "trust": "not judged: no certificate of a server or client is known",
    "names": "not judged: the server's certificate is not known",
}


def _step(outcome: str, name: str, detail: str, width: int | None) -> str:
    return labelled(f"  {outcome:<8}{name:<18}", detail, width, hang=29)


def _skipped(skipped: Sequence[Skip], width: int | None) -> str:
    causes: dict[str, list[str]] = {}
    for skip in skipped:
        why = f". {skip.message}" if skip.message else f" (because of {skip.because})"
        causes.setdefault(why, []).append(skip.code)
    return "\n".join(
        labelled("not judged:", f"{', '.join(codes)}{why}", width) for why, codes in causes.items()
    )
