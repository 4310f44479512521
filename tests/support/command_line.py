"""The command line, run in this process: Python and the libraries are loaded already.

What a process of its own shows (pipes, terminals, signals, what is imported) has tests that start
the real program.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from milvus_secure.cli import main


def run_main(
    arguments: Sequence[object], folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``milvus-secure`` in a folder.

    Args:
        arguments: Without the program's name.
        folder: The working directory.
        environ: The variables that are set, besides those of this machine that concern neither
            Milvus nor gRPC.
    """
    machine = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
    words, before = [str(argument) for argument in arguments], Path.cwd()
    stdout, stderr = StringIO(), StringIO()
    with (
        mock.patch.dict(os.environ, {**machine, **environ}, clear=True),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        os.chdir(folder)
        try:
            status = main(words)
        except SystemExit as end:  # argparse ends the program itself
            status = int(end.code or 0)
        finally:
            os.chdir(before)
    return subprocess.CompletedProcess(words, status, stdout.getvalue(), stderr.getvalue())


def server_config(*arguments: object) -> int:
    """Run ``milvus-secure server config`` in the working directory; returns the exit status."""
    return main(["server", "config", *map(str, arguments)])
