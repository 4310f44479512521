"""The commands that turn a file into one that can be used."""

from __future__ import annotations

import base64
import subprocess

import pytest

from milvus_secure import check


@pytest.mark.trips("file-not-pem")
@pytest.mark.parametrize("shape", ["base64", "base64 twice", "body"])
def test_the_command_makes_a_file_that_can_be_used(settings, shape, trio, tmp_path):
    def root_cause(path):
        return check(settings(uri="https://h:1", ca_pem_path=path), online=False).root_cause

    path = tmp_path / "a b.pem"
    pem = trio.ca.pem
    shapes = {
        "base64": base64.b64encode(pem),
        "base64 twice": base64.b64encode(base64.b64encode(pem)),
        "body": b"\n".join(pem.splitlines()[1:-1]),
    }
    path.write_bytes(shapes[shape])
    finding = root_cause(path)
    subprocess.run(["bash", "-c", finding.command], cwd=tmp_path, check=True, timeout=60)
    assert root_cause(tmp_path / "a b-converted.pem") is None
