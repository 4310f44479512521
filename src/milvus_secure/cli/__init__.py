"""The command line, thin over the API: one module a command."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any, NoReturn

from .._common.text import nearest
from .._common.versions import installed_version
from .._version import __version__
from ..errors import MilvusSecureError, SettingsError
from .console import echo, text_width

COMMANDS = (
    "check",
    "settings",
    "explain",
    "certs",
    "server",
    "tunnel",
    "serve",
    "demo",
    "completion",
)

_LONG_RUNNING = {"tunnel", "serve", "demo"}
_USAGE = 2
_LONG_USAGE = 8
"""Lines of usage beyond which they would hide the error that follows them."""
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``milvus-secure``.

    Args:
        argv: Arguments without the program's name; ``sys.argv`` when None.

    Returns:
        0 if all is well, 1 for findings at or above ``--fail-on``, 2 for wrong usage or settings
        that cannot be loaded, 130 when interrupted.
    """
    if argv is not None:
        return _run(argv)
    # Most commands end before there is garbage worth a search: that of the modules that are loaded,
    # and at exit of all that is left, takes a sixth of an offline check.
    gc.disable()
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()


def _run(argv: Sequence[str]) -> int:
    # gRPC writes its own lines to stderr for every handshake that fails; the report says more.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        if list(argv[:1]) == ["--version"]:  # ahead of the grammar, which takes longer than this
            _show_versions()
            return 0
        arguments = _parsed(argv)
        status: int = arguments.run(arguments)
    except SettingsError as error:
        echo(error.text(text_width(error=True)), error=True)
        return _USAGE
    except MilvusSecureError as error:
        echo(error.text(text_width(error=True)), error=True)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`); keep the interpreter from complaining at exit.
        _drop_output()
    except OSError as error:  # a path that cannot be, or a full disk behind stdout
        from .._common.text import printable  # noqa: PLC0415 - only for an error

        _drop_output()
        place = f"{printable(os.fsdecode(error.filename))}: " if error.filename else _lost_place()
        echo(f"error: {place}{(error.strerror or type(error).__name__).lower()}", error=True)
        return 1
    else:
        return status
    return 0


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    # The grammar of the other commands takes longer to build than some commands to run.
    names = set(argv[:1]).intersection(COMMANDS)
    grammar = parser(names, argv[1:2])
    arguments, unknown = grammar.parse_known_args(argv)
    if names & _LONG_RUNNING or getattr(arguments, "wait", None):
        gc.enable()
    if unknown:  # not their values: a misspelled --pasword has a secret behind it
        flags = [word.partition("=")[0] for word in unknown if word.startswith("--")]
        count = f"{len(unknown)} argument{'s' if len(unknown) > 1 else ''} too many"
        named = f"unrecognized arguments: {' '.join(flags)}{_meant(flags, grammar, argv)}"
        grammar.error(named if flags else f"{count}; see --help")
    return arguments


def _meant(flags: list[str], grammar: argparse.ArgumentParser, argv: Sequence[str]) -> str:
    """The flag that a misspelled one is close to, as a hint."""
    known: list[str] = []
    parsers = [grammar]
    for command in parsers:
        for action in command._actions:  # noqa: SLF001 - argparse has no other way to ask
            known += action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
                parsers += [action.choices[word] for word in argv[:2] if word in action.choices]
    close = [match for flag in flags if (match := nearest(flag, known))]
    return f". Did you mean {', '.join(close)}?" if close else ""


def _lost_place() -> str:
    """What an error without a file name is about, where that can be known."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib takes long to import
    except OSError:
        return "the working directory: "
    return ""


def _drop_output() -> None:
    """Let what cannot be written go, so that nothing more fails at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Formatter(argparse.HelpFormatter):
    """Breaks no line within a command such as ``milvus-secure``."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        from textwrap import wrap  # noqa: PLC0415 - only for help

        return wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in self._split_lines(text, width - len(indent)))


class _Parser(argparse.ArgumentParser):
    """Repeats no value in an error: a secret may stand where another word was expected."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as argparse
        super().__init__(formatter_class=_Formatter, **options)

    def print_help(self, file: Any = None) -> None:  # noqa: ANN401 - as argparse
        super().print_help(file)
        stream = file or sys.stdout
        if stream is not None:  # a reader that has gone is noticed here, not at exit
            stream.flush()

    def error(self, message: str) -> NoReturn:
        message = re.sub(r"(?s)(ambiguous option: --[\w-]+)=.* could", r"\1 could", message)
        usage = self.format_usage()
        if usage.count("\n") > _LONG_USAGE:
            usage = f"usage: {self.prog} ...; all options: {self.prog} --help\n"
        self.exit(_USAGE, f"{usage}{self.prog}: error: {message}\n")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:  # noqa: ANN401 - as argparse
        convert = self._registry_get("type", action.type, action.type)
        try:
            return convert(arg_string)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentError(action, str(error)) from None
        except ValueError:  # of int and float; argparse repeats the value
            raise argparse.ArgumentError(action, "use a number") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - as argparse
        choices = None if action.choices is None else [str(choice) for choice in action.choices]
        if choices is None or value in (action.choices or ()):
            return
        close = nearest(str(value), choices)
        hint = f" Did you mean {close!r}?" if close else ""
        raise argparse.ArgumentError(
            action, f"there is no such choice.{hint} Choose from {', '.join(choices)}."
        )


class _Version(argparse.Action):
    """Show the versions, and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        _show_versions()
        parser.exit()


def _show_versions() -> None:
    """Print this release and those of its foundations; none of them is imported."""
    names = ("pymilvus", "grpcio", "cryptography")
    releases = [f"{name} {installed_version(name)}" for name in names]
    echo(f"milvus-secure {__version__}")
    echo(", ".join([*releases, f"Python {sys.version.split()[0]}"]))


def parser(only: Collection[str] = (), words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The grammar of the command line.

    Args:
        only: The commands to know; all of them when empty.
        words: What follows the command, so that a command with commands of its own need not
            prepare the others; all of them when empty.
    """
    top = _Parser(
        prog="milvus-secure",
        description="Connect to Milvus over TLS, and find the cause when it fails.",
    )
    top.add_argument(
        "--version",
        nargs=0,
        action=_Version,
        help="show the versions of this program and its libraries, and exit",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in only or COMMANDS:
        add_parser = import_module(f".{command}", __name__).add_parser
        add_parser(commands, words) if command == "certs" else add_parser(commands)
    return top
