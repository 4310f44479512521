"""``milvus-secure certs``: certificate sets made, extended, renewed and repaired."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import certs_inspect
from .console import echo
from .flags import Commands

if TYPE_CHECKING:
    from ..certs import Subject
    from ..certs.storage.change import Change

_KEY_TYPES = "p256 (default), p384, rsa2048, rsa3072 or rsa4096"


def add_parser(commands: Commands) -> None:
    """Mount the command and its own commands."""
    parser = commands.add_parser(
        "certs",
        help="make, show, renew and repair certificates",
        description="Certificate sets under the file names of Milvus's TLS guide.",
    )
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_init, _add_client, _add_renew, _add_sign, _add_csr, _add_repair):
        add(below)
    certs_inspect.add_parsers(below)


def _add_init(commands: Commands) -> None:
    parser = commands.add_parser(
        "init",
        help="make a CA, a server and a client certificate",
        description="Make ca, server and client files in DIR, all of them or none. With no "
        "--name and no --ip they are for localhost and 127.0.0.1.",
    )
    _add_directory(parser, "where to write them")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="TOML description; then only what differs is made",
    )
    _add_names(parser)
    _add_key_type(parser)
    parser.add_argument(
        "--days", metavar="DAYS", type=int, help="validity of server and client (default: 365)"
    )
    parser.add_argument(
        "--server-days", metavar="DAYS", type=int, help="validity of the server alone"
    )
    parser.add_argument(
        "--client-days", metavar="DAYS", type=int, help="validity of the client alone"
    )
    parser.add_argument(
        "--ca-days", metavar="DAYS", type=int, help="validity of the CA (default: 3650)"
    )
    parser.add_argument(
        "--intermediate",
        nargs="?",
        type=int,
        const=0,
        metavar="DAYS",
        help="an intermediate CA signs (default: as long as the CA)",
    )
    _add_subject(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace a set that is there, CA and all"
    )
    _add_dry_run(parser)
    parser.set_defaults(run=run_init)


def run_init(arguments: argparse.Namespace) -> int:
    """Make a set, or bring one into line with its description."""
    from ..certs import CertificateSet  # noqa: PLC0415 - loads cryptography
    from ..certs.issuing.plan import CA_DAYS, CLIENT, LEAF_DAYS, make_plan  # noqa: PLC0415
    from ..certs.issuing.plan_file import load_plan  # noqa: PLC0415
    from ..certs.messages import fill  # noqa: PLC0415
    from ..errors import CertificateError  # noqa: PLC0415

    directory = _directory(arguments)
    if arguments.config:
        if _describing(arguments):
            raise CertificateError(
                f"--config and {_describing(arguments)} both describe the set.",
                f"put it into {arguments.config}.",
            )
        plan = load_plan(arguments.config)
        if not arguments.force:
            return _show(
                CertificateSet(directory).conform(plan, dry_run=arguments.dry_run), arguments
            )
    else:
        days = LEAF_DAYS if arguments.days is None else arguments.days
        ca_days = CA_DAYS if arguments.ca_days is None else arguments.ca_days
        plan = make_plan(
            arguments.name,
            arguments.ip,
            key_type=arguments.key_type or "p256",
            server_days=days if arguments.server_days is None else arguments.server_days,
            clients={CLIENT: days if arguments.client_days is None else arguments.client_days},
            ca_days=ca_days,
            intermediate_days=arguments.intermediate
            or (None if arguments.intermediate is None else ca_days),
            subject=_subject(arguments),
        )
    change = CertificateSet(directory).make(
        plan, overwrite=arguments.force, dry_run=arguments.dry_run
    )
    _show(change, arguments)
    if not arguments.dry_run:
        ends = CertificateSet(directory).ends()
        echo("\n".join(f"{end.name} is valid until {end.end.date()}" for end in ends))
        echo(
            fill(
                "Keep ca.key on this machine; clients need ca.pem, and in mutual mode client.pem "
                "and client.key."
            )
        )
    return 0


def _describing(arguments: argparse.Namespace) -> str:
    flags = (
        "name",
        "ip",
        "key_type",
        "days",
        "server_days",
        "client_days",
        "ca_days",
        "intermediate",
        *_SUBJECT,
    )
    given = (flag for flag in flags if getattr(arguments, flag) not in (None, []))
    return ", ".join(f"--{flag.replace('_', '-')}" for flag in given)


def _add_client(commands: Commands) -> None:
    parser = commands.add_parser(
        "client",
        help="add a client certificate to a set",
        description="Issue NAME.pem and NAME.key under the CA of a set, with usage clientAuth.",
    )
    parser.add_argument(
        "client", metavar="NAME", help="its common name, and the name of its files without suffix"
    )
    _add_directory_flag(parser)
    parser.add_argument("--days", metavar="DAYS", type=int, help="validity (default: 365)")
    _add_key_type(parser)
    parser.add_argument("--force", action="store_true", help="replace files of that name")
    _add_dry_run(parser)
    parser.set_defaults(run=run_client)


def run_client(arguments: argparse.Namespace) -> int:
    """Issue one more client certificate."""
    from ..certs import CertificateSet  # noqa: PLC0415

    return _show(
        CertificateSet(arguments.directory).add_client(
            arguments.client,
            days=arguments.days,
            key_type=arguments.key_type,
            overwrite=arguments.force,
            dry_run=arguments.dry_run,
        ),
        arguments,
    )


def _add_renew(commands: Commands) -> None:
    parser = commands.add_parser(
        "renew",
        help="renew the certificates of a set, or its CA",
        description="Renew server and clients under the same CA. A CA is renewed in three steps: "
        "--ca, then without, then --retire; each prints what to deploy and in which order.",
    )
    _add_directory(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", metavar="NAME", action="append", help="such as server or client; repeatable"
    )
    which.add_argument("--ca", action="store_true", help="a new CA beside the old one")
    which.add_argument("--retire", action="store_true", help="take the old CA out of ca.pem")
    parser.add_argument(
        "--if-expiring",
        metavar="TIME",
        type=_days,
        help="only if one of them ends within this time, such as 30d or 4w; "
        "otherwise nothing is done, with exit status 0",
    )
    parser.add_argument("--days", metavar="DAYS", type=int, help="another validity than before")
    _add_key_type(parser, "another key type than before")
    _add_dry_run(parser)
    parser.set_defaults(run=run_renew)


def run_renew(arguments: argparse.Namespace) -> int:
    """Renew leaves or the CA, and print the order of deployment."""
    from ..certs import CertificateSet  # noqa: PLC0415

    held, dry_run = CertificateSet(_directory(arguments)), arguments.dry_run
    if arguments.if_expiring is not None:
        first = held.first_to_end(arguments.only or (), ca=arguments.ca or arguments.retire)
        if first.days_left >= arguments.if_expiring:
            echo(
                f"Nothing is due: {first.name} ends first, on {first.end.date()}, "
                f"in {first.days_left} days."
            )
            return 0
    wanted = {"days": arguments.days, "key_type": arguments.key_type, "dry_run": dry_run}
    if arguments.retire:
        change = held.retire_ca(dry_run=dry_run)
    elif arguments.ca:
        change = held.renew_ca(**wanted)
    else:
        change = held.renew(*(arguments.only or ()), **wanted)
    return _show(change, arguments)


def _add_sign(commands: Commands) -> None:
    parser = commands.add_parser(
        "sign",
        help="sign a certificate request with the CA of a set",
        description="Sign a request made elsewhere. Names given here replace those it asks for.",
    )
    parser.add_argument("request", metavar="CSR", type=Path, help="PEM or DER")
    _add_directory_flag(parser)
    parser.add_argument(
        "--role", choices=("server", "client"), required=True, help="what it is for"
    )
    _add_names(parser)
    parser.add_argument(
        "--days", metavar="DAYS", type=int, default=365, help="validity (default: 365)"
    )
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: the CSR's, as .pem")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    parser.set_defaults(run=run_sign)


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign a request made elsewhere."""
    from ..certs import CertificateSet  # noqa: PLC0415
    from ..certs.issuing.issue import Role  # noqa: PLC0415
    from ..certs.messages import fill  # noqa: PLC0415
    from ..certs.storage.store import write_file  # noqa: PLC0415

    chain = CertificateSet(arguments.directory).sign(
        arguments.request, Role(arguments.role), arguments.name, arguments.ip, days=arguments.days
    )
    out = arguments.out or arguments.request.with_suffix(".pem")
    write_file(out, chain, overwrite=arguments.force)
    echo(fill(f"{out}: signed as a {arguments.role} certificate", hang="    "))
    return 0


