"""What other programs make of requests and exports, and a server that has no certificate."""

from __future__ import annotations

import subprocess

from milvus_secure.certs import CertificateSet
from milvus_secure.cli import main


def certs_command(*arguments: object) -> int:
    """Run ``milvus-secure certs``; returns the exit status."""
    return main(["certs", *map(str, arguments)])


def test_an_export_opens_in_openssl_with_key_and_ca(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    password = tmp_path / "password"
    password.write_text("opensesame\n")
    certs_command("export", made.directory, "--password-file", password)
    run = subprocess.run(
        [
            "openssl",
            "pkcs12",
            "-in",
            made.directory / "client.p12",
            "-nodes",
            "-passin",
            f"file:{password}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.count("BEGIN CERTIFICATE") == 2
    assert run.stdout.count("BEGIN PRIVATE KEY") == 1
    assert (made.directory / "client.p12").stat().st_mode & 0o077 == 0


def test_a_server_without_certificates_gets_the_command_that_says_why(capsys):
    assert certs_command("show", "https://127.0.0.1:1") == 1
    assert "milvus-secure check https://127.0.0.1:1" in capsys.readouterr().err


def test_a_request_for_a_company_ca_signs_and_is_accepted(tmp_path, judge):
    made = CertificateSet.create(tmp_path / "certs")
    certs_command("csr", tmp_path / "node", "--name", "node.example.com", "--organization", "Ex")
    certs_command("sign", tmp_path / "node/server.csr", "--dir", made.directory, "--role", "server")
    for name in ("server.pem", "server.key"):
        (made.directory / name).write_bytes((tmp_path / "node" / name).read_bytes())
    assert set(judge(made.directory, "node.example.com").values()) == {"OK"}
