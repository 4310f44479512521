"""``milvus-secure certs``: make, extend, renew and repair certificate sets."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import certs_inspect, certs_requests
from .certs_arguments import (
    SUBJECT,
    add_directory,
    add_directory_flag,
    add_dry_run,
    add_key_type,
    add_names,
    add_subject,
    directory_of,
    show_change,
    show_text,
    subject_of,
)
from .flags import Commands

if TYPE_CHECKING:
    from ..certs import SetPlan


def add_parser(commands: Commands, words: Sequence[str] = ()) -> None:
    """Mount the command and its own commands.

    Args:
        commands: Where to mount it.
        words: What the user typed after it. Listing the settings takes longer than most commands,
            so they become flags only for the command that has them.
    """
    parser = commands.add_parser(
        "certs",
        help="create, show, renew and repair certificates",
        description="Certificate sets: the files of a CA, a server and its clients in one "
        "directory, named as in Milvus's TLS guide.",
    )
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_init, _add_client, _add_renew, _add_repair):
        add(subcommands)
    certs_requests.add_parsers(subcommands)
    certs_inspect.add_parsers(subcommands, with_settings=not words or "status" in words)


def _add_init(commands: Commands) -> None:
    parser = commands.add_parser(
        "init",
        help="make a CA, a server certificate and a client certificate",
        description="Make a CA, a server certificate and a client certificate in DIR. Without "
        "--name and --ip the server certificate is for localhost and 127.0.0.1.",
    )
    add_directory(parser, "directory for the files; it is created if it does not exist")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="TOML file that describes the set; in an existing set, only what differs is changed",
    )
    add_names(parser)
    add_key_type(parser)
    for flag, text in (
        ("--days", "validity of the server and client certificates, in days (default: 365)"),
        ("--server-days", "validity of the server certificate, in days (default: --days)"),
        ("--client-days", "validity of the client certificate, in days (default: --days)"),
        ("--ca-days", "validity of the CA, in days (default: 3650)"),
    ):
        parser.add_argument(flag, metavar="DAYS", type=int, help=text)
    parser.add_argument(
        "--intermediate",
        nargs="?",
        type=int,
        const=0,
        metavar="DAYS",
        help="make an intermediate CA that signs the certificates, so that the key of the root "
        "can be kept offline; DAYS is its validity (default: that of the CA)",
    )
    add_subject(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace an existing set, including its CA; clients then need the new ca.pem",
    )
    add_dry_run(parser)
    parser.set_defaults(run=run_init)


def run_init(arguments: argparse.Namespace) -> int:
    """Make a set, or bring one into line with its description."""
    from ..certs import CertificateSet  # noqa: PLC0415 - loads cryptography

    certificates = CertificateSet(directory_of(arguments))
    if arguments.config:
        from ..certs.issuing.plan_file import load_plan  # noqa: PLC0415

        _refuse_second_description(arguments)
        plan = load_plan(arguments.config)
    else:
        plan = _plan(arguments)
    if arguments.config and not arguments.force:
        show_change(certificates.conform(plan, dry_run=arguments.dry_run), arguments)
    else:
        show_change(
            certificates.make(plan, overwrite=arguments.force, dry_run=arguments.dry_run),
            arguments,
        )
    if not arguments.dry_run:
        for end in certificates.ends():
            show_text(f"{end.name} is valid until {end.end.date()}")
        show_text(
            "Keep ca.key on this machine. Each client needs ca.pem, and for mutual TLS (the server "
            "asks for a client certificate) client.pem and client.key too."
        )
    return 0


def _plan(arguments: argparse.Namespace) -> SetPlan:
    from ..certs.issuing.plan import CA_DAYS, CLIENT, LEAF_DAYS, make_plan  # noqa: PLC0415

    days = LEAF_DAYS if arguments.days is None else arguments.days
    ca_days = CA_DAYS if arguments.ca_days is None else arguments.ca_days
    intermediate_days = arguments.intermediate
    return make_plan(
        arguments.name,
        arguments.ip,
        key_type=arguments.key_type or "p256",
        server_days=days if arguments.server_days is None else arguments.server_days,
        clients={CLIENT: days if arguments.client_days is None else arguments.client_days},
        ca_days=ca_days,
        intermediate_days=ca_days if intermediate_days == 0 else intermediate_days,
        subject=subject_of(arguments),
    )


def _refuse_second_description(arguments: argparse.Namespace) -> None:
    from ..errors import CertificateError  # noqa: PLC0415

    describing = (
        *("name", "ip", "key_type", "days", "server_days", "client_days", "ca_days"),
        "intermediate",
        *SUBJECT,
    )
    flags = [
        f"--{name.replace('_', '-')}"
        for name in describing
        if getattr(arguments, name) not in (None, [])
    ]
    if flags:
        raise CertificateError(
            f"--config and {', '.join(flags)} both describe the set.",
            f"Write these values into {arguments.config} instead.",
        )


def _add_client(commands: Commands) -> None:
    parser = commands.add_parser(
        "client",
        help="add a client certificate to a set",
        description="Issue a certificate for one more client: NAME.pem and its key NAME.key, "
        "signed by the CA of the set.",
    )
    parser.add_argument(
        "client",
        metavar="NAME",
        help="common name in the certificate, and the name of its files without suffix",
    )
    add_directory_flag(parser)
    parser.add_argument("--days", metavar="DAYS", type=int, help="validity in days (default: 365)")
    add_key_type(parser, "type of the key (default: that of the CA's key)")
    parser.add_argument("--force", action="store_true", help="replace files of this name")
    add_dry_run(parser)
    parser.set_defaults(run=run_client)


def run_client(arguments: argparse.Namespace) -> int:
    """Issue a certificate for one more client."""
    from ..certs import CertificateSet  # noqa: PLC0415

    change = CertificateSet(arguments.directory).add_client(
        arguments.client,
        days=arguments.days,
        key_type=arguments.key_type,
        overwrite=arguments.force,
        dry_run=arguments.dry_run,
    )
    return show_change(change, arguments)


def _add_renew(commands: Commands) -> None:
    parser = commands.add_parser(
        "renew",
        help="renew the certificates of a set, or its CA",
        description="Renew the server and client certificates under the same CA, with new keys. "
        "The CA is renewed in three steps, so that no client is refused: `renew --ca` adds a new "
        "CA to the old one, `renew` issues certificates of the new CA, and `renew --retire` "
        "removes the old CA. Each step prints what to deploy before the next.",
    )
    add_directory(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="renew only this certificate, such as server or client; repeat it for more",
    )
    which.add_argument(
        "--ca", action="store_true", help="first step of the CA's renewal: make a new CA"
    )
    which.add_argument(
        "--retire",
        action="store_true",
        help="last step of the CA's renewal: remove the old CA from ca.pem",
    )
    parser.add_argument(
        "--if-expiring",
        metavar="TIME",
        type=_days,
        help="renew only what ends within TIME, such as 30d or 4w; if nothing does, change "
        "nothing and exit with status 0 (for cron)",
    )
    parser.add_argument(
        "--days", metavar="DAYS", type=int, help="validity in days (default: as before)"
    )
    add_key_type(parser, "type of the new keys (default: as before)")
    add_dry_run(parser)
    parser.set_defaults(run=run_renew)


def run_renew(arguments: argparse.Namespace) -> int:
    """Renew the certificates or the CA, and print the order of deployment."""
    from ..certs import CertificateSet  # noqa: PLC0415

    certificates, dry_run = CertificateSet(directory_of(arguments)), arguments.dry_run
    if arguments.retire:
        if arguments.if_expiring is not None:
            arguments.parser.error("argument --if-expiring: not allowed with argument --retire")
        return show_change(certificates.retire_ca(dry_run=dry_run), arguments)
    renew = certificates.renew_ca if arguments.ca else certificates.renew
    change = renew(
        *(arguments.only or ()),
        days=arguments.days,
        key_type=arguments.key_type,
        within=arguments.if_expiring,
        dry_run=dry_run,
    )
    return show_change(change, arguments)


def _days(text: str) -> int:
    """An argparse type: a time in days (``30d`` or ``30``) or weeks (``4w``)."""
    match = re.fullmatch(r"([0-9]{1,5})([dw]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError("use days or weeks, such as 30d or 4w")
    return int(match[1]) * (7 if match[2] == "w" else 1)


def _add_repair(commands: Commands) -> None:
    parser = commands.add_parser(
        "repair",
        help="reissue the certificates of a set that clients or servers refuse",
        description="Reissue the certificates that gRPC, Go clients or a Milvus server with mutual "
        "TLS refuse, such as those of the guide's gen.sh. The CA keeps its key and name, so "
        "clients continue to trust it. Other files are not changed.",
    )
    add_directory(parser)
    add_names(parser)
    parser.add_argument(
        "--days",
        metavar="DAYS",
        type=int,
        help="validity of reissued certificates, in days (default: 365)",
    )
    add_dry_run(parser)
    parser.set_defaults(run=run_repair)


def run_repair(arguments: argparse.Namespace) -> int:
    """Repair a set, and print the order of deployment."""
    from ..certs import CertificateSet  # noqa: PLC0415

    change = CertificateSet(directory_of(arguments)).repair(
        arguments.name, arguments.ip, days=arguments.days, dry_run=arguments.dry_run
    )
    return show_change(change, arguments)
