"""``milvus-secure check``: files, settings, then the endpoint up to a Milvus call."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from .._common.endpoint import uri_of
from .console import echo, text_width
from .flags import Commands, add_settings_flags, settings_from

if TYPE_CHECKING:
    from ..reporting.report import Report


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "check",
        help="find out why a connection fails, and how to fix it",
        description="Check settings and files, then the endpoint up to a Milvus call. "
        "Endpoints, --profile and --uri may be repeated; each is checked, all at once.",
    )
    parser.add_argument(
        "endpoints",
        nargs="*",
        metavar="ENDPOINT",
        help="https://HOST:PORT, HOST or HOST:PORT, instead of the uri setting",
    )
    parser.add_argument(
        "--offline", action="store_true", help="check settings and files only; do not connect"
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="repeat the check for up to SECONDS while Milvus is not reachable or not ready",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print nothing if there is no error, else one line for each endpoint with an error",
    )
    parser.add_argument(
        "--server",
        metavar="FILE",
        type=Path,
        help="check against a server's configuration file instead of a running server",
    )
    add_report_flags(parser)
    add_settings_flags(parser, repeatable=True)
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    """An argparse type: a number of seconds that is not negative."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("use a number of seconds, such as 120")
    return seconds


def add_report_flags(parser: argparse.ArgumentParser) -> None:
    """Add what every command that prints reports understands."""
    parser.add_argument("--format", choices=("text", "json", "junit"), default="text")
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        default="error",
        help="exit with status 1 for findings of this severity or worse (default: error)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check every endpoint asked for and print one report each."""
    uris = [*map(uri_of, arguments.endpoints), *(arguments.uri or [])]
    choices = list(product(arguments.profile or [None], uris or [None]))
    targets = [settings_from(arguments, profile=profile, uri=uri) for profile, uri in choices]
    if arguments.server:
        from ..server.check import check_server  # noqa: PLC0415 - loads the YAML library

        reports = [check_server(arguments.server, target) for target in targets]
    elif arguments.offline:
        from ..diagnosis.check import check  # noqa: PLC0415 - only after the arguments were checked

        reports = [check(target, online=False) for target in targets]
    else:
        from .wait import check_until  # noqa: PLC0415 - only for an endpoint

        reports = check_until(targets, arguments.wait)
    named = [
        _with_profile(report, choice[0]) for report, choice in zip(reports, choices, strict=True)
    ]
    return show(named, arguments, quiet=arguments.quiet)


def _with_profile(report: Report, profile: str | None) -> Report:
    """A report that names the profile it is about, in every format."""
    if profile is None:
        return report
    entry = {"value": profile, "source": "argument"}
    return replace(report, settings={**report.settings, "profile": entry})


def show(reports: Sequence[Report], arguments: argparse.Namespace, *, quiet: bool = False) -> int:
    """Print reports in the format asked for; returns the exit status.

    Args:
        reports: All of them.
        arguments: With ``format`` and ``fail_on``.
        quiet: Print a line for each report that fails, and nothing else.
    """
    failing = [
        report
        for report in reports
        if report.errors or (report.warnings and arguments.fail_on == "warning")
    ]
    if not quiet:
        echo(_FORMATS[arguments.format](reports))
    elif failing:
        from ..reporting.report import summary  # noqa: PLC0415

        echo(summary(failing, warnings_fail=arguments.fail_on == "warning"))
    return 1 if failing else 0


def _text(reports: Sequence[Report]) -> str:
    from ..reporting.report import summary  # noqa: PLC0415

    width = text_width()
    texts = [report.text(width) for report in reports]
    if len(reports) > 1:
        texts.append(summary(reports, width))
    return ("\n\n" + "-" * 80 + "\n\n").join(texts)


def _json(reports: Sequence[Report]) -> str:
    if len(reports) == 1:
        return reports[0].to_json()
    document = {
        "schema_version": 1,
        "ok": all(report.ok for report in reports),
        "reports": [report.to_dict() for report in reports],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _junit(reports: Sequence[Report]) -> str:
    from ..reporting.junit import to_junit  # noqa: PLC0415

    return to_junit(reports)


_FORMATS = {"text": _text, "json": _json, "junit": _junit}
