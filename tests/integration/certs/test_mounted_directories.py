"""A renewal where a container or a shell has the directory, and on a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from milvus_secure.certs import CertificateSet


def test_a_full_disk_changes_nothing(tmp_path, snapshot):
    made = CertificateSet.create(tmp_path / "certs")
    before = snapshot(made.directory)
    code = (
        "import resource, signal, sys; from milvus_secure.certs import CertificateSet\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "CertificateSet(sys.argv[1]).renew()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, made.directory], capture_output=True, text=True, timeout=120
    )
    assert "CertificateError" in run.stderr
    assert "cannot be written" in run.stderr
    assert snapshot(made.directory) == before


def test_a_shell_inside_the_directory_sees_the_renewal(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    before = made.server_pem.read_bytes()
    script = "milvus-secure certs renew . >&2 && cat server.pem"
    shown = subprocess.run(
        ["bash", "-c", script],
        cwd=made.directory,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert shown.stdout == made.server_pem.read_bytes() != before


MOUNTED = """
mount --bind "$1" "$2" && cd "$2" && milvus-secure certs renew "$1" >&2 && cat "$2/server.pem"
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_container_that_mounts_the_directory_sees_the_renewal(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    before = made.server_pem.read_bytes()
    (tmp_path / "mounted").mkdir()
    command = ["unshare", "--mount", "bash", "-c", MOUNTED, "bash"]
    shown = subprocess.run(
        [*command, made.directory, tmp_path / "mounted"],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == made.server_pem.read_bytes() != before
