"""The command line, thin over the API: one module a command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module

from .._version import __version__
from ..errors import MilvusSecureError, SettingsError
from .console import say

COMMANDS = ("check", "settings", "explain", "certs", "server", "serve", "demo")

_USAGE = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``milvus-secure``.

    Args:
        argv: Arguments without the program's name; ``sys.argv`` when None.

    Returns:
        0 if all is well, 1 for findings at or above ``--fail-on``, 2 for wrong usage or settings
        that cannot be loaded, 130 when interrupted.
    """
    given = sys.argv[1:] if argv is None else argv
    # The grammar of the other commands takes longer to build than some commands to run.
    arguments = parser(set(given[:1]).intersection(COMMANDS)).parse_args(given)
    # gRPC writes its own lines to stderr for every handshake that fails; the report says more.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except SettingsError as error:
        from ..render import render_findings  # noqa: PLC0415 - only for an error

        say(render_findings(error.findings), error=True)
        return _USAGE
    except MilvusSecureError as error:
        say(f"error: {error}", error=True)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`); keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        return status
    return 0


def parser(only: Collection[str] = ()) -> argparse.ArgumentParser:
    """The grammar of the command line.

    Args:
        only: The commands to know; all of them when empty.
    """
    top = argparse.ArgumentParser(
        prog="milvus-secure",
        description="Connect to Milvus over TLS, and be told what is wrong when it fails.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in only or COMMANDS:
        import_module(f".{command}", __name__).add_parser(commands)
    return top
