"""The token an embedded server requires, and how it refuses any other."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

import minting
from milvus_secure.errors import MilvusSecureError
from milvus_secure.server.embedded.server import EmbeddedMilvus
from real_milvus import REFUSALS, version

TOKEN = "root:Milvus"


@pytest.fixture(scope="module")
def channel_with_token(trio: minting.Trio, tmp_path_factory) -> Iterator[grpc.Channel]:
    """A channel to a server that asks for `TOKEN`."""
    certs = trio.write(tmp_path_factory.mktemp("guarded") / "certs")
    server = EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key", token=TOKEN
    )
    trusted = grpc.ssl_channel_credentials((certs / "ca.pem").read_bytes())
    with server, grpc.secure_channel(f"localhost:{server.port}", trusted) as channel:
        yield channel


class TestToken:
    """The messages are those of the real server, which `test_real_milvus` compares."""

    def test_the_right_token_is_accepted(self, channel_with_token):
        assert version(channel_with_token, "cm9vdDpNaWx2dXM=").startswith("milvus_lite")

    @pytest.mark.parametrize(("header", "words"), REFUSALS.values(), ids=REFUSALS)
    def test_any_other_token_is_refused_with_the_message_of_milvus(
        self, channel_with_token, header, words
    ):
        with pytest.raises(grpc.RpcError) as refused:
            version(channel_with_token, header)
        assert (refused.value.code(), refused.value.details()) == (
            grpc.StatusCode.UNAUTHENTICATED,
            words,
        )

    def test_a_token_sent_by_pymilvus_is_accepted(self, server_pair, connect):
        with EmbeddedMilvus(**server_pair, token=TOKEN) as server:
            assert connect(server, user="root", password="Milvus").has_collection("c") is False

    def test_an_empty_token_is_refused_and_does_not_mean_no_token(self, server_pair):
        with pytest.raises(MilvusSecureError, match="token is empty"):
            EmbeddedMilvus(**server_pair, token="")

    def test_no_repr_contains_the_token(self, server_pair):
        assert "Milvus," in repr(EmbeddedMilvus(**server_pair, token="root:hush"))
        assert "hush" not in repr(EmbeddedMilvus(**server_pair, token="root:hush"))
