"""``milvus-secure tunnel``: a local endpoint for programs that know a URI and a token only."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import TYPE_CHECKING

from .console import echo
from .flags import Commands, add_endpoint, add_settings_flags, settings_from

if TYPE_CHECKING:
    from ..client.tunnel import Listen

_DEFAULT = "127.0.0.1:19531"


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "tunnel",
        help="open a local plaintext endpoint that forwards over the configured TLS",
        description="Listen on this machine without TLS and forward each connection to the "
        "configured server over verified one-way or mutual TLS, until Ctrl-C or SIGTERM. "
        "It adds no credentials: the program that connects must send its token itself.",
    )
    parser.add_argument(
        "--listen",
        default=_DEFAULT,
        metavar="ADDRESS",
        help=f"HOST:PORT or unix:PATH; port 0 picks a free one (default: {_DEFAULT})",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="accept connections from other machines too, unencrypted",
    )
    add_endpoint(parser)
    add_settings_flags(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Forward until a signal comes."""
    import asyncio  # noqa: PLC0415 - for this command alone
    import logging  # noqa: PLC0415
    import signal  # noqa: PLC0415

    from ..client.tunnel import Tunnel, parse_listen  # noqa: PLC0415

    try:
        listen = parse_listen(arguments.listen)
    except ValueError as error:
        arguments.parser.error(f"argument --listen: {error}")
    if not listen.is_local and not arguments.allow_remote:
        arguments.parser.error(
            "argument --listen: other machines could use this address without TLS; "
            "add --allow-remote if that is what you want"
        )
    settings = settings_from(arguments)
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    tunnel = Tunnel(settings, listen)

    async def forward() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stopped.set)
        await tunnel.serve(stopped, lambda bound: echo(_greeting(bound, settings.uri)))

    asyncio.run(forward())
    return 0


def _greeting(bound: Listen, uri: str) -> str:
    users = (
        "Every machine that reaches this address may use it, without TLS."
        if not bound.is_local
        else "Only this user may connect to it."
        if bound.path
        else "Every user and program on this machine may connect to it."
    )
    return (
        f"The tunnel forwards {bound.uri} to {uri} over TLS; Ctrl-C ends it.\n"
        f"{users} It adds no credential: the program sends its token.\n"
        f"Set the program's Milvus URI to: {bound.uri}"
    )
