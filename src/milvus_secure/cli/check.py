"""``milvus-secure check``: files, settings, then the endpoint up to a Milvus call."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .._common.endpoint import uri_of
from .console import echo, spinner, text_width
from .flags import Commands, add_settings_flags, settings_from

if TYPE_CHECKING:
    from ..client.settings import MilvusSettings
    from ..reporting.report import Report


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "check",
        help="find what keeps a connection from working, and how to fix it",
        description="Check settings and files, then the endpoint up to a Milvus call. "
        "Endpoints, --profile and --uri may be repeated; each is checked, all at once.",
    )
    parser.add_argument(
        "endpoints",
        nargs="*",
        metavar="ENDPOINT",
        help="https://HOST:PORT, HOST or HOST:PORT, instead of the uri setting",
    )
    parser.add_argument("--offline", action="store_true", help="settings and files only")
    parser.add_argument(
        "--server",
        metavar="FILE",
        type=Path,
        help="judge against a server's configuration instead of a live endpoint",
    )
    add_report_flags(parser)
    add_settings_flags(parser, repeatable=True)
    parser.set_defaults(run=run)


def add_report_flags(parser: argparse.ArgumentParser) -> None:
    """Add what every command that prints reports understands."""
    parser.add_argument("--format", choices=("text", "json", "junit"), default="text")
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        default="error",
        help="exit with 1 from this severity on (default: error)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check every endpoint asked for and print one report each."""
    uris = [*map(uri_of, arguments.endpoints), *(arguments.uri or [])]
    targets = [
        settings_from(arguments, profile=profile, uri=uri)
        for profile in arguments.profile or [None]
        for uri in uris or [None]
    ]
    if arguments.server:
        from ..server.check import check_server  # noqa: PLC0415 - loads the YAML library

        return show([check_server(arguments.server, one) for one in targets], arguments)
    return show(_check(targets, offline=arguments.offline), arguments)


def show(reports: Sequence[Report], arguments: argparse.Namespace) -> int:
    """Print reports in the format asked for; returns the exit status."""
    echo(_FORMATS[arguments.format](reports))
    bad = any(r.errors or (r.warnings and arguments.fail_on == "warning") for r in reports)
    return 1 if bad else 0


def _check(targets: Sequence[MilvusSettings], *, offline: bool) -> list[Report]:
    if offline:
        from ..diagnosis.check import check  # noqa: PLC0415 - only once the arguments are sound

        return [check(settings, online=False) for settings in targets]
    from ..diagnosis.check import check_many  # noqa: PLC0415

    asked = targets[0].shown()["uri"]["value"] if len(targets) == 1 else f"{len(targets)} endpoints"
    with spinner(f"Asking {asked} ..."):
        return check_many(targets)


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
