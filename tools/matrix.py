"""Run a quick lane of the tests on other releases of Python, pymilvus and what else is needed.

    python tools/matrix.py [--quick] [PYTHON PYMILVUS]

Each lane gets a throw-away environment under ``.matrix``, made by uv. The releases of pymilvus are
those where it changed how it shares channels or waits for them; see ``docs/compatibility.md``.
A Python that this machine lacks is reported and skipped; ``--quick`` uses the nearest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / ".matrix"
PINS = ROOT / "requirements"
UV = Path(sys.executable).with_name("uv")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
RELEASES = ("2.4.15", "2.5.18", "2.6.17", "3.0.2", "latest")
PINNED = {"oldest": "oldest.txt", "pinned": "dev.txt"}
"""As a release: the lowest version of every dependency that pyproject.toml admits, and those
which ``make test`` runs with. Both are pinned; what a named release needs is resolved anew."""

TESTS = (
    "differential/test_material.py",
    "differential/test_names.py",
    "differential/test_pymilvus_facts.py",
    "differential/test_trust.py",
    "integration/cli/test_cli.py",
    "integration/client",
    "integration/server",
    "security/test_isolation_property.py",
    "security/test_pool_isolation.py",
    "unit/diagnosis",
    "unit/pem",
    "unit/reporting",
    "unit/settings",
    "unit/verification",
)


class Lane(NamedTuple):
    """One Python with one release of pymilvus."""

    python: str
    release: str


class Outcome(NamedTuple):
    """How a lane ended, in one line."""

    passed: bool
    words: str


ALL = (Lane(PYTHONS[0], "oldest"), *(Lane(*pair) for pair in product(PYTHONS, RELEASES)))


def quick() -> tuple[Lane, ...]:
    """The oldest of everything, and the newest Python on this machine."""
    here = [version for version in PYTHONS if _interpreter(version)] or [_ours()]
    lanes = Lane(here[0], "oldest"), Lane(here[-1], "pinned")
    # If there is only this Python, the suite itself has run on it.
    return lanes if here[-1] != _ours() else lanes[:1]


def main(argv: list[str] | None = None) -> int:
    """Run the requested lanes; 1 if one failed or none could be run."""
    parser = argparse.ArgumentParser(description="Run the tests on other releases.")
    parser.add_argument("--quick", action="store_true", help="oldest and newest only")
    parser.add_argument("lane", nargs="*", help="one Python and one pymilvus, such as 3.10 2.4.15")
    arguments = parser.parse_args(argv)
    if len(arguments.lane) not in {0, 2}:
        parser.error("name a Python and a release of pymilvus, or neither")
    lanes = (Lane(*arguments.lane),) if arguments.lane else quick() if arguments.quick else ALL
    outcomes = {lane: _run(lane) for lane in lanes}
    _say("\nPython  pymilvus  outcome")
    for lane, outcome in outcomes.items():
        _say(f"{lane.python:<7} {lane.release:<9} {outcome.words}")
    executed = [outcome for outcome in outcomes.values() if outcome.words != _ABSENT]
    return 0 if executed and all(outcome.passed for outcome in executed) else 1


_ABSENT = "not run: this machine has no such Python"


def _run(lane: Lane) -> Outcome:
    python = _interpreter(lane.python)
    if python is None:
        return Outcome(passed=False, words=_ABSENT)
    folder = HERE / f"{lane.python}-{lane.release}"
    _say(f"== Python {lane.python}, pymilvus {lane.release}")
    try:
        _install(lane, python, folder)
    except subprocess.CalledProcessError:
        return Outcome(passed=False, words="FAILED: its dependencies cannot be installed")
    start = time.monotonic()
    # What pymilvus itself warns of on the newest Python is not judged here.
    command = [
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "-p",
        "no:cacheprovider",
        "-o",
        "filterwarnings=default",
    ]
    tests = [f"tests/{name}" for name in TESTS]
    completed = subprocess.run(  # noqa: S603 - fixed
        [folder / "bin" / "python", *command, *tests], cwd=ROOT, check=False, timeout=3600
    )
    passed = completed.returncode == 0
    return Outcome(
        passed, f"{'passed' if passed else 'FAILED'} in {time.monotonic() - start:.0f} s"
    )


def _install(lane: Lane, python: str, folder: Path) -> None:
    _uv("venv", "--quiet", "--clear", "--python", python, str(folder))
    install = ["pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    if lane.release in PINNED:
        pins = str(PINS / PINNED[lane.release])
        _uv(*install, "--no-deps", "--require-hashes", "--requirement", pins)
        _uv(*install, "--no-deps", "--no-build-isolation", "--editable", ".")
        return
    requirements = ["--editable", ".[embedded]", "--group", "test"]
    requirements += [
        "--override",
        str(PINS / "override.txt"),
        "--requirement",
        str(PINS / "oldest.in"),
    ]
    if lane.release != "latest":
        requirements.append(f"pymilvus=={lane.release}")
    _uv(*install, *requirements)


def _uv(*arguments: str) -> None:
    subprocess.run([UV, *arguments], cwd=ROOT, check=True, timeout=1800)  # noqa: S603 - fixed


def _ours() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _interpreter(version: str) -> str | None:
    """A Python of this version: on the path, or in pyenv's directory."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [shutil.which(f"python{version}"), *kept.glob(f"{version}.*/bin/python")]
    for python in filter(None, candidates):
        try:  # pyenv has shims also for versions that are not installed
            probe = subprocess.run(  # noqa: S603 - an interpreter of this machine
                [python, "-c", ""], capture_output=True, check=False, timeout=120
            )
        except OSError:
            continue
        if probe.returncode == 0:
            return str(python)
    return None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
