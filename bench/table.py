"""Medians of interleaved runs, and the table they are printed in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One figure and its goal; a lower figure is better."""

    what: str
    figure: float
    goal: float | None
    unit: str = "x"
    detail: str = ""

    @property
    def met(self) -> str:
        if self.goal is None:
            return ""
        return "yes" if self.figure <= self.goal else "NO"


def medians(rounds: int, *actions: Callable[[], float]) -> list[float]:
    """Run the actions in turn, so that a change in the machine's load affects all of them."""
    figures: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for place, action in enumerate(actions):
            figures[place].append(action())
    return [statistics.median(figure) for figure in figures]


def timed(action: Callable[[], object]) -> Callable[[], float]:
    """The action, wrapped to return how many seconds it took."""

    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


def show(title: str, rows: Sequence[Row]) -> None:
    table = Table(title=title, title_justify="left")
    for name, justify in (
        ("what", "left"),
        ("figure", "right"),
        ("goal", "right"),
        ("met", "left"),
        ("measured", "left"),
    ):
        table.add_column(name, justify=justify, no_wrap=name != "measured")
    for row in rows:
        goal = "" if row.goal is None else f"<= {row.goal:g} {row.unit}"
        table.add_row(row.what, f"{row.figure:.3g} {row.unit}", goal, row.met, row.detail)
    Console(width=118).print(table)
