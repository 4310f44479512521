"""``milvus-secure completion``: completion of commands, options and files for a shell."""

from __future__ import annotations

import argparse

from .console import echo
from .flags import Commands


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "completion",
        help="print a completion script for bash or zsh",
        description="Print a script that completes this program's commands and options. "
        'Bash: eval "$(milvus-secure completion bash)" in ~/.bashrc. '
        "Zsh: milvus-secure completion zsh > a file _milvus-secure in a directory of $fpath.",
    )
    parser.add_argument("shell", choices=("bash", "zsh"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    import shtab  # noqa: PLC0415 - for this command alone

    from . import parser  # noqa: PLC0415 - the whole grammar, which this module is a part of

    grammar = parser()
    _complete_paths(grammar, shtab.FILE)
    echo(shtab.complete(grammar, shell=arguments.shell))
    return 0


def _complete_paths(parser: argparse.ArgumentParser, files: object) -> None:
    """Have shtab complete file names where a path is expected."""
    for action in parser._actions:  # noqa: SLF001 - as shtab itself reads a grammar
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                _complete_paths(command, files)
        elif action.metavar in {"CSR", "DIR", "FILE", "FILE|URL", "PATH"}:
            action.complete = files  # type: ignore[attr-defined]  # shtab's way
