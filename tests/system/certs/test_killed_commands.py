"""A command that is killed at any of its steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from milvus_secure.certs import CertificateSet

# Repeats a command in a forked child, killed at its n-th step, for every n; a step is an audit
# event of the interpreter, so every access to the file system.
KILLER = """
import json, os, signal, sys
from pathlib import Path
from milvus_secure.certs import CertificateSet
from milvus_secure.certs.storage.store import exclusive
import ctypes, tempfile, random
folder = Path(sys.argv[1])
steps = ("open", "os.", "shutil.", "ctypes.")
found = []
for n in range(1, 1000):
    child = os.fork()
    if not child:
        count = 0
        def hook(event, arguments):
            global count
            if event.startswith(steps):
                count += 1
                if count == n:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        if sys.argv[2] == "create":
            CertificateSet.create(folder, overwrite=True)
        else:
            CertificateSet(folder).renew()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    with exclusive(folder):  # as the next command does
        pass
    found.append({p.name: p.read_bytes().hex() for p in folder.iterdir()})
    if not os.WIFSIGNALED(status):
        break
print(json.dumps(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children, which needs POSIX")
@pytest.mark.parametrize("command", ["create", "renew"])
def test_the_command_after_a_killed_one_has_a_whole_set(tmp_path, command):
    made = CertificateSet.create(tmp_path / "certs")
    (made.directory / "notes.txt").write_text("mine")
    run = subprocess.run(
        [sys.executable, "-c", KILLER, made.directory, command],
        capture_output=True,
        check=True,
        timeout=120,
    )
    snapshots = json.loads(run.stdout)
    assert len(snapshots) > 20
    for files in snapshots:
        assert_whole({name: bytes.fromhex(data) for name, data in files.items()})


def assert_whole(files: dict[str, bytes]) -> None:
    """Assert that keys fit certificates, that all are of one CA, and nothing is missing."""
    assert len(files) == 10
    assert files["notes.txt"] == b"mine"
    ca = x509.load_pem_x509_certificate(files["ca.pem"])
    for stem in ("ca", "server", "client"):
        certificate = x509.load_pem_x509_certificate(files[f"{stem}.pem"])
        key = serialization.load_pem_private_key(files[f"{stem}.key"], None)
        assert certificate.public_key() == key.public_key()
        certificate.verify_directly_issued_by(ca)
