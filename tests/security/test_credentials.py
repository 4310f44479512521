"""Credentials are sent to the verified peer and to no other."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import grpc
import pytest
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import impostors
import minting
import peers
from canaries import PASSWORD, TOKEN, USER, report_text
from milvus_secure import check, connect_secure, connect_secure_async
from milvus_secure.client.settings import MilvusSettings
from milvus_secure.errors import MilvusSecureError, SecureConnectionError


class Recorder:
    """The credentials that a gRPC server received, or the bytes that a plain listener received."""

    def __init__(self) -> None:
        self.headers: list[str] = []
        self.raw = b""

    def answer(self, _: str, context: grpc.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata())
        self.headers.append(metadata.get("authorization", ""))
        return milvus_pb2.ConnectResponse(
            status=common_pb2.Status(), server_info=common_pb2.ServerInfo(build_tags="v2.6.0")
        ).SerializeToString()

    def listen(self, connection) -> None:
        while data := connection.recv(65_536):
            self.raw += data

    @property
    def all(self) -> str:
        return " ".join(self.headers) + self.raw.decode("latin-1")


@contextmanager
def _wrong_ca(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    stranger = minting.mint("localhost", sans=["localhost"], which=8)
    with impostors.grpc_server(stranger, answer=recorder.answer) as port:
        yield port


@contextmanager
def _wrong_name(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    misnamed = minting.mint("other", sans=["other.example"], issuer=trio.ca, which=8)
    with impostors.grpc_server(misnamed, answer=recorder.answer) as port:
        yield port


@contextmanager
def _expired(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    old = minting.mint("old", sans=["localhost"], issuer=trio.ca, days=0.5, which=8)
    with impostors.grpc_server(old, answer=recorder.answer) as port:
        yield port


@contextmanager
def _plaintext_milvus(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    with impostors.grpc_server(None, answer=recorder.answer) as port:
        yield port


@contextmanager
def _listener(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    with peers.tcp(recorder.listen) as port:
        yield port


@contextmanager
def _verified(trio: minting.Trio, recorder: Recorder) -> Iterator[int]:
    with impostors.grpc_server(trio.server, answer=recorder.answer) as port:
        yield port


async def _connect(settings: MilvusSettings) -> None:
    connect_secure(settings).close()


async def _connect_unchecked(settings: MilvusSettings) -> None:
    connect_secure(settings, preflight=False).close()


async def _connect_async(settings: MilvusSettings) -> None:
    await (await connect_secure_async(settings)).close()


async def _check(settings: MilvusSettings) -> None:
    check(settings)


STRANGERS = (_wrong_ca, _wrong_name, _expired, _plaintext_milvus, _listener)
CALLS = (_connect, _connect_unchecked, _connect_async, _check)
CREDENTIALS = ({"token": TOKEN}, {"user": USER, "password": PASSWORD})


def _name(item: object) -> str:
    return item.__name__.strip("_") if callable(item) else "-".join(item)


@pytest.mark.parametrize("call", CALLS, ids=_name)
class TestCredentials:
    @pytest.mark.parametrize("stranger", STRANGERS, ids=_name)
    async def test_are_not_sent_to_a_peer_that_is_not_verified(
        self, stranger, call, settings, certs, trio, canaries
    ):
        recorder = Recorder()
        with stranger(trio, recorder) as port:
            made = settings(
                uri=f"https://localhost:{port}",
                ca_pem_path=certs / "ca.pem",
                timeout=1,
                user=USER,
                password=PASSWORD,
            )
            with suppress(MilvusSecureError):
                await call(made)
        assert [canary for canary in canaries if canary in recorder.all] == []
        assert recorder.headers == []

    @pytest.mark.parametrize("credentials", CREDENTIALS, ids=_name)
    async def test_are_sent_to_a_verified_peer(
        self, call, credentials, settings, certs, trio, canaries
    ):
        recorder = Recorder()
        with _verified(trio, recorder) as port:
            made = settings(
                uri=f"https://localhost:{port}",
                ca_pem_path=certs / "ca.pem",
                timeout=5,
                **credentials,
            )
            await call(made)
        assert any(canary in recorder.all for canary in canaries)

    @pytest.mark.parametrize("server", [_plaintext_milvus, _listener], ids=_name)
    async def test_are_not_sent_in_plaintext_unless_that_is_allowed(
        self, server, call, settings, trio, canaries
    ):
        recorder = Recorder()
        with server(trio, recorder) as port:
            made = settings(uri=f"http://localhost:{port}", timeout=1, token=TOKEN)
            with suppress(MilvusSecureError):
                await call(made)
        assert recorder.headers == []
        assert [canary for canary in canaries if canary in recorder.all] == []

    async def test_are_sent_in_plaintext_where_that_is_allowed(
        self, call, settings, trio, canaries
    ):
        recorder = Recorder()
        with _plaintext_milvus(trio, recorder) as port:
            await call(
                settings(
                    uri=f"http://localhost:{port}", timeout=5, allow_plaintext=True, token=TOKEN
                )
            )
        assert any(canary in recorder.all for canary in canaries)


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=_name)
@pytest.mark.parametrize("call", [_connect, _connect_async], ids=_name)
async def test_credentials_that_a_server_repeats_are_masked(
    call, credentials, settings, certs, trio, canaries
):
    def repeats(_: str, context: grpc.ServicerContext) -> bytes:
        header = dict(context.invocation_metadata())["authorization"]
        words = f"not {header}, that is {base64.b64decode(header).decode()}"
        context.abort(grpc.StatusCode.UNAUTHENTICATED, words)

    with impostors.grpc_server(trio.server, answer=repeats) as port:
        made = settings(
            uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", timeout=5, **credentials
        )
        with pytest.raises(SecureConnectionError) as caught:
            await call(made)
    # pymilvus's own exception, the cause, is left as it is.
    text = f"{caught.value}{caught.value!r}{report_text(caught.value.report)}"
    assert "not **********, that is **********" in text
    assert [canary for canary in canaries if canary in text] == []