def _add_csr(commands: Commands) -> None:
    parser = commands.add_parser(
        "csr",
        help="make a key and a request for a company CA",
        description="Make a key and a signing request in DIR, for a CA that is not in a set.",
    )
    _add_directory(parser, "where to write them")
    parser.add_argument(
        "--role",
        choices=("server", "client"),
        default="server",
        help="what it is for (default: server)",
    )
    _add_names(parser)
    _add_key_type(parser)
    _add_subject(parser)
    parser.add_argument("--force", action="store_true", help="replace a key that is there")
    parser.set_defaults(run=run_csr)


def run_csr(arguments: argparse.Namespace) -> int:
    """Make a key and a request."""
    from ..certs.csr import make_request, write_request  # noqa: PLC0415
    from ..certs.issuing.issue import Role  # noqa: PLC0415
    from ..certs.messages import fill  # noqa: PLC0415

    files = make_request(
        Role(arguments.role),
        arguments.name,
        arguments.ip,
        arguments.key_type or "p256",
        _subject(arguments),
    )
    directory = _directory(arguments)
    write_request(directory, files, overwrite=arguments.force)
    role = arguments.role
    echo(fill(f"{directory}: {' '.join(sorted(files))}", hang="    "))
    echo(
        fill(
            f"Have {role}.csr signed with extended key usage {role}Auth, and put the answer, "
            f"leaf first, into {role}.pem."
        )
    )
    return 0


