"""`check`: settings to report, offline or with a look at the endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import checks
from .context import Context
from .errors import SecureConnectionError
from .material import read_material
from .report import Report, Severity, ranked

if TYPE_CHECKING:
    from .observation import Observation
    from .settings import MilvusSettings


def check(settings: MilvusSettings | None = None, *, online: bool = True) -> Report:
    """Judge settings and files, and the endpoint unless told otherwise.

    Args:
        settings: As loaded; the surroundings' own when None.
        online: Also probe the endpoint, within ``settings.timeout`` seconds. An offline error
            that would keep a connection from being tried does not stop the probe.

    Returns:
        The report. Nothing found is ever raised.

    Raises:
        SettingsError: If no settings are given and the surroundings' cannot be loaded.
    """
    if settings is None:
        from .settings import MilvusSettings  # noqa: PLC0415 - only its type is known above

        settings = MilvusSettings()
    context = Context(settings, read_material(settings))
    if online:
        from .probe import probe  # noqa: PLC0415 - the network is for those who ask

        context = Context(settings, context.material, probe(context))
    return judge(context, checks.RULES if online else checks.OFFLINE)


def judge(context: Context, rules: Sequence[checks.Rule]) -> Report:
    """Run rules over a context and rank what they find."""
    findings, skipped = checks.run(context, rules)
    return Report(
        context.mode,
        ranked([*context.settings.notes, *findings]),
        skipped,
        context.settings.shown(),
        context.observation,
    )


def refuse_contradictions(settings: MilvusSettings) -> None:
    """Judge the settings alone, opening no file.

    Raises:
        SecureConnectionError: If they contradict each other.
    """
    report = judge(Context(settings, {}), checks.SETTINGS)
    if any(found.severity is Severity.ERROR for found in report.findings):
        raise SecureConnectionError(report)


def seen(settings: MilvusSettings, observation: Observation) -> Report:
    """Judge an observation that was already made, with all rules."""
    return judge(Context(settings, read_material(settings), observation), checks.RULES)
