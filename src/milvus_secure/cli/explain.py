"""``milvus-secure explain``: explain a code or an error message, and how to fix it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .console import echo

if TYPE_CHECKING:
    from .flags import Commands


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "explain",
        help="explain a code or an error message, and how to fix it",
        description="Explain what a code means, how it is detected, and how to fix it. In a "
        "message of pymilvus or gRPC, known phrases are recognized.",
    )
    parser.add_argument(
        "subject",
        nargs="*",
        metavar="CODE",
        help="such as name-mismatch, or an error message; without it, all codes",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation, or the list of codes."""
    if arguments.subject:
        from ..diagnosis.explain import explain  # noqa: PLC0415 - reads the texts

        echo(explain(" ".join(arguments.subject)))
        return 0
    from ..reporting.catalogue import CATALOGUE  # noqa: PLC0415

    areas = dict.fromkeys(entry.area for entry in CATALOGUE.values())
    for area in areas:
        entries = sorted(e for e in CATALOGUE.values() if e.area == area)
        echo(f"{area}\n" + "\n".join(f"  {e.code:<30}{e.title}" for e in entries))
    return 0
