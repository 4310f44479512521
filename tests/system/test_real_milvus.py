"""The real Milvus server in tlsMode 1 and 2: what works, and what each fault is called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import grpc
import pytest

import minting
from milvus_secure.client.connect import connect_secure
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.diagnosis.check import check
from milvus_secure.errors import SecureConnectionError
from real_milvus import REFUSALS, ROOT_TOKEN, RunningMilvus, version


@pytest.fixture
def real_one_way(settings, milvus_one_way: RunningMilvus) -> MilvusSettings:
    """Settings that connect to the server in tlsMode 1."""
    return settings(uri=milvus_one_way.uri, ca_pem_path=milvus_one_way.certs / "ca.pem")


@pytest.fixture
def real_mutual(settings, milvus_mutual: RunningMilvus) -> MilvusSettings:
    """Settings that connect to the server in tlsMode 2 with authorization on."""
    certs = milvus_mutual.certs
    return settings(
        uri=milvus_mutual.uri,
        token=ROOT_TOKEN,
        ca_pem_path=certs / "ca.pem",
        client_pem_path=certs / "client.pem",
        client_key_path=certs / "client.key",
    )


def cause_of_refusal(settings: MilvusSettings, **overrides: object) -> str:
    """Fail to connect, and return the code of the root cause."""
    with pytest.raises(SecureConnectionError) as refused:
        connect_secure(settings, **overrides)
    return refused.value.report.root_cause.code


def life_of_a_collection(settings: MilvusSettings) -> int:
    """Create, insert 1,000, search, drop; the id found nearest to the vector of number 500."""
    client = connect_secure(settings, timeout=60)
    try:
        client.create_collection("c", dimension=2, consistency_level="Strong")
        client.insert("c", [{"id": i, "vector": [i / 1000, 1 - i / 1000]} for i in range(1000)])
        [hits] = client.search(
            "c", data=[[0.5, 0.5]], limit=1, search_params={"metric_type": "COSINE"}
        )
        client.drop_collection("c")
        assert not client.has_collection("c")
    finally:
        client.close()
    return hits[0]["id"]


class TestOneWay:
    def test_a_thousand_vectors_are_inserted_and_searched(self, real_one_way):
        assert life_of_a_collection(real_one_way) == 500

    @pytest.mark.passes("chain-untrusted")
    @pytest.mark.passes("name-mismatch")
    @pytest.mark.passes("server-plaintext")
    @pytest.mark.passes("not-milvus")
    def test_a_healthy_connection_has_no_finding(self, real_one_way):
        assert check(real_one_way).findings == ()

    @pytest.mark.trips("name-mismatch")
    def test_a_name_that_the_certificate_does_not_contain(self, real_one_way):
        assert cause_of_refusal(real_one_way, server_name="milvus.example.com") == "name-mismatch"

    @pytest.mark.trips("chain-untrusted")
    def test_a_ca_of_another_name(self, real_one_way, tmp_path):
        ca = tmp_path / "ca.pem"
        ca.write_bytes(minting.mint("another CA", which=8).pem)
        assert cause_of_refusal(real_one_way, ca_pem_path=ca) == "chain-untrusted"

    @pytest.mark.trips("issuer-key-mismatch")
    def test_a_ca_of_the_same_name_with_another_key(self, real_one_way, tmp_path):
        ca = tmp_path / "ca.pem"
        ca.write_bytes(minting.mint("test CA", which=8).pem)
        assert cause_of_refusal(real_one_way, ca_pem_path=ca) == "issuer-key-mismatch"

    @pytest.mark.trips("server-requires-tls")
    def test_plaintext(self, settings, milvus_one_way):
        plain = settings(uri=f"http://localhost:{milvus_one_way.port}", allow_plaintext=True)
        assert cause_of_refusal(plain) == "server-requires-tls"


class TestMutual:
    def test_a_thousand_vectors_are_inserted_and_searched(self, real_mutual):
        assert life_of_a_collection(real_mutual) == 500

    def test_a_pkcs12_store_replaces_the_pair(self, real_mutual, milvus_mutual, tmp_path):
        certs = milvus_mutual.certs
        store = tmp_path / "client.p12"
        subprocess.run(
            [
                "openssl",
                "pkcs12",
                "-export",
                "-in",
                certs / "client.pem",
                "-inkey",
                certs / "client.key",
                "-certfile",
                certs / "ca.pem",
                "-out",
                store,
                "-passout",
                "pass:open sesame",
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        with_store = real_mutual.replace(
            client_key_path=None, client_pem_path=store, client_key_password="open sesame"
        )
        assert check(with_store).findings == ()
        assert life_of_a_collection(with_store) == 500

    @pytest.mark.passes("client-certificate-required")
    @pytest.mark.passes("client-certificate-rejected")
    @pytest.mark.passes("authentication-required")
    @pytest.mark.passes("authentication-failed")
    def test_a_healthy_connection_has_no_finding(self, real_mutual):
        assert check(real_mutual).findings == ()

    @pytest.mark.trips("client-certificate-required")
    def test_no_client_certificate(self, settings, milvus_mutual):
        bare = settings(
            uri=milvus_mutual.uri, token=ROOT_TOKEN, ca_pem_path=milvus_mutual.certs / "ca.pem"
        )
        assert cause_of_refusal(bare) == "client-certificate-required"

    @pytest.mark.trips("authentication-required")
    def test_no_credentials(self, real_mutual):
        assert cause_of_refusal(without_token(real_mutual)) == "authentication-required"

    @pytest.mark.trips("authentication-failed")
    def test_a_wrong_password(self, real_mutual):
        assert cause_of_refusal(real_mutual, token="root:wrong") == "authentication-failed"

    @pytest.mark.parametrize(("header", "words"), REFUSALS.values(), ids=REFUSALS)
    def test_the_messages_that_the_embedded_server_copies(self, milvus_mutual, header, words):
        with milvus_mutual.channel() as channel, pytest.raises(grpc.RpcError) as refused:
            version(channel, header)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert refused.value.details() == words

    def test_user_and_password_work_like_a_token(self, real_mutual):
        settings = without_token(real_mutual)
        connect_secure(settings, user="root", password="Milvus").close()

    @pytest.mark.trips("usage-not-client")
    def test_a_client_certificate_for_servers_only(self, real_mutual, trio, tmp_path):
        pair = written(tmp_path, issuer=trio.ca, usages=[minting.SERVER])
        assert cause_of_refusal(real_mutual, **pair) == "usage-not-client"

    @pytest.mark.trips("client-certificate-rejected")
    def test_a_client_certificate_of_another_ca(self, real_mutual, tmp_path):
        another = minting.mint("another CA", which=8)
        pair = written(tmp_path, issuer=another, usages=[minting.CLIENT])
        assert cause_of_refusal(real_mutual, **pair) == "client-certificate-rejected"

    @pytest.mark.trips("name-mismatch")
    def test_a_name_that_the_certificate_does_not_contain(self, real_mutual):
        assert cause_of_refusal(real_mutual, server_name="milvus.example.com") == "name-mismatch"

    @pytest.mark.trips("database-missing")
    def test_a_database_that_is_not_there(self, real_mutual):
        """pymilvus may connect anyway: newer releases name the database in each call only."""
        report = check(real_mutual.replace(db_name="nowhere"))
        assert report.root_cause.code == "database-missing"


class TestPlaintext:
    def test_it_connects_when_allowed(self, settings, milvus_plaintext):
        connect_secure(settings(uri=milvus_plaintext.uri, allow_plaintext=True)).close()

    @pytest.mark.trips("server-plaintext")
    def test_tls_to_it(self, settings, milvus_plaintext):
        tls = settings(
            uri=milvus_plaintext.uri.replace("http:", "https:"),
            ca_pem_path=milvus_plaintext.certs / "ca.pem",
        )
        assert cause_of_refusal(tls) == "server-plaintext"


def written(folder: Path, **options: object) -> dict[str, Path]:
    """A client pair of its own, as settings."""
    client = minting.mint("client", which=9, **options)
    (folder / "c.pem").write_bytes(client.pem)
    (folder / "c.key").touch(mode=0o600)
    (folder / "c.key").write_bytes(client.key_pem)
    return {"client_pem_path": folder / "c.pem", "client_key_path": folder / "c.key"}


def without_token(settings: MilvusSettings) -> MilvusSettings:
    return settings.replace(token=None)
