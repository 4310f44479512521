"""One recipe for a framework runs here; `make frameworks` runs all, each from PyPI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.thorough
def test_the_recipe_for_gunicorn_runs_and_names_a_wrong_ca():
    pytest.importorskip("gunicorn", reason="gunicorn is for POSIX")
    completed = subprocess.run(
        [sys.executable, ROOT / "tools" / "frameworks.py", "--here", "gunicorn"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert completed.returncode == 0, completed.stdout
    assert completed.stdout.count(" ok") == 3
