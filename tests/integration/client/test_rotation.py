"""Certificates renewed under a running client: what is used, what is not, what is logged."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from pymilvus import AsyncMilvusClient, MilvusClient

import minting
from milvus_endpoint import milvus_endpoint
from milvus_secure import MilvusSecureError, connect_secure, connect_secure_async, watch
from milvus_secure.client.timeouts import waits_full_timeout
from waiting import eventually

HERE = {"environ": {}, "env_file": None, "timeout": 5}

REASON = "this pymilvus cannot connect a client again (2.6.16 and 3.0.1 can)"
RECONNECTS = pytest.mark.skipif(waits_full_timeout(), reason=REASON)


def files(certs: Path) -> dict[str, Path]:
    return {
        "ca_pem_path": certs / "ca.pem",
        "client_pem_path": certs / "client.pem",
        "client_key_path": certs / "client.key",
    }


@pytest.fixture
def client(mutual, certs) -> Iterator[MilvusClient]:
    client = connect_secure(uri=mutual.uri, **files(certs), **HERE)
    yield client
    client.close()


@pytest.fixture
def renewed(trio) -> minting.Minted:
    """Another pair of the same CA, for a client named `renewed`."""
    return minting.mint("renewed", issuer=trio.ca, usages=[minting.CLIENT], which=4)


def install(pair: minting.Minted, certs: Path) -> None:
    (certs / "client.pem").write_bytes(pair.pem)
    (certs / "client.key").write_bytes(pair.key_pem)


def reconnect(client: MilvusClient) -> None:
    """Reconnect as pymilvus does after a call that failed as UNAVAILABLE."""
    client._get_connection().reconnect()


def logged_codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The findings logged, in order."""
    messages = [record.getMessage() for record in caplog.records if record.name == "milvus_secure"]
    return [line.split(":")[0] for line in messages if " Fix: " in line]


@RECONNECTS
class TestTheNextConnection:
    def test_uses_renewed_files(self, mutual, client, certs, renewed):
        install(renewed, certs)
        reconnect(client)
        assert mutual.names == ["client", "renewed"]

    def test_uses_a_renewed_key_that_is_encrypted(self, mutual, certs, trio, renewed):
        (certs / "client.key").write_bytes(trio.client.encrypted_key_pem("open sesame"))
        client = connect_secure(
            uri=mutual.uri, **files(certs), client_key_password="open sesame", **HERE
        )
        (certs / "client.pem").write_bytes(renewed.pem)
        (certs / "client.key").write_bytes(renewed.encrypted_key_pem("open sesame"))
        reconnect(client)
        client.close()
        assert mutual.names == ["client", "renewed"]

    @pytest.mark.parametrize(
        ("name", "damage", "code"),
        [
            pytest.param("client.pem", lambda pem: pem[:300], "pem-malformed", id="half"),
            pytest.param("client.key", lambda _: b"", "file-empty", id="truncated"),
            pytest.param("ca.pem", lambda _: b"", "file-empty", id="no anchor"),
            pytest.param("client.pem", None, "key-mismatch", id="certificate before its key"),
        ],
    )
    def test_never_uses_an_incomplete_pair(
        self, mutual, client, certs, renewed, caplog, name, damage, code
    ):
        path = certs / name
        path.write_bytes(renewed.pem if damage is None else damage(path.read_bytes()))
        reconnect(client)
        assert mutual.names == ["client", "client"]
        assert logged_codes(caplog) == [code]

    def test_continues_without_files_that_were_removed(self, mutual, client, certs, caplog):
        (certs / "client.key").unlink()
        reconnect(client)
        assert mutual.names == ["client", "client"]
        assert logged_codes(caplog) == ["file-missing"]

    def test_logs_the_same_broken_file_once(self, client, certs, caplog):
        (certs / "client.key").write_bytes(b"")
        reconnect(client)
        reconnect(client)
        assert logged_codes(caplog) == ["file-empty"]

    def test_uses_files_that_were_repaired(self, mutual, client, certs, renewed):
        (certs / "client.pem").write_bytes(renewed.pem)
        reconnect(client)
        (certs / "client.key").write_bytes(renewed.key_pem)
        reconnect(client)
        assert mutual.names == ["client", "client", "renewed"]

    def test_uses_a_certificate_that_was_not_yet_valid_once_it_is(
        self, mutual, client, certs, trio, caplog
    ):
        """The issuer's clock may be ahead of this machine's clock."""
        ahead = minting.mint(
            "ahead", issuer=trio.ca, usages=[minting.CLIENT], start=timedelta(seconds=2), which=4
        )
        install(ahead, certs)
        reconnect(client)
        reconnect(client)
        assert logged_codes(caplog) == ["certificate-not-yet-valid"]
        assert eventually(
            lambda: ahead.certificate.not_valid_before_utc < datetime.now(timezone.utc)
        )
        reconnect(client)
        assert mutual.names == ["client", "client", "client", "ahead"]

    def test_reads_a_consistent_set_during_a_renewal(self, client, certs, renewed):
        handler = client._get_connection()
        pair = (certs / "client.key").read_bytes(), (certs / "client.pem").read_bytes()
        Path(handler._ca_pem_path).read_bytes()  # the connection begins
        install(renewed, certs)
        key, chain = handler._client_key_path, handler._client_pem_path
        assert (Path(key).read_bytes(), Path(chain).read_bytes()) == pair
        assert (Path(key).read_bytes(), Path(chain).read_bytes()) == (renewed.key_pem, renewed.pem)

    async def test_of_an_async_client_uses_renewed_files(self, mutual, certs, renewed):
        client = await connect_secure_async(uri=mutual.uri, **files(certs), **HERE)
        install(renewed, certs)
        await (await client._get_connection()).reconnect()
        await client.close()
        assert mutual.names == ["client", "renewed"]


