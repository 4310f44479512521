"""Each line reaches the reader of a pipe when it is written, and in the order it was written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from milvus_secure.certs import CertificateSet
from milvus_secure.cli import COMMANDS
from processes import empty_environment, started

PROGRAM = [sys.executable, "-m", "milvus_secure"]


def test_the_steps_of_the_demo_arrive_one_by_one(tmp_path: Path):
    environ = empty_environment(tmp_path)
    with started([*PROGRAM, "demo"], stdout=subprocess.PIPE, cwd=tmp_path, env=environ) as demo:
        first = demo.stdout.readline()
        demo.kill()
        rest = demo.stdout.read()
    assert first.startswith("1. Certificates")
    assert "nothing is left behind" not in rest


@pytest.mark.thorough
def test_the_demo_names_no_file_that_is_gone_at_its_end(tmp_path: Path):
    completed = subprocess.run(
        [*PROGRAM, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert completed.returncode == 0, completed.stderr
    assert "milvus-secure-demo-" not in completed.stdout


def test_stdout_and_stderr_keep_their_order_in_one_pipe(tmp_path: Path):
    certs = CertificateSet.create(tmp_path / "certs").directory
    (tmp_path / "out").mkdir()
    (tmp_path / "out/milvus.yaml").write_text("mine: 1\n")
    run = subprocess.run(
        [*PROGRAM, "server", "config", "--certs", certs, "--out", tmp_path / "out"],
        env=empty_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert run.returncode == 1
    assert run.stdout.startswith("---"), run.stdout
    assert run.stdout.index("-mine: 1") < run.stdout.index("error: ")


def test_the_help_reaches_a_pipe_completely(tmp_path: Path):
    run = subprocess.run(
        [*PROGRAM, "--help"],
        env=empty_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert [command for command in COMMANDS if f"\n    {command}" not in run.stdout] == []
