"""Every setting as a flag, from its one declaration."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._common.endpoint import uri_of
from .._common.tls_mode import TLSMode

if TYPE_CHECKING:
    from ..client.settings import MilvusSettings

Commands = Any
"""What ``add_subparsers`` returns; argparse keeps its type to itself."""


def add_settings_flags(parser: argparse.ArgumentParser, *, repeatable: bool = False) -> None:
    """Add a flag for every setting, and those that say where the others are read.

    Args:
        parser: Where to add them.
        repeatable: Whether ``--profile`` and ``--uri`` may be given several times.
    """
    from ..settings.model import declarations  # noqa: PLC0415 - only the commands that need settings

    group = parser.add_argument_group(
        "settings",
        "each can also be set as an environment variable (MILVUS_ and the name in "
        "upper case) or in a settings file",
    )
    group.add_argument("--config", metavar="FILE", help="TOML, YAML or JSON settings file")
    many: dict[str, Any] = {"action": "append"} if repeatable else {}
    group.add_argument("--profile", metavar="NAME", help="[profiles.NAME] of that file", **many)
    group.add_argument("--env-file", metavar="FILE", help="read this file instead of .env")
    group.add_argument(
        "--env-prefix",
        metavar="PREFIX",
        help="prefix of the environment variables, instead of MILVUS_",
    )
    for row in declarations():
        flag = f"--{row.name.replace('_', '-')}"
        meaning = row.meaning.replace("`", "").replace("%", "%%")
        extra: dict[str, Any] = {"metavar": row.type.split()[0].upper()}
        if row.type == "true or false":
            extra = {"nargs": "?", "const": "true", "metavar": "BOOL"}
        elif row.name == "uri":
            extra.update(many)
        group.add_argument(flag, dest=row.name, help=meaning, **extra)


def add_endpoint(parser: argparse.ArgumentParser) -> None:
    """Let the endpoint be the first word of a command that connects to one server."""
    parser.add_argument(
        "endpoint",
        nargs="?",
        metavar="ENDPOINT",
        help="https://HOST:PORT, HOST or HOST:PORT, instead of the uri setting",
    )


def settings_from(arguments: argparse.Namespace, **changes: Any) -> MilvusSettings:  # noqa: ANN401
    """Load settings with the flags as the strongest source.

    Args:
        arguments: Parsed by a parser that `add_settings_flags` prepared.
        **changes: ``profile`` or any setting, instead of what the flags say.

    Raises:
        SettingsError: As `MilvusSettings` does; or if the endpoint is given twice.
    """
    from ..client.settings import MilvusSettings  # noqa: PLC0415
    from ..settings.model import declarations  # noqa: PLC0415

    values: dict[str, Any] = {row.name: getattr(arguments, row.name) for row in declarations()}
    if endpoint := getattr(arguments, "endpoint", None):
        if arguments.uri is not None:
            from ..errors import SettingsError  # noqa: PLC0415 - only for an error
            from ..reporting.finding import finding  # noqa: PLC0415

            message = "The endpoint is given twice, as the first argument and as --uri."
            raise SettingsError(
                finding(
                    "value-invalid", message, "Leave out --uri.", setting="uri", source="argument"
                )
            )
        values["uri"] = uri_of(endpoint)
    values |= {"config": arguments.config, "profile": arguments.profile}
    values["_env_prefix"] = arguments.env_prefix
    if arguments.env_file is not None:
        # Absolute, since a missing `.env` is no error unless it was named.
        values["env_file"] = Path(arguments.env_file).absolute()
    return MilvusSettings(**{**values, **changes})


def tls_mode(text: str) -> TLSMode:
    """An argparse type: one-way or mutual, by name or number."""
    try:
        mode = TLSMode.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if mode not in {TLSMode.ONE_WAY, TLSMode.MUTUAL}:
        raise argparse.ArgumentTypeError("use one-way or mutual (or 1, 2)")
    return mode


def port_number(text: str) -> int:
    """An argparse type: a port that can be dialled."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError("use a number from 1 to 65535")
    return int(text)