ABORTS = """
import sys
from pymilvus import AsyncMilvusClient, MilvusClient
uri, folder = sys.argv[1:]
names = {f"client_{kind}_path": f"{folder}/client.{kind}" for kind in ("pem", "key")}
client = MilvusClient(uri=uri, ca_pem_path=f"{folder}/ca.pem", **names, dedicated=True)
open(f"{folder}/client.key", "w").close()
client._get_connection().reconnect()
"""


@RECONNECTS
def test_without_this_a_file_being_written_aborts_the_process(mutual, certs):
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ABORTS, mutual.uri, str(certs)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert completed.returncode == -signal.SIGABRT


@RECONNECTS
class TestWatch:
    def test_connects_with_renewed_files_before_a_call_fails(self, mutual, client, certs, renewed):
        before = client._get_connection()._channel
        with watch(client, interval=0.01):
            install(renewed, certs)
            assert eventually(lambda: client._get_connection()._channel is not before)
        assert mutual.names[-1] == "renewed"

    async def test_watches_an_async_client_from_its_loop(self, mutual, certs, renewed):
        client = await connect_secure_async(uri=mutual.uri, **files(certs), **HERE)
        before = client._handler._async_channel
        with watch(client, interval=0.01):
            install(renewed, certs)
            await asyncio.to_thread(
                eventually, lambda: client._handler._async_channel is not before
            )
        await client.close()

    def test_keeps_the_connection_and_logs_why_when_files_are_broken(self, client, certs, caplog):
        channel = client._get_connection()._channel
        with watch(client, interval=0.01):
            (certs / "client.key").write_bytes(b"")
            assert eventually(lambda: "file-empty" in logged_codes(caplog))
        assert client._get_connection()._channel is channel

    def test_keeps_the_connection_and_logs_why_when_the_server_refuses(self, client, certs, caplog):
        channel = client._get_connection()._channel
        stranger = minting.mint("stranger", usages=[minting.CLIENT], ca=False, which=5)
        with watch(client, interval=0.01):
            install(stranger, certs)
            assert eventually(lambda: "client-certificate-rejected" in logged_codes(caplog))
        assert client._get_connection()._channel is channel

    def test_warns_before_the_server_s_certificate_expires(self, trio, certs, caplog):
        soon = minting.mint("soon", sans=["localhost"], issuer=trio.ca, days=6, which=6)
        with milvus_endpoint(soon) as endpoint:
            client = connect_secure(uri=endpoint.uri, ca_pem_path=certs / "ca.pem", **HERE)
            assert "certificate-expiring" not in logged_codes(caplog)
            with watch(client, interval=60):
                assert eventually(lambda: "certificate-expiring" in logged_codes(caplog))
            client.close()

    def test_does_not_repeat_what_was_logged_at_the_connection(self, trio, certs, caplog, mutual):
        soon = minting.mint("soon", issuer=trio.ca, usages=[minting.CLIENT], days=6, which=6)
        install(soon, certs)
        client = connect_secure(uri=mutual.uri, **files(certs), **HERE)
        reported = logged_codes(caplog)
        connects = mutual.connects
        with watch(client, interval=0.01):
            assert eventually(lambda: mutual.connects > connects + 2)
        client.close()
        assert logged_codes(caplog) == reported

    def test_logs_what_was_not_logged_at_the_connection(self, trio, certs, caplog, mutual):
        soon = minting.mint("soon", issuer=trio.ca, usages=[minting.CLIENT], days=6, which=6)
        install(soon, certs)
        client = connect_secure(uri=mutual.uri, **files(certs), **HERE, preflight=False)
        with watch(client, interval=60):
            assert eventually(lambda: "certificate-expiring" in logged_codes(caplog))
        client.close()

    def test_may_be_closed_from_its_own_thread(self, client, certs):
        """For example by a handler of the log."""
        ended = threading.Event()

        class Closes(logging.Handler):
            def emit(self, _: logging.LogRecord) -> None:
                watching.close()
                ended.set()

        logger, handler = logging.getLogger("milvus_secure"), Closes()
        logger.addHandler(handler)
        try:
            watching = watch(client, interval=0.01)
            (certs / "client.key").write_bytes(b"")
            assert ended.wait(30)
        finally:
            logger.removeHandler(handler)

    @pytest.mark.parametrize("ending", ["closed", "forgotten"])
    def test_ends_with_its_client(self, mutual, certs, ending):
        client = connect_secure(uri=mutual.uri, **files(certs), **HERE)
        watch(client, interval=0.01)
        client.close()
        if ending == "forgotten":
            del client
            gc.collect()
        assert eventually(
            lambda: "milvus-secure-watch" not in {t.name for t in threading.enumerate()}
        )

    def test_refuses_an_unknown_client(self, certs, trio):
        with milvus_endpoint(trio.server) as endpoint:
            client = MilvusClient(uri=endpoint.uri, server_pem_path=str(certs / "ca.pem"))
            with pytest.raises(MilvusSecureError, match="neither by connect_secure nor"):
                watch(client)
            client.close()

    async def test_refuses_an_async_client_outside_its_loop(self, mutual, certs):
        client = await connect_secure_async(uri=mutual.uri, **files(certs), **HERE)
        with pytest.raises(MilvusSecureError, match="event loop"):
            await asyncio.to_thread(watch, client)
        await client.close()


