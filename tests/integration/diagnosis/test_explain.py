"""`explain` reads what gRPC and pymilvus raise for real servers."""

from __future__ import annotations

import datetime as dt
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from pymilvus import MilvusClient, MilvusException

import front_ends
import minting
from milvus_secure import explain
from verdicts import most_likely


@contextmanager
def grpc_server(minted=None, *, clients_of=None):
    """A real gRPC server without any service, over TLS if given a certificate."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        if minted is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            pairs = [(minted.key_pem, minted.chain_pem)]
            credentials = grpc.ssl_server_credentials(
                pairs, clients_of.pem if clients_of else None, clients_of is not None
            )
            port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait(60)


def grpc_error(port, *, anchor=None, name="localhost", pair=None):
    """What gRPC raises for a call to a loopback port."""
    target = f"127.0.0.1:{port}"
    if anchor is None:
        channel = grpc.insecure_channel(target)
    else:
        key, chain = (pair.key_pem, pair.chain_pem) if pair else (None, None)
        channel = grpc.secure_channel(
            target,
            grpc.ssl_channel_credentials(anchor.pem, key, chain),
            [("grpc.ssl_target_name_override", name)],
        )
    with channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/milvus.proto.milvus.MilvusService/Connect")(b"", timeout=10)
    return caught.value


class TestRawGrpcErrors:
    """Each from a real handshake of the installed grpcio."""

    def test_another_ca(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=minting.mint("other CA", which=9))
        assert most_likely(error) == "chain-untrusted"

    def test_another_name(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=trio.ca, name="other.example")
        assert most_likely(error) == "name-mismatch"

    def test_a_front_end_that_wants_a_certificate_is_possible(self, trio, tmp_path):
        with front_ends.front_end(
            trio.server, tmp_path, front_ends.as_nginx, clients=trio.ca
        ) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "front-end-answered"
        assert "client-certificate-required" in explain(error)

    def test_an_http_server_that_says_200(self, trio, tmp_path):
        with front_ends.front_end(trio.server, tmp_path, front_ends.answers(200)) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "not-milvus"

    def test_expired_server(self, trio):
        old = minting.mint(
            "old", sans=["localhost"], issuer=trio.ca, start=-dt.timedelta(days=9), days=2
        )
        with grpc_server(old) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "certificate-expired"

    def test_plaintext_server(self, trio):
        with grpc_server() as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "server-plaintext"

    def test_plaintext_client(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port)
        assert most_likely(error) == "server-requires-tls"

    def test_no_client_certificate(self, trio):
        with grpc_server(trio.server, clients_of=trio.ca) as port:
            error = grpc_error(port, anchor=trio.ca)
        text = explain(error)
        assert "client-certificate-required" in text.split("To find out for sure")[0]

    def test_closed_port(self, trio):
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            error = grpc_error(reserved.getsockname()[1], anchor=trio.ca)
        assert most_likely(error) == "tcp-refused"

    def test_no_milvus(self, trio):
        with grpc_server(trio.server) as port:
            error = grpc_error(port, anchor=trio.ca)
        assert most_likely(error) == "not-milvus"


class TestPymilvusErrors:
    def test_the_cause_inside_is_read(self, trio, tmp_path):
        pem = tmp_path / "ca.pem"
        pem.write_bytes(trio.ca.pem)
        with grpc_server(trio.server) as port, pytest.raises(MilvusException) as caught:
            MilvusClient(
                f"https://127.0.0.1:{port}",
                server_pem_path=str(pem),
                server_name="other",
                secure=True,
                timeout=5,
            )
        assert most_likely(caught.value) == "name-mismatch"

    def test_a_bare_timeout_names_the_usual_causes(self):
        text = explain(MilvusException(2, "Fail connecting to server on h:1. Timeout"))
        assert "does not name the cause" in text
        assert "tcp-timeout" in text
        assert "milvus-secure check" in text
