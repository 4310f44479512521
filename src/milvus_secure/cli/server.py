"""``milvus-secure server``: the server's side, made and judged."""

from __future__ import annotations

import argparse
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .._common.tls_mode import TLSMode
from ..errors import MilvusSecureError
from . import server_config
from .check import add_report_flags, show
from .console import echo
from .flags import Commands, add_settings_flags, port_number, settings_from

if TYPE_CHECKING:
    from ..client.settings import MilvusSettings


def add_parser(commands: Commands) -> None:
    """Mount the command and its own commands."""
    parser = commands.add_parser(
        "server",
        help="write and check the server's TLS configuration",
        description="Write the server's TLS configuration from a certificate set, or check an "
        "existing one.",
    )
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    server_config.add_parser(below)
    _add_check(below)
    _add_curl(below)


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="check a milvus.yaml, Compose file, Helm values, Operator resource or manifests",
        description="Check the TLS part of a server's configuration and the files that it names. "
        "With --client, check a client's settings against it; `milvus-secure check --server FILE` "
        "does the same with the settings of this machine.",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        type=Path,
        nargs="+",
        help="one or more files; - reads standard input: docker compose config | "
        "milvus-secure server check -",
    )
    parser.add_argument(
        "--mount",
        action="append",
        default=[],
        type=_mount,
        metavar="SRC:DST",
        help="for a milvus.yaml: a path of this machine that is mounted into its container",
    )
    parser.add_argument(
        "--client", metavar="FILE", type=Path, help="a client's .env or settings file"
    )
    add_report_flags(parser)
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Print the report about the server, or about both ends."""
    from ..server.check import check_servers  # noqa: PLC0415

    client = _client(arguments.client) if arguments.client else None
    reports = check_servers(arguments.files, client, arguments.mount)
    status = show(reports, arguments)
    nothing_judged = any(report.mode is TLSMode.AUTO and not report.errors for report in reports)
    return 2 if nothing_judged else status


def _mount(text: str) -> tuple[Path, PurePosixPath]:
    """An argparse type: Docker's ``-v SRC:DST[:OPTIONS]``."""
    source, colon, rest = text.rpartition(":/")
    target = PurePosixPath("/" + rest.partition(":")[0])
    if not source or not colon:
        raise argparse.ArgumentTypeError("use SRC:DST, such as ./certs:/milvus/tls")
    return Path(source), target


def _client(path: Path) -> MilvusSettings:
    from ..client.settings import MilvusSettings  # noqa: PLC0415

    if not path.is_file():
        raise MilvusSecureError(f"{path} is not a file.", "Name the client's settings.")
    if path.suffix == ".env" or path.name.startswith(".env"):
        folder = path.absolute().parent
        return MilvusSettings(environ={}, env_file=path.absolute(), cwd=folder, config=False)
    return MilvusSettings(environ={}, env_file=None, config=path)


def _add_curl(commands: Commands) -> None:
    parser = commands.add_parser(
        "curl",
        help="print a curl command that calls the RESTful API with the same TLS settings",
        description="Print the curl line for the RESTful API; put the token in $MILVUS_TOKEN.",
    )
    parser.add_argument(
        "--rest-port",
        metavar="PORT",
        type=port_number,
        default=8080,
        help="the server's proxy.http.port (default: 8080)",
    )
    add_settings_flags(parser)
    parser.set_defaults(run=run_curl)


def run_curl(arguments: argparse.Namespace) -> int:
    """Print the line."""
    from ..client.rest import curl_command  # noqa: PLC0415

    try:
        echo(curl_command(settings_from(arguments), arguments.rest_port))
    except ValueError as error:
        raise MilvusSecureError(f"There is no curl line: {error}.", "Use an https URI.") from None
    return 0
