"""What the Makefile does before its virtual environment exists."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from processes import empty_environment

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the files that the set-up of `make demo` reads."""
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/demo.txt"):
        (tmp_path / name).touch()
    shutil.copy(MAKEFILE, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=empty_environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_a_python_that_is_too_old_gets_one_line_and_no_environment(checkout, python):
    completed = make(checkout, "demo", f"PYTHON={python}")
    assert completed.returncode != 0
    [line] = completed.stderr.splitlines()
    assert f"milvus-secure needs Python 3.10 or newer, which {python} is not." in line
    assert "make PYTHON=python3.12 demo" in line
    assert not (checkout / ".venv").exists()


def test_the_installation_says_what_it_downloads(checkout):
    completed = make(checkout, "--dry-run", "demo", f"PYTHON={sys.executable}")
    assert (
        "Installing into .venv: milvus-secure and Milvus Lite (120 MB to download"
        in completed.stdout
    )


def environment_is_made_again(checkout: Path) -> bool:
    completed = make(checkout, "--dry-run", "demo", f"PYTHON={sys.executable}")
    assert completed.returncode == 0, completed.stderr
    return "rm -rf .venv" in completed.stdout


def test_an_environment_is_kept_unless_its_set_up_was_interrupted(checkout):
    assert environment_is_made_again(checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert not environment_is_made_again(checkout)
    (checkout / ".venv" / ".unfinished").touch()
    assert environment_is_made_again(checkout)


def test_an_environment_without_its_python_is_made_again(checkout):
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(checkout / "gone")
    assert environment_is_made_again(checkout)
