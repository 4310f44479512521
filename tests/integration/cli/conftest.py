"""The program, run as users run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def cli(tmp_path: Path):
    """Run the program in an empty directory with nothing of the machine's MILVUS_ environment."""

    def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if "MILVUS" not in name}
        return subprocess.run(
            [sys.executable, "-m", "milvus_secure", *map(str, arguments)],
            cwd=tmp_path,
            env={**clean, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
