"""Certificates as the current guide's script makes them, with OpenSSL."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from milvus_secure.cli import main

GUIDE = Path(__file__).resolve().parents[2] / "support" / "guide"


def leaf(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="gen.sh needs the openssl command")
def test_repair_fixes_the_current_guides_client_certificate(tmp_path: Path):
    folder = tmp_path / "cert"
    shutil.copytree(GUIDE / "current", folder)
    subprocess.run(["sh", "gen.sh"], cwd=folder, check=True, capture_output=True, timeout=120)
    authority = (folder / "ca.key").read_bytes()
    assert main(["certs", "repair", str(folder)]) == 0
    usage = leaf(folder / "client.pem").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert x509.ExtendedKeyUsageOID.CLIENT_AUTH in usage.value
    assert (folder / "ca.key").read_bytes() == authority
