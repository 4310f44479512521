"""Python programs that start as forks of a process in which large libraries are loaded.

Loading pandas takes longer than most programs here run. Nothing that reads the environment is
loaded in advance: neither gRPC nor pymilvus nor this project. Functions registered with atexit do
not run.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

from processes import LIMIT

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pandas", "requests", "pydantic_settings", "OpenSSL.SSL"])


def run_python(
    program: str | Path, *arguments: object, folder: Path | None = None, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, without warnings.

    Args:
        program: Its text, or the path of its file.
        *arguments: `sys.argv` from 1 on.
        folder: The working directory; this process's when None.
        environ: The whole environment.
    """
    words = [str(argument) for argument in arguments]
    with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
        outputs = {1: stdout.name, 2: stderr.name}
        process = _FORKS.Process(
            target=_run, args=(program, words, folder or Path.cwd(), dict(environ), outputs)
        )
        process.start()
        process.join(LIMIT)
        process.kill()
        process.join(LIMIT)
        printed = [Path(path).read_text("utf-8") for path in outputs.values()]
        return subprocess.CompletedProcess([program, *words], process.exitcode, *printed)


def _run(program, words, folder, environ, outputs) -> None:
    for descriptor, path in outputs.items():
        os.dup2(os.open(path, os.O_WRONLY), descriptor)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    warnings.simplefilter("ignore")
    sys.argv = [str(program), *words]
    if isinstance(program, Path):
        sys.path[0] = str(program.parent)
        runpy.run_path(str(program), run_name="__main__")
    else:
        sys.path.insert(0, "")
        exec(program, {"__name__": "__main__"})
