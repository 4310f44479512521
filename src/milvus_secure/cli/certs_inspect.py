"""The ``certs`` commands that change no set: show, status, export."""

from __future__ import annotations

import argparse
import getpass
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CertificateError
from .certs_arguments import add_directory, directory_of, show_text
from .console import echo, spinner, text_width
from .flags import Commands, add_settings_flags, settings_from

if TYPE_CHECKING:
    from ..certs.inspect.contents import Contents
    from ..certs.inspect.status import Renewal

_MAX_PASSWORD = 4096


def add_parsers(commands: Commands, *, with_settings: bool = True) -> None:
    """Mount the commands.

    Args:
        commands: Where to mount them.
        with_settings: Whether ``status`` gets a flag for each setting.
    """
    _add_show(commands)
    _add_status(commands, with_settings=with_settings)
    _add_export(commands)


def _add_show(commands: Commands) -> None:
    parser = commands.add_parser(
        "show",
        help="show certificates, keys and requests",
        description="Show what PEM, DER, PKCS#12 and PKCS#7 files contain, which key belongs to "
        "which "
        "certificate, and the certificates that a server presents.",
    )
    parser.add_argument(
        "file",
        metavar="FILE|URL",
        nargs="+",
        help="a file, a directory with .pem, .key and .csr files, or a server such as "
        "https://localhost:19530 or localhost:19530; a server's certificates are not verified",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    _add_password(parser)
    parser.set_defaults(run=run_show)


def run_show(arguments: argparse.Namespace) -> int:
    """Show files; 1 if one of them cannot be read. The others are shown."""
    from ..certs.inspect.contents import Contents  # noqa: PLC0415
    from ..certs.inspect.show import describe, render  # noqa: PLC0415

    read = [
        path if isinstance(path, CertificateError) else _read(path, arguments)
        for path in _expanded(arguments.file)
    ]
    contents = [result for result in read if isinstance(result, Contents)]
    errors = [result for result in read if isinstance(result, CertificateError)]
    described = describe(contents)
    if arguments.format == "json":
        echo(json.dumps(described, indent=2, ensure_ascii=False))
    elif contents:
        echo(render(described, text_width()))
    for error in errors:
        echo(error.text(text_width(error=True)), error=True)
    return 1 if errors else 0


def _read(path: Path | str, arguments: argparse.Namespace) -> Contents | CertificateError:
    from ..certs.inspect.contents import read_contents  # noqa: PLC0415

    try:
        if isinstance(path, str):
            return _presented(path)
        return read_contents(path, lambda prompt: _password(arguments, prompt))
    except CertificateError as error:
        return error


def _presented(uri: str) -> Contents:
    """The certificates that a server presents; none of them is verified."""
    from ..certs.inspect.contents import Contents  # noqa: PLC0415
    from ..client.settings import MilvusSettings  # noqa: PLC0415
    from ..diagnosis.context import Context  # noqa: PLC0415
    from ..diagnosis.probe import probe  # noqa: PLC0415

    settings = MilvusSettings.from_arguments(uri=uri)
    with spinner(f"Asking {settings.uri} ..."):
        observation = probe(Context(settings, {}))
    if observation.tls is None or not observation.tls.chain:
        raise CertificateError(
            f"{settings.uri} presented no certificate.",
            "To see why:",
            shlex.join(["milvus-secure", "check", settings.uri]),
        )
    return Contents(settings.uri, "presented", certificates=list(observation.tls.chain))


def _expanded(names: list[str]) -> Iterator[Path | str | CertificateError]:
    suffixes = {".pem", ".key", ".csr", ".crt", ".cer", ".der", ".p12", ".pfx"}
    for name in names:
        path = Path(name)
        if "://" in name:
            yield name
        elif re.fullmatch(r"\[?[\w.:-]+\]?:\d{1,5}", name) and not path.exists():
            yield f"https://{name}"
        elif not path.is_dir():
            yield path
        elif files := sorted(file for file in path.iterdir() if file.suffix in suffixes):
            yield from files
        else:
            yield CertificateError(
                f"{path} contains no certificate, key or request.",
                f"Name a file, or a directory that contains {', '.join(sorted(suffixes))}.",
            )


def _add_status(commands: Commands, *, with_settings: bool) -> None:
    parser = commands.add_parser(
        "status",
        help="list certificates by the date on which they expire",
        description="List every certificate that the settings refer to, and those in PATH, the "
        "first to expire first. For a certificate set whose CA is being renewed, print the next "
        "step. The exit status is 1 if a certificate expires soon, has expired or cannot be read.",
    )
    parser.add_argument(
        "path", metavar="PATH", type=Path, nargs="*", help="files, or directories with *.pem files"
    )
    parser.add_argument("--format", choices=("text", "json", "prometheus"), default="text")
    if with_settings:
        add_settings_flags(parser)
    parser.set_defaults(run=run_status)


def run_status(arguments: argparse.Namespace) -> int:
    """Print the rows; 1 if one of them needs attention."""
    from ..certs.inspect import status  # noqa: PLC0415
    from ..diagnosis.material import read_material  # noqa: PLC0415

    settings = settings_from(arguments)
    warning_days = settings.expiry_warning_days
    rows = status.by_expiry(
        [
            *status.of_material(read_material(settings), warning_days),
            *status.of_paths(arguments.path, warning_days),
        ]
    )
    renewals = list(_renewals(arguments.path))
    formats: dict[str, Callable[[list[status.Row]], str]] = {
        "text": partial(status.as_text, width=text_width()),
        "json": partial(status.as_json, renewals=renewals),
        "prometheus": status.as_prometheus,
    }
    echo(formats[arguments.format](rows))
    if arguments.format == "text":
        for renewal in renewals:
            show_text(
                f"The CA of {renewal.directory} is being renewed. Next: {renewal.next_step}\n"
                f"{renewal.command}"
            )
    return 0 if all(row.good for row in rows) else 1


def _renewals(directories: list[Path]) -> Iterator[Renewal]:
    """The sets whose CA is being renewed, each with its next step."""
    from ..certs.ca_renewal import next_step  # noqa: PLC0415
    from ..certs.inspect.inventory import Inventory  # noqa: PLC0415
    from ..certs.inspect.status import Renewal  # noqa: PLC0415

    for directory in directories:
        if (directory / "ca.pem").is_file():
            with suppress(CertificateError):  # what cannot be read is in the table already
                step = next_step(Inventory(directory))
                if step is not None:
                    yield Renewal(str(directory), *step)


def _add_export(commands: Commands) -> None:
    parser = commands.add_parser(
        "export",
        help="write a client's key and certificate as PKCS#12, for Java and others",
        description="Write a client's key, its certificate chain and the CA into one file, "
        "encrypted with a password (PKCS#12).",
    )
    add_directory(parser)
    parser.add_argument(
        "--client", default="client", metavar="NAME", help="name of the client (default: client)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write (default: DIR/NAME.p12)"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    _add_password(parser)
    parser.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> int:
    """Write the store."""
    from ..certs import CertificateSet  # noqa: PLC0415
    from ..certs.storage.store import write_file  # noqa: PLC0415

    directory = directory_of(arguments)
    out = arguments.out or directory / f"{arguments.client}.p12"
    password = _password(arguments, f"New password for {out}", twice=True)
    store = CertificateSet(directory).export_pkcs12(password, arguments.client)
    write_file(out, store, private=True, overwrite=arguments.force)
    show_text(f"{out}: key and certificate of {arguments.client} with their CA, as PKCS#12")
    return 0


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        type=Path,
        help="file whose first line is the password (default: ask on the terminal)",
    )


def _password(arguments: argparse.Namespace, prompt: str, *, twice: bool = False) -> str:
    if arguments.password_file is not None:
        return _first_line(arguments.password_file)
    if not sys.stdin.isatty():
        raise CertificateError(
            f"{prompt}: there is no terminal to ask on.", "Add --password-file FILE."
        )
    password = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass("Again: ") != password:
        raise CertificateError("The two passwords are different.", "Run the command again.")
    return password


def _first_line(path: Path) -> str:
    """The first line of a file; a pipe will do, as a shell makes it for ``<(command)``."""
    try:
        with path.open("rb") as stream:
            line = stream.readline(_MAX_PASSWORD)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise CertificateError(f"{path} cannot be read: {why}.", "Name another file.") from None
    return line.decode("utf-8", "surrogateescape").rstrip("\r\n")
