"""Run the tests that touch pymilvus under other releases of it, each in a throw-away venv.

    python tools/matrix.py [RELEASE ...]

The releases are the edges where pymilvus changed how it shares channels or waits for them; see
`milvus_secure.wiring` and `milvus_secure.client`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASES = ("2.4.15", "2.5.12", "2.5.18", "2.6.9", "2.6.10", "2.6.17", "3.0.0", "3.0.2")
TESTS = (
    "test_client.py",
    "test_async_client.py",
    "test_pool_isolation.py",
    "test_wiring.py",
    "test_pymilvus_facts.py",
)
# pkg_resources, which the oldest releases import, went with setuptools 81.
TOOLS = ("pytest", "pytest-asyncio", "pytest-xdist", "setuptools<81")


def run(release: str) -> bool:
    """Install one release beside this project and run the tests; True if all passed."""
    with tempfile.TemporaryDirectory(prefix="milvus-secure-matrix-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        install = [python, "-m", "pip", "install", "--quiet", "--editable", ROOT]
        subprocess.run([*install, f"pymilvus=={release}", *TOOLS], check=True)  # noqa: S603 - fixed
        # What pymilvus itself warns of is not judged here.
        pytest = [python, "-m", "pytest", "-q", "-n", "2", "-o", "filterwarnings=default"]
        tests = [ROOT / "tests" / name for name in TESTS]
        return subprocess.run([*pytest, *tests], cwd=ROOT, check=False).returncode == 0  # noqa: S603 - fixed


def main(releases: list[str]) -> int:
    """Run every release asked for, all of the edges when none is."""
    outcome = {}
    for release in releases or RELEASES:
        sys.stdout.write(f"== pymilvus {release}\n")
        sys.stdout.flush()
        outcome[release] = run(release)
    for release, passed in outcome.items():
        sys.stdout.write(f"pymilvus {release:8} {'passed' if passed else 'FAILED'}\n")
    return 0 if all(outcome.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