def _add_repair(commands: Commands) -> None:
    parser = commands.add_parser(
        "repair",
        help="reissue what is wrong in a set that gen.sh made",
        description="Keep the CA's key and name and reissue what clients, Go or Milvus's mutual "
        "mode refuse. Sound files stay as they are.",
    )
    _add_directory(parser)
    _add_names(parser)
    parser.add_argument(
        "--days", metavar="DAYS", type=int, help="validity of what is reissued (default: 365)"
    )
    _add_dry_run(parser)
    parser.set_defaults(run=run_repair)


def run_repair(arguments: argparse.Namespace) -> int:
    """Repair a set, and print the order of deployment."""
    from ..certs import CertificateSet  # noqa: PLC0415

    return _show(
        CertificateSet(_directory(arguments)).repair(
            arguments.name, arguments.ip, days=arguments.days, dry_run=arguments.dry_run
        ),
        arguments,
    )


_SUBJECT = (
    "country",
    "state",
    "location",
    "organization",
    "organizational_unit",
    "common_name",
)


def _add_subject(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("subject", "what the names of the certificates say")
    for part in _SUBJECT:
        group.add_argument(f"--{part.replace('_', '-')}", metavar="TEXT")


def _subject(arguments: argparse.Namespace) -> Subject:
    from ..certs import Subject  # noqa: PLC0415

    return Subject(**{part: getattr(arguments, part) for part in _SUBJECT})


def _add_directory(parser: argparse.ArgumentParser, what: str = "the certificate set") -> None:
    """Take the directory as the first argument or, as in every command, by ``--dir``."""
    parser.add_argument(
        "directory", metavar="DIR", type=Path, nargs="?", action=_KeepGiven, help=what
    )
    parser.add_argument(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=Path,
        help="the same, as in every command about a set",
    )
    parser.set_defaults(parser=parser)


class _KeepGiven(argparse.Action):
    """Stores a positional argument; one that is left out does not overwrite the flag."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        if values is not None:
            setattr(namespace, self.dest, values)


def _directory(arguments: argparse.Namespace) -> Path:
    if arguments.directory is None:
        arguments.parser.error("name the directory of the certificate set: DIR or --dir DIR")
    return Path(arguments.directory)


def _add_directory_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=Path,
        required=True,
        help="the certificate set, with ca.key in it",
    )


def _days(text: str) -> int:
    """An argparse type: a time in days (``30d`` or ``30``) or weeks (``4w``)."""
    match = re.fullmatch(r"([0-9]{1,5})([dw]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError("use days or weeks, such as 30d or 4w")
    return int(match[1]) * (7 if match[2] == "w" else 1)


def _add_names(parser: argparse.ArgumentParser) -> None:
    many: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--name", metavar="NAME", help="host name or wildcard; repeatable", **many)
    parser.add_argument("--ip", metavar="ADDRESS", help="IP address; repeatable", **many)


def _add_key_type(parser: argparse.ArgumentParser, told: str = _KEY_TYPES) -> None:
    parser.add_argument("--key-type", metavar="TYPE", help=told)


def _add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would change and break")


def _show(change: Change, arguments: argparse.Namespace) -> int:
    echo(change.text(dry_run=arguments.dry_run))
    return 0
