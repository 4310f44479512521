"""Build wheel and sdist twice from one commit, compare them, and check the wheel's content.

Times inside the archives are those of the commit (``SOURCE_DATE_EPOCH``), so that anyone who
builds it gets the very same bytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
DATA = (".toml", ".json", "py.typed")


def main() -> int:
    """Leave the two archives in ``dist``; 1 if they differ or lack something."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _output("git", "log", "-1", "--format=%ct")
    environ = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    with tempfile.TemporaryDirectory(prefix="milvus-secure-build-") as again:
        digests = [_build(folder, environ) for folder in (DIST, Path(again))]
    for name, digest in digests[0].items():
        sys.stdout.write(f"{digest}  {name}\n")
    if digests[0] != digests[1]:
        return _wrong("the second build differs from the first")
    [wheel] = DIST.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("milvus_secure/")}
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "milvus_secure").rglob("*")
        if path.name.endswith((".py", *DATA))
    }
    if packed != expected:
        return _wrong(f"the wheel and src differ: {', '.join(sorted(packed ^ expected))}")
    return 0


def _build(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    # Not isolated: hatchling writes its version into the wheel, and here it is pinned.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, timeout=600)  # noqa: S603 - fixed
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _output(*command: str) -> str:
    return subprocess.run(  # noqa: S603 - fixed
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=600
    ).stdout.strip()


def _wrong(words: str) -> int:
    sys.stderr.write(f"error: {words}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
