"""What a rule is, and the engine that runs a set of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from ..._common.deadline import TimeIsUpError
from ...reporting.report import NOT_JUDGED, Finding, Severity, Skip, finding
from ..context import Context


class Judged(Protocol):
    """What a rule looks at: a client's `Context`, or a server's."""

    def blocked_by(self, need: str) -> str | None:
        """The code of the finding that prevents an input from being read, or None."""
        ...

    def includes(self, subject: str) -> bool:
        """True if a subject is part of this set-up."""
        ...


Subject = TypeVar("Subject", bound=Judged)


@dataclass(frozen=True)
class RuleOf(Generic[Subject]):
    """One code and the pure function that looks for it.

    Attributes:
        code: The finding it may yield.
        judge: Looks at the context and yields findings, and skips for what it leaves to the real
            peer; touches nothing else.
        needs: Inputs without which it cannot judge; see `Judged.blocked_by`.
        subjects: What it judges. It counts as judged when at least one of these, and each of
            `needs`, is part of the set-up; a rule without subjects always judges.
        fallback: True for a generic explanation: the rule runs last, in order, and only if no
            rule before it found an error.
    """

    code: str
    judge: Callable[[Subject], Iterable[Finding | Skip]]
    needs: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    fallback: bool = False

    def applies_to(self, context: Subject) -> bool:
        """True if there is something to judge."""
        subjects = not self.subjects or any(map(context.includes, self.subjects))
        return subjects and all(map(context.includes, self.needs))


Rule = RuleOf[Context]
"""A rule about a client's settings, files and endpoint."""


@dataclass(frozen=True)
class Outcome(Generic[Subject]):
    """What a set of rules says about a context.

    Attributes:
        context: What was judged.
        findings: In the order of the rules.
        skipped: The codes whose inputs could not be read, and those left to the real peer.
        complete: The codes of the findings, and the rules that left nothing out, in their order.
    """

    context: Subject
    findings: tuple[Finding, ...]
    skipped: tuple[Skip, ...]
    complete: tuple[str | RuleOf[Subject], ...]

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """The codes that were judged, with or without a finding."""
        codes: dict[str, None] = {}
        for item in self.complete:
            if isinstance(item, str):
                codes[item] = None
            elif item.applies_to(self.context):
                codes[item.code] = None
        return tuple(codes)


def run(context: Subject, rules: Sequence[RuleOf[Subject]]) -> Outcome[Subject]:
    """Run every rule whose inputs can be read; name those whose inputs cannot."""
    findings: list[Finding] = []
    complete: list[str | RuleOf[Subject]] = []
    skipped: list[Skip] = []
    blocked_by = cache(context.blocked_by)
    for rule in sorted(rules, key=attrgetter("fallback")):
        if rule.fallback and any(f.severity is Severity.ERROR for f in findings):
            continue
        because = next(filter(None, map(blocked_by, rule.needs)), None)
        if because:
            skipped.append(Skip(rule.code, because))
            continue
        try:
            results = tuple(rule.judge(context))
        except TimeIsUpError:
            skipped.append(Skip(rule.code, NOT_JUDGED, _TIME_IS_UP))
            continue
        except Exception as error:  # noqa: BLE001 - one broken rule must not hide the others
            findings.append(_crashed(rule, error))
            continue
        left_out = False
        for result in results:
            if isinstance(result, Finding):
                findings.append(result)
                complete.append(result.code)
            else:
                skipped.append(result)
                left_out = left_out or result.code == rule.code
        if not left_out:
            complete.append(rule)
    return Outcome(context, tuple(findings), tuple(dict.fromkeys(skipped)), tuple(complete))


_TIME_IS_UP = "The time allowed was used up before this was judged."


def _crashed(rule: RuleOf[Subject], error: Exception) -> Finding:
    # Never the exception's text: it may quote a secret.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" at line {frame.tb_lineno}" if frame else ""
    return finding(
        "internal-error",
        f"The check for {rule.code} failed with {type(error).__name__}{place}.",
        "This is a defect of milvus-secure; please report it. All other checks ran.",
        presented=rule.code,
    )
