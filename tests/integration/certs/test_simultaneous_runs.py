"""Two commands at the same certificate set."""

from __future__ import annotations

import ssl
import subprocess
import sys
from contextlib import ExitStack

from processes import started

INIT = [sys.executable, "-m", "milvus_secure", "certs", "init"]


def test_only_one_of_two_simultaneous_runs_creates_the_set(tmp_path):
    folder = tmp_path / "certs"
    commands = [
        [*INIT, folder, "--key-type", kind, "--name", f"{kind}.example.com"]
        for kind in ("rsa3072", "rsa2048", "p256")
    ]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            for command in commands
        ]
        outputs = [run.communicate(timeout=120) for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1, 1]
    for run, (out, error) in zip(runs, outputs, strict=True):
        if run.returncode:
            assert "already contains a certificate set" in error
        else:
            [name] = [word for word in out.split() if word.endswith(".example.com")]
            assert name.encode() in der(folder / "server.pem")


def der(path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())
