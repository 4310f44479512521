"""OpenSSL goes on where a certificate set ends."""

from __future__ import annotations

import subprocess

from cryptography import x509

from milvus_secure.certs import CertificateSet


def test_openssl_continues_the_serial_numbers(tmp_path):
    made = CertificateSet.create(tmp_path / "certs").directory
    subprocess.run(
        [
            "openssl",
            "x509",
            "-req",
            "-in",
            made / "client.csr",
            "-out",
            tmp_path / "more.pem",
            "-CA",
            made / "ca.pem",
            "-CAkey",
            made / "ca.key",
            "-CAserial",
            made / "ca.srl",
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    client, more = (
        x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        for path in (made / "client.pem", tmp_path / "more.pem")
    )
    assert more == client + 1
