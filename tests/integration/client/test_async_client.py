"""connect_secure_async: an AsyncMilvusClient that is already connected."""

from __future__ import annotations

import asyncio
import gc
import socket

import grpc
import pymilvus
import pytest
from pymilvus.exceptions import MilvusException

from milvus_endpoint import milvus_endpoint
from milvus_secure import SecureConnectionError, connect_secure_async

HERE = {"environ": {}, "env_file": None}


async def test_returns_an_async_client(one_way, certs):
    client = await connect_secure_async(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    assert type(client) is pymilvus.AsyncMilvusClient
    await client.close()


async def test_accepts_the_endpoint_as_first_argument(one_way, certs):
    client = await connect_secure_async(one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    await client.close()


async def test_the_log_names_the_server_s_certificate(one_way, certs, caplog):
    caplog.set_level("INFO", logger="milvus_secure")
    client = await connect_secure_async(one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    await client.close()
    assert "server certificate CN=server until" in caplog.text


async def test_the_client_is_connected(one_way, certs):
    client = await connect_secure_async(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    assert one_way.connects == 1
    await client.close()


async def test_mutual_tls_works_with_material_given_as_text(trio, certs):
    with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
        client = await connect_secure_async(
            uri=endpoint.uri,
            ca_pem_path=certs / "ca.pem",
            client_pem=(certs / "client.pem").read_text(),
            client_key=(certs / "client.key").read_text(),
            **HERE,
        )
        await client.close()
    assert endpoint.connects == 1


async def test_an_offline_error_opens_no_socket(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        with pytest.raises(SecureConnectionError, match="file-missing"):
            await connect_secure_async(
                uri=f"https://127.0.0.1:{server.getsockname()[1]}",
                ca_pem_path=tmp_path / "missing.pem",
                **HERE,
            )
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_a_failure_is_explained_from_pymilvus_s_own(certs):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SecureConnectionError, match="tcp-refused") as caught:
        await connect_secure_async(
            uri=f"https://127.0.0.1:{port}", ca_pem_path=certs / "ca.pem", **HERE
        )
    assert isinstance(caught.value.__cause__, (MilvusException, TimeoutError))


async def test_a_server_that_never_answers_ends_in_a_timeout(trio, certs):
    with (
        milvus_endpoint(trio.server, silent=True) as endpoint,
        pytest.raises(SecureConnectionError),
    ):
        await connect_secure_async(
            uri=endpoint.uri, ca_pem_path=certs / "ca.pem", timeout=1.5, **HERE
        )


async def test_the_event_loop_continues_during_the_probe(trio, certs):
    with milvus_endpoint(trio.server, silent=True) as endpoint:
        connecting = asyncio.ensure_future(
            connect_secure_async(
                uri=endpoint.uri, ca_pem_path=certs / "ca.pem", timeout=1.5, **HERE
            )
        )
        turns = 0
        while not connecting.done():
            await asyncio.sleep(0.05)
            turns += 1
        assert isinstance(connecting.exception(), SecureConnectionError)
    assert turns > 10


def open_channels() -> list[grpc.aio.Channel]:
    channels = [channel for channel in gc.get_objects() if isinstance(channel, grpc.aio.Channel)]
    return [channel for channel in channels if channel.get_state() is not SHUTDOWN]


async def test_a_failure_leaves_no_open_channel(one_way, certs):
    earlier = open_channels()  # of tests before this one in the same process
    with pytest.raises(SecureConnectionError) as caught:
        await connect_secure_async(
            uri=one_way.uri, ca_pem_path=certs / "ca.pem", server_name="other.example", **HERE
        )
    # The exception is kept, so that its traceback still refers to whatever was left open.
    assert caught.value.__cause__ is not None
    assert [channel for channel in open_channels() if channel not in earlier] == []


SHUTDOWN = grpc.ChannelConnectivity.SHUTDOWN
