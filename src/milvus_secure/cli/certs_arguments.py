"""Arguments that several ``certs`` commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import echo, text_width

if TYPE_CHECKING:
    from ..certs import Subject
    from ..certs.storage.change import Change

SUBJECT = (
    "country",
    "state",
    "location",
    "organization",
    "organizational_unit",
    "common_name",
)
"""The flags for parts of a subject, as `Subject` names them."""

KEY_TYPES = "p256 (default), p384, rsa2048, rsa3072 or rsa4096"


def add_directory(
    parser: argparse.ArgumentParser, what: str = "directory of the certificate set"
) -> None:
    """Take the directory as the first argument, or by ``--dir`` as in every command."""
    parser.add_argument(
        "directory", metavar="DIR", type=Path, nargs="?", action=_KeepFlag, help=what
    )
    parser.add_argument(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=Path,
        help="the same as DIR; works in every certs command",
    )
    parser.set_defaults(parser=parser)


def add_directory_flag(parser: argparse.ArgumentParser) -> None:
    """Take the directory by ``--dir`` only, where the first argument is something else."""
    parser.add_argument(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=Path,
        required=True,
        help="directory of the certificate set; it must contain ca.key",
    )


def directory_of(arguments: argparse.Namespace) -> Path:
    """The directory that `add_directory` took; a usage error if there is none."""
    if arguments.directory is None:
        arguments.parser.error("name the directory of the certificate set: DIR or --dir DIR")
    return Path(arguments.directory)


class _KeepFlag(argparse.Action):
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


def add_names(parser: argparse.ArgumentParser, whose: str = "the server") -> None:
    """``--name`` and ``--ip``, each as often as needed."""
    many: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument(
        "--name",
        metavar="NAME",
        help=f"host name of {whose}, or a wildcard such as *.example.com; repeat it for more",
        **many,
    )
    parser.add_argument(
        "--ip", metavar="ADDRESS", help=f"IP address of {whose}; repeat it for more", **many
    )


def add_key_type(parser: argparse.ArgumentParser, text: str = KEY_TYPES) -> None:
    """``--key-type``."""
    parser.add_argument("--key-type", metavar="TYPE", help=text)


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """``--dry-run``."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing; print what would change and which clients would stop working",
    )


def add_subject(parser: argparse.ArgumentParser) -> None:
    """A flag for each part of a subject."""
    group = parser.add_argument_group("subject", "parts of the certificates' subject")
    for part in SUBJECT:
        group.add_argument(f"--{part.replace('_', '-')}", metavar="TEXT")


def subject_of(arguments: argparse.Namespace) -> Subject:
    """The subject that the flags of `add_subject` describe."""
    from ..certs import Subject  # noqa: PLC0415 - loads cryptography

    return Subject(**{part: getattr(arguments, part) for part in SUBJECT})


def show_change(change: Change, arguments: argparse.Namespace) -> int:
    """Print what changed, or would; exit status 0."""
    echo(change.text(dry_run=arguments.dry_run, width=text_width()))
    return 0


def show_text(text: str) -> None:
    """Print a paragraph."""
    from ..certs.messages import fill  # noqa: PLC0415

    echo(fill(text, hang="    ", width=text_width()))