@RECONNECTS
class TestWatchingAClientOfAFramework:
    """A client that was made by pymilvus itself, with keyword arguments from `client_kwargs`."""

    def test_connects_with_renewed_files(self, mutual, settings, certs, renewed):
        made = settings(uri=mutual.uri, **files(certs), timeout=5)
        client = MilvusClient(**made.client_kwargs())
        del made
        with watch(client, interval=0.05):
            install(renewed, certs)
            assert eventually(lambda: "renewed" in mutual.names)
        client.close()

    async def test_connects_an_async_client_with_renewed_files(
        self, mutual, settings, certs, renewed
    ):
        made = settings(uri=mutual.uri, **files(certs), timeout=5)
        client = AsyncMilvusClient(**made.client_kwargs())
        with watch(client, interval=0.05) as watching:  # it has not connected yet
            await client._connect()
            install(renewed, certs)
            assert await asyncio.to_thread(eventually, lambda: "renewed" in mutual.names)
            watching.close()
        await client.close()
        assert "renewed" in mutual.names

    def test_uses_given_settings_for_keywords_from_another_process(
        self, mutual, settings, certs, renewed, monkeypatch
    ):
        made = settings(uri=mutual.uri, **files(certs), timeout=5)
        client = MilvusClient(**made.client_kwargs())
        monkeypatch.setattr("milvus_secure.client.origins._SETTINGS", {})
        with pytest.raises(MilvusSecureError, match="settings=settings"):
            watch(client)
        with watch(client, settings=made, interval=0.05):
            install(renewed, certs)
            assert eventually(lambda: "renewed" in mutual.names)
        client.close()

    def test_says_that_a_copy_of_an_opened_key_stays_in_use(
        self, mutual, settings, certs, trio, renewed, caplog
    ):
        (certs / "client.key").write_bytes(trio.client.encrypted_key_pem("open sesame"))
        made = settings(uri=mutual.uri, **files(certs), client_key_password="open sesame")
        client = MilvusClient(**made.client_kwargs())
        with watch(client, interval=0.05):
            (certs / "client.pem").write_bytes(renewed.pem)
            (certs / "client.key").write_bytes(renewed.encrypted_key_pem("open sesame"))
            assert eventually(lambda: "keeps a copy" in caplog.text)
        client.close()


@RECONNECTS
def test_renewed_files_are_logged_at_info(mutual, client, certs, renewed, caplog):
    with caplog.at_level(logging.INFO, "milvus_secure"), watch(client, interval=0.01):
        install(renewed, certs)
        assert eventually(lambda: "Connected again" in caplog.text)


@pytest.mark.skipif(not waits_full_timeout(), reason="this pymilvus can connect a client again")
def test_an_older_pymilvus_is_reported(client, certs, renewed, caplog):
    with watch(client, interval=0.01):
        install(renewed, certs)
        assert eventually(lambda: "cannot take up a new connection" in caplog.text)
