"""Completes commands with the directory of the certificate set whose files the settings name."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .._common.text import printable
from ..pem.slots import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reporting.report import Finding
    from ..settings.model import SettingsModel

_PLACEHOLDER = re.compile(r"(?<![\w-])DIR(?![\w-])")
_SLOTS = (Slot.CA_PEM, Slot.SERVER_PEM, Slot.CLIENT_PEM)


def with_set_directory(findings: Sequence[Finding], settings: SettingsModel) -> tuple[Finding, ...]:
    """Put a directory in place of ``DIR`` in the commands of findings, if one can be named.

    Only a directory with the key of its CA can issue certificates.

    Args:
        findings: Those of a client's settings, files and endpoint.
        settings: Those that were judged.
    """
    if not any(map(_has_placeholder, findings)):
        return tuple(findings)
    directory = _set_directory(settings)
    if directory is None:
        return tuple(findings)
    quoted = shlex.quote(printable(directory))
    return tuple(
        replace(finding, command=_PLACEHOLDER.sub(lambda _: quoted, finding.command or ""))
        if _has_placeholder(finding)
        else finding
        for finding in findings
    )


def _has_placeholder(finding: Finding) -> bool:
    return finding.command is not None and _PLACEHOLDER.search(finding.command) is not None


def _set_directory(settings: SettingsModel) -> str | None:
    """The directory, relative to the working directory if it is below that."""
    sources = (settings.pem_sources.get(slot) for slot in _SLOTS)
    folders = [source.path.parent for source in sources if source and source.path]
    for folder in folders:
        if os.path.isfile(folder / "ca.key"):  # noqa: PTH113 - False where it may not be looked at
            try:
                return str(folder.relative_to(Path.cwd()))
            except (OSError, ValueError):
                return str(folder)
    return None
