"""Lists the certificates of settings and directories by the date on which they expire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509

from ...errors import CertificateError
from ...pem.certificate import subject_text
from ...pem.material import Material
from ..messages import fill
from .inventory import read_certificates

_AUTHORITY_FIRST = datetime.min.replace(tzinfo=timezone.utc)
_HANG = " " * 16


@dataclass(frozen=True)
class Row:
    """One certificate, or a file without a readable one.

    Attributes:
        where: The setting it belongs to, or ``file``.
        origin: Its file, or ``inline:ca_pem``.
        subject: Its subject; empty if it cannot be read.
        not_after: When it expires, or None if it cannot be read.
        state: ``ok``, ``expiring``, ``expired``, ``not-yet-valid`` or ``unreadable``.
        days_left: Whole days until it expires, negative afterwards.
        detail: Why it cannot be read.
    """

    where: str
    origin: str
    subject: str
    not_after: datetime | None
    state: str
    days_left: int | None = None
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether the certificate needs no attention."""
        return self.state == "ok"


@dataclass(frozen=True)
class Renewal:
    """A certificate set whose CA is being renewed.

    Attributes:
        directory: The set's directory.
        next_step: What to do next, in words.
        command: What to run for it.
    """

    directory: str
    next_step: str
    command: str


def of_material(
    material: Mapping[str, Material], warning_days: int, now: datetime | None = None
) -> Iterator[Row]:
    """A row for each certificate that settings refer to."""
    for piece in material.values():
        origin = piece.origin.removeprefix("file:")
        if piece.fault is not None:
            detail = piece.fault.detail or piece.fault.code
            yield Row(piece.setting, origin, "", None, "unreadable", detail=detail)
        for certificate in piece.certificates:
            yield _row(piece.setting, origin, certificate, warning_days, now)


def of_paths(
    paths: Iterable[Path], warning_days: int, now: datetime | None = None
) -> Iterator[Row]:
    """A row for each certificate in files, and in the ``*.pem`` of directories."""
    for path in paths:
        files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        if not files:
            yield Row("file", str(path), "", None, "unreadable", detail="it contains no *.pem file")
        for file in files:
            try:
                certificates = read_certificates(file)
            except CertificateError as error:
                yield Row("file", str(file), "", None, "unreadable", detail=error.cause)
                continue
            for certificate in certificates:
                yield _row("file", str(file), certificate, warning_days, now)


def by_expiry(rows: Iterable[Row]) -> list[Row]:
    """Sort rows: first what cannot be read, then by the date of expiry."""
    return sorted(rows, key=lambda row: (row.not_after or _AUTHORITY_FIRST, row.origin))


def as_text(rows: Sequence[Row], width: int | None = None) -> str:
    """The rows as text.

    Args:
        rows: The rows.
        width: Columns to wrap at; None for one line for each row.
    """
    if not rows:
        return "There are no certificates: the settings name none, and no PATH was passed."
    lines = []
    for row in rows:
        if row.not_after is None:
            lines.append(fill(f"{row.state:<14} {row.origin}: {row.detail}", "", _HANG, width))
            continue
        when = f"{row.days_left:>6} days  {row.not_after.date()}"
        lines.append(fill(f"{row.state:<14} {when}  {row.origin}  {row.subject}", "", _HANG, width))
    return "\n".join(lines)


def as_json(rows: Sequence[Row], renewals: Sequence[Renewal] = ()) -> str:
    """The rows as a JSON document, with the renewals of a CA that are under way."""
    return json.dumps(
        {
            "schema_version": 1,
            "ok": all(row.good for row in rows),
            "certificates": [
                {
                    "setting": row.where,
                    "origin": row.origin,
                    "subject": row.subject,
                    "not_after": row.not_after.isoformat() if row.not_after else None,
                    "days_left": row.days_left,
                    "state": row.state,
                    "detail": row.detail,
                }
                for row in rows
            ],
            "ca_renewals": [asdict(renewal) for renewal in renewals],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_prometheus(rows: Sequence[Row]) -> str:
    """The rows in Prometheus's text format, for node_exporter's textfile collector."""
    end, readable = "milvus_secure_certificate_not_after_seconds", "milvus_secure_file_readable"
    # A chain may contain several certificates, and a sample with the same labels may occur once.
    ends = {_labels(row, subject=True): row.not_after.timestamp() for row in rows if row.not_after}
    files = {_labels(row, subject=False): int(row.not_after is not None) for row in rows}
    lines = [
        f"# HELP {end} When a certificate ends, in seconds since 1970.",
        f"# TYPE {end} gauge",
        *(f"{end}{{{labels}}} {int(value)}" for labels, value in ends.items()),
        f"# HELP {readable} Whether a file with certificates could be read.",
        f"# TYPE {readable} gauge",
        *(f"{readable}{{{labels}}} {value}" for labels, value in files.items()),
    ]
    return "\n".join(lines)


def _labels(row: Row, *, subject: bool) -> str:
    labels = {"setting": row.where, "origin": row.origin}
    if subject:
        labels["subject"] = row.subject
    return ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _row(
    where: str,
    origin: str,
    certificate: x509.Certificate,
    warning_days: int,
    now: datetime | None,
) -> Row:
    moment = now or datetime.now(timezone.utc)
    end = certificate.not_valid_after_utc
    days_left = (end - moment).days
    state = "ok"
    if end <= moment:
        state = "expired"
    elif certificate.not_valid_before_utc > moment:
        state = "not-yet-valid"
    elif days_left < warning_days:
        state = "expiring"
    return Row(where, origin, subject_text(certificate), end, state, days_left)
