"""The embedded server with real clients over real sockets, and the data it keeps."""

from __future__ import annotations

import grpc
import pytest
from pymilvus.exceptions import MilvusException

import minting
from milvus_secure._common.tls_mode import TLSMode
from milvus_secure._common.versions import installed_pymilvus
from milvus_secure.errors import MilvusSecureError
from milvus_secure.server.embedded.server import EmbeddedMilvus
from real_milvus import version

needs_fields_of_2_5 = pytest.mark.skipif(
    installed_pymilvus() < (2, 5),
    reason="Milvus Lite borrows pymilvus's protocol, and makes collections with fields of 2.5",
)


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": i, "vector": [i / count, 1 - i / count]} for i in range(count)]


class TestServing:
    @needs_fields_of_2_5
    def test_one_way_tls_carries_the_whole_life_of_a_collection(self, server_pair, connect):
        with EmbeddedMilvus(**server_pair) as server:
            client = connect(server)
            client.create_collection("c", dimension=2)
            client.insert("c", rows(1000))
            [hits] = client.search("c", data=[[0.5, 0.5]], limit=1)
            client.drop_collection("c")
            assert hits[0]["id"] == 500
            assert client.has_collection("c") is False

    def test_mutual_tls_serves_a_client_with_a_certificate(
        self, server_pair, certs, connect, client_pair
    ):
        with EmbeddedMilvus(**server_pair, ca_pem_path=certs / "ca.pem") as server:
            assert connect(server, **client_pair).has_collection("c") is False

    def test_mutual_tls_refuses_a_client_without_a_certificate(self, server_pair, certs, connect):
        with (
            EmbeddedMilvus(**server_pair, ca_pem_path=certs / "ca.pem") as server,
            pytest.raises(MilvusException),
        ):
            connect(server, timeout=2)

    def test_mutual_tls_refuses_a_client_of_another_ca(self, server_pair, certs, connect, tmp_path):
        stranger = minting.mint("stranger", usages=[minting.CLIENT], ca=False, which=7)
        (tmp_path / "s.pem").write_bytes(stranger.pem)
        (tmp_path / "s.key").write_bytes(stranger.key_pem)
        with (
            EmbeddedMilvus(**server_pair, ca_pem_path=certs / "ca.pem") as server,
            pytest.raises(MilvusException),
        ):
            connect(
                server,
                client_pem_path=tmp_path / "s.pem",
                client_key_path=tmp_path / "s.key",
                timeout=2,
            )

    def test_the_mode_follows_from_the_trust_anchor_for_clients(self, server_pair, certs):
        assert EmbeddedMilvus(**server_pair).tls_mode is TLSMode.ONE_WAY
        assert (
            EmbeddedMilvus(**server_pair, ca_pem_path=certs / "ca.pem").tls_mode is TLSMode.MUTUAL
        )

    def test_plaintext_is_not_served(self, server_pair):
        with (
            EmbeddedMilvus(**server_pair) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            with pytest.raises(grpc.RpcError) as refused:
                version(channel)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


class TestData:
    @needs_fields_of_2_5
    def test_a_directory_keeps_it_for_the_next_server(self, server_pair, connect, tmp_path):
        with EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data") as server:
            client = connect(server)
            client.create_collection("kept", dimension=2)
            client.insert("kept", rows(10))
        with EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data") as server:
            client = connect(server)
            client.load_collection("kept", timeout=30)
            assert len(client.query("kept", filter="id >= 0", limit=100)) == 10

    def test_without_a_directory_nothing_is_left(self, server_pair, tmp_path, run_script):
        script = f"""
import tempfile
from pathlib import Path
tempfile.tempdir = {str(tmp_path / "scratch")!r}
from milvus_secure.server.embedded.server import EmbeddedMilvus
with EmbeddedMilvus(server_pem_path={str(server_pair["server_pem_path"])!r},
                    server_key_path={str(server_pair["server_key_path"])!r}):
    print(len(list(Path(tempfile.gettempdir()).iterdir())))
print(len(list(Path(tempfile.gettempdir()).iterdir())))
"""
        (tmp_path / "scratch").mkdir()
        assert run_script(script).split() == ["1", "0"]

    def test_a_directory_in_use_is_named(self, server_pair, tmp_path):
        with (
            EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data"),
            pytest.raises(MilvusSecureError, match="data is in use by another server"),
        ):
            EmbeddedMilvus(**server_pair, data_dir=tmp_path / "data").start()

    def test_a_file_in_its_place_is_named(self, server_pair):
        with pytest.raises(MilvusSecureError, match=r"server\.key cannot be used"):
            EmbeddedMilvus(**server_pair, data_dir=server_pair["server_key_path"]).start()
