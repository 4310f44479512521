"""`check`: from settings to a report, offline or with a probe of the endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .._common.deadline import Deadline
from .._common.endpoint import uri_of
from ..errors import SecureConnectionError
from ..reporting.report import Finding, Report, Severity, ranked
from ..settings.model import SettingsModel
from . import rules as checks
from .context import Context
from .material import read_material
from .set_directory import with_set_directory

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Semaphore

_AT_ONCE = 100
"""Endpoints probed at a time: each holds a few sockets and two or three threads."""

_JUDGING = 1.0
"""Seconds to judge what the probe saw, where it left less of the time."""

_TURNS: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()


def check(settings: SettingsModel | str | None = None, *, online: bool = True) -> Report:
    """Judge settings and files, and the endpoint unless ``online`` is false.

    Args:
        settings: As loaded; the surroundings' own when None; with an endpoint as text
            (``https://host:19530``, ``host:19530``) those, and this instead of their ``uri``.
        online: Also probe the endpoint, within ``settings.timeout`` seconds. An offline error
            that would keep a connection from being tried does not stop the probe. What the
            endpoint presents is judged in what is left of the time, at least one second.

    Returns:
        The report. No finding is ever raised.

    Raises:
        SettingsError: If no settings are given and the surroundings' cannot be loaded.
        TypeError: If what is given is neither settings nor text.
    """
    if settings is None or isinstance(settings, str):
        settings = SettingsModel() if settings is None else SettingsModel(uri=uri_of(settings))
    elif not isinstance(settings, SettingsModel):
        raise not_settings(settings)
    context = Context(settings, read_material(settings))
    if online:
        context = with_observation(context, settings.timeout)
    return judge(context, checks.RULES if online else checks.OFFLINE)


def not_settings(value: object) -> TypeError:
    """The error for a first argument that is neither settings nor an endpoint."""
    return TypeError(
        f"settings are a MilvusSettings or an endpoint as text, not a {type(value).__name__}"
    )


async def check_async(
    settings: SettingsModel | str | None = None, *, online: bool = True
) -> Report:
    """`check` without blocking the event loop, up to a hundred at a time in one loop.

    Each works in a thread of its own, which nothing waits for once it is cancelled: neither the
    loop nor the end of the interpreter.
    """
    import asyncio  # noqa: PLC0415 - 20 ms that an offline check does not need

    from .threads import call_in_thread  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    async with _TURNS.setdefault(loop, asyncio.Semaphore(_AT_ONCE)):
        return await call_in_thread(partial(check, settings, online=online))


def check_many(targets: Iterable[SettingsModel], *, online: bool = True) -> list[Report]:
    """Judge several settings and their endpoints, up to a hundred at a time.

    Args:
        targets: Loaded settings; each keeps its own ``timeout`` from when its turn comes.
        online: As for `check`.

    Returns:
        One report for each, in the order of the targets.
    """
    one_check = partial(check, online=online)
    targets = list(targets)
    if len(targets) <= 1:
        return [one_check(settings) for settings in targets]
    from .threads import map_in_threads  # noqa: PLC0415 - for several only

    return map_in_threads(one_check, targets, _AT_ONCE)


def with_observation(context: Context, seconds: float) -> Context:
    """The context with what a probe sees, and a deadline to judge that by.

    Args:
        context: Settings and material.
        seconds: For the probe. Judging has what is left of them, at least one second: an
            unverified server must not keep its client busy with what it presents.
    """
    from .probe import probe  # noqa: PLC0415 - the network is for those who ask

    budget = Deadline(seconds)
    observation = probe(context, timeout=seconds)
    deadline = Deadline(max(budget.left, _JUDGING))
    return replace(context, observation=observation, deadline=deadline)


def judge(context: Context, rules: Sequence[checks.Rule]) -> Report:
    """Run rules over a context and rank what they find."""
    outcome = checks.run(context, rules)
    notes = context.settings.notes
    return Report(
        mode=context.mode,
        findings=ranked([*notes, *with_set_directory(outcome.findings, context.settings)]),
        skipped=outcome.skipped,
        settings=context.settings.shown(),
        server=context.observation,
        judged=tuple(dict.fromkeys((*(note.code for note in notes), *outcome.judged))),
    )


def raise_for_errors(context: Context, rules: Sequence[checks.Rule]) -> tuple[Finding, ...]:
    """Judge without making a report of what is sound.

    Args:
        context: What the rules may look at.
        rules: Which of them to run.

    Returns:
        The warnings, the most specific first.

    Raises:
        SecureConnectionError: If there is an error.
    """
    findings = ranked([*context.settings.notes, *checks.run(context, rules).findings])
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise SecureConnectionError(judge(context, rules))
    warnings = [finding for finding in findings if finding.severity is Severity.WARNING]
    return with_set_directory(warnings, context.settings)
