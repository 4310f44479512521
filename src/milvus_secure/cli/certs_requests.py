"""The ``certs`` commands about certificate requests: csr and sign."""

from __future__ import annotations

import argparse
from pathlib import Path

from .certs_arguments import (
    add_directory,
    add_directory_flag,
    add_key_type,
    add_names,
    add_subject,
    directory_of,
    show_text,
    subject_of,
)
from .flags import Commands

_ROLES = ("server", "client")


def add_parsers(commands: Commands) -> None:
    """Mount the commands."""
    _add_sign(commands)
    _add_csr(commands)


def _add_sign(commands: Commands) -> None:
    parser = commands.add_parser(
        "sign",
        help="sign a certificate request with the CA of a set",
        description="Sign a certificate request (CSR) that was made elsewhere, with the CA of a "
        "set. The private key stays where the request was made.",
    )
    parser.add_argument("request", metavar="CSR", type=Path, help="the request, PEM or DER")
    add_directory_flag(parser)
    parser.add_argument(
        "--role",
        choices=_ROLES,
        required=True,
        help="whether a server or a client will use the certificate",
    )
    add_names(parser, "the server, instead of those in the request")
    parser.add_argument(
        "--days", metavar="DAYS", type=int, default=365, help="validity in days (default: 365)"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="where to write the certificate (default: in the directory of the CSR, with the "
        "suffix .pem)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.set_defaults(run=run_sign)


def run_sign(arguments: argparse.Namespace) -> int:
    """Sign a request that was made elsewhere."""
    from ..certs import CertificateSet  # noqa: PLC0415 - loads cryptography
    from ..certs.issuing.issue import Role  # noqa: PLC0415
    from ..certs.storage.store import write_file  # noqa: PLC0415

    chain = CertificateSet(arguments.directory).sign(
        arguments.request, Role(arguments.role), arguments.name, arguments.ip, days=arguments.days
    )
    out = arguments.out or arguments.request.with_suffix(".pem")
    write_file(out, chain, overwrite=arguments.force)
    show_text(f"{out}: signed as a {arguments.role} certificate")
    return 0


def _add_csr(commands: Commands) -> None:
    parser = commands.add_parser(
        "csr",
        help="make a key and a certificate request for a company's CA",
        description="Make a private key and a certificate request (CSR) in DIR. Send the request "
        "to a CA outside of the set, such as your company's.",
    )
    add_directory(parser, "directory for the key and the request")
    parser.add_argument(
        "--role",
        choices=_ROLES,
        default="server",
        help="whether a server (default) or a client will use the certificate",
    )
    add_names(parser)
    add_key_type(parser)
    add_subject(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace a key and a request that exist"
    )
    parser.set_defaults(run=run_csr)


def run_csr(arguments: argparse.Namespace) -> int:
    """Make a key and a request."""
    from ..certs.csr import make_request, write_request  # noqa: PLC0415
    from ..certs.issuing.issue import Role  # noqa: PLC0415

    directory, role = directory_of(arguments), arguments.role
    files = make_request(
        Role(role),
        arguments.name,
        arguments.ip,
        arguments.key_type or "p256",
        subject_of(arguments),
    )
    write_request(directory, files, overwrite=arguments.force)
    show_text(f"{directory}: {' '.join(sorted(files))}")
    show_text(
        f"Let your CA sign {role}.csr with the extended key usage {role}Auth. Put the certificate "
        f"it returns, followed by its intermediate certificates, into {role}.pem."
    )
    return 0
