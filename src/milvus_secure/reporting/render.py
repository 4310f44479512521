"""Reports as people read them: the cause first, 80 columns, no colour needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .._common.text import filled, printable
from .._common.tls_mode import TLSMode
from .catalogue import CATALOGUE

if TYPE_CHECKING:
    from .report import Finding, Report, Skip

_LABEL = 11
_AREAS = ("settings", "files", "trust", "names")
_HANDSHAKE = "handshake"


def render_report(report: Report) -> str:
    """The report as text: the root cause, the ladder of what was checked, then the rest.

    Args:
        report: Any report.

    Returns:
        Lines of at most 80 columns, but for words that are longer themselves, such as paths.
    """
    root = report.root_cause
    rest = [found for found in report.findings if found is not root]
    parts = [_headline(report) if root is None else _block(root)]
    parts.append(_ladder(report))
    parts.extend(_block(found) for found in rest)
    if report.skipped:
        parts.append(_skipped(report.skipped))
    return "\n\n".join(parts)


def render_findings(findings: Iterable[Finding]) -> str:
    """Findings alone, as when the settings could not be loaded."""
    return "\n\n".join(_block(found) for found in findings)


def render_error(error: Exception) -> str:
    """An error of this library: what is the matter, and what helps."""
    cause, _, fix = str(error).partition(" Fix: ")
    lines = [_wrap("error:", cause)]
    if fix:
        lines.append(_wrap(f"  {'fix':<{_LABEL - 2}}", fix, hang=_LABEL + 1))
    return "\n".join(lines)


def render_summary(reports: Sequence[Report]) -> str:
    """One line for each of several reports."""
    return "\n".join(
        _wrap(f"{'ok' if report.ok else 'error':7}", f"{_target(report)}: {_verdict(report)}")
        for report in reports
    )


def _headline(report: Report) -> str:
    return _wrap("ok:", _verdict(report))


def _verdict(report: Report) -> str:
    if report.root_cause:
        return f"{report.root_cause.code}: {report.root_cause.message}"
    configured = _setting(report, "server")
    if configured:
        whose = "This client fits" if _setting(report, "uri") else "Clients can use"
        return f"{whose} the server that {configured} configures."
    if report.server is None:
        return "Nothing in settings and files stands in the way; the endpoint was not asked."
    product = _product(report.server.milvus_version)
    return f"{product} answers at {report.server.address} over {_described(report.mode)}."


def _product(version: str | None) -> str:
    """Milvus Lite tells its name where a server tells its release."""
    return "Milvus Lite" if version == "milvus_lite" else f"Milvus {version or ''}".rstrip()


def _described(mode: TLSMode) -> str:
    return "plaintext" if mode is TLSMode.PLAINTEXT else f"{mode} TLS"


def _target(report: Report) -> str:
    return " against ".join(filter(None, (_setting(report, "uri"), _setting(report, "server"))))


def _setting(report: Report, name: str) -> str | None:
    return report.settings.get(name, {}).get("value")


def _block(found: Finding) -> str:
    lines = [_wrap(f"{found.severity}:", f"{found.code}: {found.message}")]
    setting = found.setting
    if setting and found.source:
        setting = f"{setting}, from {found.source}"
    origin = found.origin.removeprefix("file:") if found.origin else None
    for label, text in (
        ("expected", found.expected),
        ("presented", found.presented),
        ("setting", setting),
        ("seen in", origin),
        ("fix", found.remedy),
    ):
        if text:
            lines.append(_wrap(f"  {label:<{_LABEL - 2}}", text, hang=_LABEL + 1))
    return "\n".join(lines)


def _ladder(report: Report) -> str:
    lines = [_wrap("Checked", f"{_target(report)}, {_described(report.mode)}:")]
    lines += [_rung(*rung) for rung in _rungs(report)]
    return "\n".join(lines)


def _rungs(report: Report) -> Iterator[tuple[str, str, str]]:
    for area in (*_AREAS, *(["server"] if _setting(report, "server") else [])):
        yield _area(report, area)
    if _setting(report, "server"):
        if _setting(report, "uri"):  # a client too: what its handshake would come to
            yield _area(report, _HANDSHAKE)
        return
    if report.server is None:
        yield "-", "endpoint", "not asked"
        return
    for step in report.server.steps:
        outcome = {True: "ok", False: "error", None: "-"}[step.ok]
        yield outcome, step.name, step.detail
    handshake = _area(report, _HANDSHAKE)
    if handshake[0] == "error":
        yield "error", "endpoint", handshake[2]


def _area(report: Report, area: str) -> tuple[str, str, str]:
    found = [f for f in report.findings if CATALOGUE[f.code].area == area]
    skipped = sum(CATALOGUE[skip.code].area == area for skip in report.skipped)
    counts = Counter(f.severity.value for f in found if f.severity.value != "info")
    outcome = next((level for level in ("error", "warning") if counts[level]), "ok")
    if outcome == "ok" and skipped:
        outcome = "-"
    told = list(dict.fromkeys(f.code for f in found if f.severity.value == outcome))
    if skipped:
        told.append(f"{skipped} not judged")
    return outcome, area, ", ".join(told)


def _rung(outcome: str, name: str, detail: str) -> str:
    return _wrap(f"  {outcome:<8}{name:<18}", detail, hang=29)


def _skipped(skipped: Sequence[Skip]) -> str:
    causes: dict[str, list[str]] = {}
    for skip in skipped:
        causes.setdefault(skip.because, []).append(skip.code)
    return "\n".join(
        _wrap("skipped:", f"{', '.join(codes)} (because of {because})")
        for because, codes in causes.items()
    )


# A command to paste, up to the end of its sentence; what reads as one is kept on one line.
_COMMAND = re.compile(
    r"(?:^|(?<=: )|(?<= and ))(?:chmod|cp|curl|docker|export|getent|iconv|ip|keytool|ls"
    r"|milvus-secure|nc|openssl|printf|puttygen|python|sed) (?:'[^']*'|.)+?"
    r"(?=\. [A-Z]|; | and openssl |\.?$)"
)
_GLUE = "\N{NO-BREAK SPACE}"  # `printable` has escaped all others


def _wrap(label: str, text: str, *, hang: int = 4) -> str:
    """Fill to the width, keeping the text's own line breaks and breaking no word or command."""
    paragraphs = [
        _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), printable(line))
        for line in text.split("\n")
    ]
    margin = " " * hang
    parts = [
        filled(paragraph, margin if place else f"{label} ", margin)
        for place, paragraph in enumerate(paragraphs)
    ]
    lines = "\n".join(parts).replace(_GLUE, " ").split("\n")
    return "\n".join(line.rstrip() for line in lines) or label.rstrip()
