"""What a rule is, and how a set of them is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ...reporting.report import Finding, Skip, finding
from ..context import Context


class Judged(Protocol):
    """What a rule can be asked about: a client's `Context`, or a server's."""

    def blocked_by(self, need: str) -> str | None:
        """Why an input cannot be had, as a finding code, or None if it can."""
        ...


Subject = TypeVar("Subject", bound=Judged)


@dataclass(frozen=True)
class RuleOf(Generic[Subject]):
    """One code and the pure function that finds it.

    Attributes:
        code: The finding it may yield.
        judge: Looks at the context and yields what it finds; touches nothing else.
        needs: Inputs without which it cannot judge; see `Judged.blocked_by`.
    """

    code: str
    judge: Callable[[Subject], Iterable[Finding]]
    needs: tuple[str, ...] = ()


Rule = RuleOf[Context]
"""A rule about a client's settings, files and endpoint."""


def run(
    context: Subject, rules: Sequence[RuleOf[Subject]]
) -> tuple[list[Finding], tuple[Skip, ...]]:
    """Run every rule whose inputs are there; name those whose are not."""
    findings: list[Finding] = []
    skipped: list[Skip] = []
    for rule in rules:
        because = next(filter(None, map(context.blocked_by, rule.needs)), None)
        if because:
            skipped.append(Skip(rule.code, because))
            continue
        try:
            findings.extend(rule.judge(context))
        except Exception as error:  # noqa: BLE001 - one broken rule must not hide the others
            findings.append(_crashed(rule, error))
    return findings, tuple(skipped)


def _crashed(rule: RuleOf[Subject], error: Exception) -> Finding:
    # Never the exception's text: it may quote a secret.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" at line {frame.tb_lineno}" if frame else ""
    return finding(
        "internal-error",
        f"The check for {rule.code} failed with {type(error).__name__}{place}.",
        "Please report this; every other check was made.",
        presented=rule.code,
    )
