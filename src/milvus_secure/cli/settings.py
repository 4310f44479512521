"""``milvus-secure settings``: the effective settings, each with its source, secrets masked."""

from __future__ import annotations

import argparse
import json

from .console import echo, text_width
from .flags import Commands, add_endpoint, add_settings_flags, settings_from


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "settings",
        help="show the effective settings and where each comes from",
        description="Show every setting with its value and source; secrets are masked.",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_endpoint(parser)
    add_settings_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the settings; nothing is judged but what was noticed while loading."""
    settings = settings_from(arguments)
    shown = settings.shown()
    if arguments.format == "json":
        echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    from .._common.text import printable  # noqa: PLC0415
    from ..reporting.finding import findings_text  # noqa: PLC0415

    rows = [
        (name, printable(entry["value"]) or "-", entry["source"]) for name, entry in shown.items()
    ]
    names = max(len(row[0]) for row in rows)
    values = min(max(len(row[1]) for row in rows), 40)
    lines = [f"{name:<{names}}  {value:<{values}}  {source}" for name, value, source in rows]
    if settings.notes:
        lines += ["", findings_text(settings.notes, text_width())]
    echo("\n".join(lines))
    return 0
