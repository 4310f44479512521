"""Certificate files behind a server's mounts: what Milvus cannot use is named."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

import minting
from milvus_secure import Severity
from milvus_secure.server.check import check_server
from verdicts import severities


@pytest.mark.parametrize("blank", [" ", "\\t"])
def test_a_path_with_a_blank_at_its_end_is_reported_once(compose: Path, change, blank: str):
    path = compose.with_name("milvus.yaml")
    change(path, "/milvus/tls/server.pem", f'"/milvus/tls/server.pem{blank}"')
    [finding] = check_server(compose).findings
    assert finding.code == "file-missing"
    assert "begins or ends with a blank" in finding.message


def test_a_file_whose_name_ends_with_a_blank_is_used(compose: Path, change):
    path = compose.with_name("milvus.yaml")
    change(path, "/milvus/tls/server.pem", '"/milvus/tls/server.pem "')
    folder = next(compose.parent.rglob("server.pem")).parent
    (folder / "server.pem ").write_bytes((folder / "server.pem").read_bytes())
    assert not severities(check_server(compose))


@pytest.mark.trips("server-file-forbidden")
def test_a_key_that_the_containers_user_may_not_read(compose: Path, change):
    change(
        compose, "container_name: milvus-standalone", 'container_name: milvus\n    user: "4242:0"'
    )
    [finding] = check_server(compose).findings
    assert finding.code == "server-file-forbidden"
    assert finding.setting == "tls.serverKeyPath"
    assert finding.presented.startswith("mode 0600")


@pytest.mark.passes("server-file-forbidden")
@pytest.mark.parametrize("user", ["0", "root", str(os.getuid())])
def test_root_and_the_owner_may_read_it(compose: Path, change, user: str):
    change(
        compose, "container_name: milvus-standalone", f'container_name: milvus\n    user: "{user}"'
    )
    assert not severities(check_server(compose))


def test_a_key_mismatch_is_found_behind_the_mounts(compose: Path):
    (compose.parent / "tls/server.key").write_bytes(minting.mint("other", which=9).key_pem)
    assert severities(check_server(compose)) == {"key-mismatch": Severity.ERROR}


def test_a_ca_in_the_place_of_the_servers_certificate_is_named(compose: Path):
    (compose.parent / "tls/server.pem").write_bytes((compose.parent / "tls/ca.pem").read_bytes())
    [mismatch] = [item for item in check_server(compose).errors if item.code == "key-mismatch"]
    assert "tls.serverPemPath names a CA's certificate" in mismatch.message
    assert "Name the server's certificate" in mismatch.remedy


@pytest.mark.parametrize(("data", "code"), [(b"", "file-empty"), (b"\x30\x82junk", "file-not-pem")])
def test_a_broken_file_behind_a_mount_is_named(compose: Path, data: bytes, code: str):
    (compose.parent / "tls/server.pem").write_bytes(data)
    assert code in severities(check_server(compose))


def test_a_missing_file_behind_a_mount_is_named(compose: Path):
    (compose.parent / "tls/ca.pem").unlink()
    assert severities(check_server(compose)) == {"file-missing": Severity.ERROR}


def test_an_expired_server_certificate_is_found(compose: Path, trio):
    expired = minting.mint(
        "server",
        sans=["localhost"],
        issuer=trio.ca,
        which=2,
        days=1,
        start=-timedelta(3),
    )
    (compose.parent / "tls/server.pem").write_bytes(expired.pem)
    assert severities(check_server(compose)) == {"certificate-expired": Severity.ERROR}
