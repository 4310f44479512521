"""``EmbeddedMilvus()`` without arguments: throw-away certificates and a client's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymilvus import MilvusClient

from milvus_secure import EmbeddedMilvus, TLSMode, check, connect_secure
from milvus_secure.errors import MilvusSecureError, SecureConnectionError


@pytest.fixture(scope="module")
def server():
    with EmbeddedMilvus(token="root:Milvus") as running:
        yield running


def test_it_serves_mutual_tls(server):
    assert server.tls_mode is TLSMode.MUTUAL


def test_its_settings_connect(server):
    client = connect_secure(server.settings)
    assert client.has_collection("c") is False
    client.close()


def test_its_keyword_arguments_are_for_pymilvus(server):
    client = MilvusClient(**server.client_kwargs())
    assert client.has_collection("c") is False
    client.close()


def test_a_check_of_its_settings_is_ok(server):
    assert check(server.settings).ok


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        ({"client_pem_path": None, "client_key_path": None}, "client-certificate-required"),
        ({"token": None}, "authentication-required"),
    ],
    ids=["client certificate", "token"],
)
def test_a_client_needs_all_of_them(server, left_out, code):
    with pytest.raises(SecureConnectionError) as caught:
        connect_secure(server.settings.replace(**left_out))
    assert caught.value.report.root_cause.code == code


def test_its_certificates_are_removed_with_it():
    with EmbeddedMilvus() as server:
        folder = Path(server.settings.ca_pem_path).parent
        assert folder.is_dir()
    assert not folder.exists()


def test_a_restarted_server_has_new_certificates_and_settings():
    server = EmbeddedMilvus()
    with server:
        before = Path(server.settings.ca_pem_path).read_bytes()
    with server:
        assert Path(server.settings.ca_pem_path).read_bytes() != before
        connect_secure(server.settings).close()


def test_settings_of_a_server_that_is_not_started_are_refused():
    with pytest.raises(MilvusSecureError, match=r"Call start\(\)"):
        _ = EmbeddedMilvus().settings


def test_settings_of_a_server_with_certificates_of_the_user_are_refused(certs):
    server_pair = {"server_pem_path": certs / "server.pem", "server_key_path": certs / "server.key"}
    with (
        EmbeddedMilvus(**server_pair) as server,
        pytest.raises(MilvusSecureError, match="does not know the client"),
    ):
        _ = server.settings


@pytest.mark.parametrize("name", ["server_pem_path", "server_key_path", "ca_pem_path"])
def test_one_file_alone_is_refused(certs, name):
    with pytest.raises(MilvusSecureError, match="Fix: Pass"):
        EmbeddedMilvus(**{name: certs / "ca.pem"})
