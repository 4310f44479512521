"""What the checks say: a finding, a visible skip, and the report that holds them together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from .catalogue import CATALOGUE, rank

if TYPE_CHECKING:
    from .._common.tls_mode import TLSMode
    from .observation import Observation

SCHEMA_VERSION = 1


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
class Finding:
    """One thing that was found, with its evidence and what to do about it.

    Attributes:
        code: Permanent kebab-case name; ``explain(code)`` tells more.
        severity: See `Severity`.
        message: One sentence that names the cause.
        remedy: The command or the change that fixes it.
        setting: The setting it is about, as the user would type it.
        source: Where that setting's value came from, such as ``env MILVUS_CA_PEM_PATH``.
        origin: Where the material was read, such as ``file:/abs/ca.pem`` or ``endpoint:h:19530``.
        expected: What would have been right.
        presented: What was there instead.
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

    def __post_init__(self) -> None:
        if self.code not in CATALOGUE:
            raise ValueError(f"finding code {self.code!r} is not in the catalogue")
        if not self.message or not self.remedy:
            raise ValueError(f"finding {self.code} lacks a message or a remedy")

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON has it."""
        return {**asdict(self), "severity": self.severity.value}


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
) -> Finding:
    """Build a `Finding` whose severity is the catalogue's unless the real peer judges otherwise."""
    judged = severity or Severity(CATALOGUE[code].severity)
    return Finding(code, judged, message, remedy, setting, source, origin, expected, presented)


@dataclass(frozen=True, slots=True)
class Skip:
    """A rule that could not be judged, and the code of the finding that stood in its way."""

    code: str
    because: str


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes:
        mode: The mode the settings amount to.
        findings: Most specific first, errors before warnings before information.
        skipped: The rules whose input was missing.
        settings: Every setting as ``{"value": ..., "source": ...}``, secrets masked.
        server: What the probe saw of the endpoint, or None if it was not asked.
    """

    mode: TLSMode
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skip, ...] = ()
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    server: Observation | None = None

    @property
    def ok(self) -> bool:
        """True when nothing found would refuse or weaken the connection."""
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
            "skipped": [asdict(s) for s in self.skipped],
            "settings": {name: dict(entry) for name, entry in self.settings.items()},
            "server": self.server.to_dict() if self.server else None,
        }

    def to_json(self) -> str:
        """The report as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        from .render import render_report  # noqa: PLC0415 - the renderer knows the report

        return render_report(self)


_BY_SEVERITY = tuple(Severity)


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Order findings by severity, then by how specific their code is, without repeats."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (_BY_SEVERITY.index(f.severity), rank(f.code))))
