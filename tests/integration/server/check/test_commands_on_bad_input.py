"""server check as a command, on input that never ends and on what could be run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from processes import started

SERVICE = "services:\n  standalone:\n    image: milvusdb/milvus:v2.6.15\n"


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "milvus_secure", "server", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def test_endless_standard_input_is_refused(tmp_path: Path):
    endless = "import sys\nwhile True: sys.stdout.write('tls: {}\\n' * 1000)"
    with started([sys.executable, "-c", endless], stdout=subprocess.PIPE) as source:
        completed = run("-", stdin=source.stdout, cwd=tmp_path)
    assert completed.returncode in {1, 2}
    assert "standard input is larger than" in completed.stderr
    assert completed.stdout == ""


def test_nothing_is_written_and_nothing_is_run(tmp_path: Path):
    marker = tmp_path / "ran"
    path = tmp_path / "docker-compose.yml"
    path.write_text(
        f"{SERVICE}    command: [bash, -c, 'touch {marker}; milvus run standalone']\n"
        f"    container_name: $(touch {marker})\n    environment:\n"
        f"      A: !!python/object/apply:os.system ['touch {marker}']\n"
    )
    before = sorted(tmp_path.iterdir())
    run(str(path), cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
