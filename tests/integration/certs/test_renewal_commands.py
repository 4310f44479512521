"""The commands that an error of a renewal names."""

from __future__ import annotations

import subprocess

import pytest

from milvus_secure.certs import CertificateSet
from milvus_secure.certs.issuing.issue import Role
from milvus_secure.errors import CertificateError


@pytest.fixture
def remote(named_set, tmp_path) -> str:
    """Signed for a server whose key is elsewhere; returns the path of its request."""
    other_set = CertificateSet.create(tmp_path / "other", ["node.example.com"])
    (named_set.directory / "node.pem").write_bytes(
        named_set.sign(other_set.directory / "server.csr", Role.SERVER)
    )
    return str(other_set.directory / "server.csr")


def test_a_certificate_whose_key_is_elsewhere_is_named_and_keeps_the_old_ca(
    named_set, remote, openssl
):
    named_set.renew_ca()
    text = named_set.renew().text()
    assert "node.pem: unchanged, because its key is not here" in text
    again = f"milvus-secure certs sign CSR --dir {named_set.directory} --role server --out "
    assert again in text
    with pytest.raises(CertificateError, match=r"node: issued by the old CA.* certs sign CSR "):
        named_set.retire_ca()
    (named_set.directory / "node.pem").write_bytes(named_set.sign(remote, Role.SERVER))
    named_set.retire_ca()
    assert openssl(
        "verify", "-CAfile", named_set.ca_pem, named_set.directory / "node.pem"
    ).endswith("OK\n")


def test_an_encrypted_ca_key_is_decrypted_by_the_command_that_is_named(named_set, openssl):
    named_set.ca_key.write_text(
        openssl("pkey", "-in", named_set.ca_key, "-aes128", "-passout", "pass:opensesame")
    )
    with pytest.raises(CertificateError, match="is encrypted") as caught:
        named_set.renew()
    command = caught.value.command
    shell = command.replace("pkey ", "pkey -passin pass:opensesame ", 1)
    run = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, check=True, timeout=120
    )
    assert "PRIVATE KEY" not in run.stdout
    assert named_set.ca_key.stat().st_mode & 0o077 == 0
    named_set.renew()
