"""The program as users call it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from command_line import run_main


@pytest.fixture
def cli(tmp_path: Path):
    """Run the program in an empty directory, without MILVUS_ variables of this machine."""

    def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return run_main(arguments, tmp_path, environ)

    return run
