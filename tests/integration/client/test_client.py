"""connect_secure: a connected MilvusClient, or the reason why not."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import weakref
from pathlib import Path

import grpc
import pymilvus
import pytest
from pymilvus import connections
from pymilvus.exceptions import MilvusException

from milvus_endpoint import milvus_endpoint
from milvus_secure import (
    MilvusSecureError,
    MilvusSettings,
    SecureConnectionError,
    SettingsError,
    check,
    connect_secure,
)
from waiting import eventually, library_threads, open_connections

try:
    from pymilvus.client.connection_manager import ConnectionManager
except ImportError:  # before 2.6.10
    ConnectionManager = None

HERE = {"environ": {}, "env_file": None}


@pytest.fixture
def listening():
    """A listening port; the test asserts that nobody connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def pair(certs: Path) -> dict[str, Path]:
    return {
        "client_pem_path": certs / "client.pem",
        "client_key_path": certs / "client.key",
        "ca_pem_path": certs / "ca.pem",
    }


def test_returns_a_milvus_client_over_one_way_tls(one_way, certs):
    client = connect_secure(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    assert type(client) is pymilvus.MilvusClient
    client.close()


def test_returns_a_milvus_client_over_mutual_tls(mutual, certs):
    client = connect_secure(uri=mutual.uri, **pair(certs), **HERE)
    assert type(client) is pymilvus.MilvusClient
    client.close()


def test_accepts_settings_and_overrides(one_way, certs, settings):
    base = settings(uri="https://elsewhere.invalid:1", ca_pem_path=certs / "ca.pem")
    connect_secure(base, uri=one_way.uri).close()


@pytest.mark.parametrize("settings", [5, {"uri": "https://h:1"}, b"https://h:1"], ids=str)
def test_refuses_what_is_neither_settings_nor_endpoint(settings):
    with pytest.raises(TypeError, match="a MilvusSettings or an endpoint as text"):
        connect_secure(settings)


def test_check_accepts_the_endpoint_as_first_argument():
    report = check("host.example:1", online=False)
    assert report.settings["uri"] == {"value": "https://host.example:1", "source": "argument"}


def test_check_refuses_what_is_neither_settings_nor_endpoint():
    with pytest.raises(TypeError, match="a MilvusSettings or an endpoint as text"):
        check({"uri": "https://h:1"})


def test_accepts_the_endpoint_as_first_argument(one_way, certs):
    connect_secure(one_way.uri, ca_pem_path=certs / "ca.pem", **HERE).close()
    address = one_way.uri.removeprefix("https://")
    connect_secure(address, ca_pem_path=certs / "ca.pem", **HERE).close()


def test_refuses_two_endpoints(one_way):
    with pytest.raises(TypeError, match="not both"):
        connect_secure(one_way.uri, uri=one_way.uri, **HERE)


def test_a_file_of_milvus_lite_is_no_endpoint():
    with pytest.raises(SecureConnectionError) as caught:
        connect_secure("./milvus.db", **HERE)
    assert caught.value.report.root_cause.code == "uri-invalid"


def test_loads_a_profile_of_a_named_file(one_way, certs, tmp_path):
    file = tmp_path / "team.toml"
    file.write_text(
        f'ca_pem_path = "certs/ca.pem"\n[profiles.here]\nuri = "{one_way.uri}"\n', encoding="utf-8"
    )
    connect_secure(config=file, profile="here", **HERE).close()


def test_refuses_settings_together_with_a_profile(settings):
    with pytest.raises(TypeError, match="not both"):
        connect_secure(settings(), profile="prod")


def test_settings_that_cannot_be_loaded_are_a_settings_error():
    with pytest.raises(SettingsError, match="timeout"):
        connect_secure(timeout="soon", **HERE)


class TestPreflight:
    def test_an_error_opens_no_socket(self, listening, tmp_path):
        uri = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(uri=uri, ca_pem_path=tmp_path / "missing.pem", **HERE)
        with pytest.raises(BlockingIOError):
            listening.accept()
        assert caught.value.report.root_cause.code == "file-missing"

    def test_an_error_has_no_pymilvus_exception_behind_it(self, tmp_path):
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(ca_pem_path=tmp_path / "missing.pem", **HERE)
        assert caught.value.__cause__ is None

    def test_a_warning_goes_to_the_logger_in_one_line(self, one_way, certs, caplog):
        environ = {"MILVUS_SERVER_NAMES": "x"}
        with caplog.at_level(logging.WARNING, logger="milvus_secure"):
            connect_secure(
                uri=one_way.uri, ca_pem_path=certs / "ca.pem", environ=environ, env_file=None
            ).close()
        (record,) = [entry for entry in caplog.records if entry.name == "milvus_secure"]
        assert "env-unknown" in record.getMessage()
        assert "\n" not in record.getMessage()

    def test_can_be_left_out(self, one_way, certs, caplog):
        environ = {"MILVUS_SERVER_NAMES": "x"}
        with caplog.at_level(logging.WARNING, logger="milvus_secure"):
            connect_secure(
                uri=one_way.uri,
                ca_pem_path=certs / "ca.pem",
                environ=environ,
                env_file=None,
                preflight=False,
            ).close()
        assert not [entry for entry in caplog.records if entry.name == "milvus_secure"]

    def test_left_out_a_missing_file_is_still_explained(self, one_way, tmp_path):
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(
                uri=one_way.uri, ca_pem_path=tmp_path / "missing.pem", preflight=False, **HERE
            )
        assert caught.value.report.root_cause.code == "file-missing"
        assert isinstance(caught.value.__cause__, FileNotFoundError)

    @pytest.mark.parametrize("slot", ["client_pem_path", "client_key_path", "ca_pem_path"])
    def test_left_out_an_empty_file_still_never_reaches_grpc(self, mutual, certs, tmp_path, slot):
        (tmp_path / "empty").touch()
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(
                uri=mutual.uri, **{**pair(certs), slot: tmp_path / "empty"}, preflight=False, **HERE
            )
        assert "file-empty" in [finding.code for finding in caught.value.report.errors]

    def test_left_out_a_named_pipe_still_never_reaches_pymilvus(self, one_way, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SecureConnectionError, match="file-not-regular"):
            connect_secure(uri=one_way.uri, ca_pem_path=tmp_path / "pipe", preflight=False, **HERE)


class TestTheLog:
    """At INFO, one line names the endpoint, the mode and the expiry of the certificates."""

    @pytest.fixture
    def lines(self, caplog):
        caplog.set_level(logging.INFO, logger="milvus_secure")
        return lambda: [r.getMessage() for r in caplog.records if r.name == "milvus_secure"]

    def test_of_mutual_tls_names_both_certificates(self, mutual, certs, trio, lines):
        connect_secure(mutual.uri, **pair(certs), token="root:canary-9e", **HERE).close()
        (line,) = lines()
        assert f"Connected to {mutual.uri.removeprefix('https://')}, mutual;" in line
        for minted in (trio.server, trio.client):
            end = minted.certificate.not_valid_after_utc
            assert f"{minted.certificate.subject.rfc4514_string()} until {end:%Y-%m-%d}" in line
        assert "canary-9e" not in line

    def test_of_one_way_tls_names_the_server_s(self, one_way, certs, lines):
        connect_secure(one_way.uri, ca_pem_path=certs / "ca.pem", **HERE).close()
        (line,) = lines()
        assert "one-way; server certificate CN=server until" in line
        assert "client certificate" not in line

    def test_of_plaintext_names_none(self, lines):
        with milvus_endpoint(None) as endpoint:
            connect_secure(endpoint.uri, allow_plaintext=True, **HERE).close()
        (line,) = lines()
        assert line.endswith("plaintext.")

    def test_costs_no_handshake_when_info_is_off(self, one_way, certs, monkeypatch):
        monkeypatch.setattr("ssl.SSLContext.wrap_socket", None)
        connect_secure(one_way.uri, ca_pem_path=certs / "ca.pem", **HERE).close()


class TestFailure:
    def test_names_the_cause_and_the_fix_in_one_line(self, one_way, certs):
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(
                uri=one_way.uri,
                ca_pem_path=certs / "ca.pem",
                token="wrong:token-8c1",
                **HERE,
                server_name="other.example",
            )
        headline = str(caught.value)
        assert headline.startswith("name-mismatch: ")
        assert "\n" not in headline
        assert "Fix: " in headline
        assert "token-8c1" not in headline

    def test_is_a_connection_error_from_pymilvus_s_own(self, one_way, foreign_ca):
        with pytest.raises(ConnectionError) as caught:
            connect_secure(uri=one_way.uri, ca_pem_path=foreign_ca, timeout=3, **HERE)
        assert isinstance(caught.value, MilvusSecureError)
        assert isinstance(caught.value.__cause__, MilvusException)
        assert caught.value.report.root_cause.code == "chain-untrusted"

    def test_of_a_closed_port_is_found_by_the_probe(self, certs):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(uri=f"https://127.0.0.1:{port}", ca_pem_path=certs / "ca.pem", **HERE)
        assert caught.value.report.root_cause.code == "tcp-refused"
        assert caught.value.report.server is not None

    def test_of_a_missing_client_certificate_is_found_by_the_probe(self, mutual, certs):
        with pytest.raises(SecureConnectionError) as caught:
            connect_secure(uri=mutual.uri, ca_pem_path=certs / "ca.pem", timeout=5, **HERE)
        assert caught.value.report.root_cause.code == "client-certificate-required"

    def test_of_a_token_is_found_by_the_probe(self, trio, certs):
        with (
            milvus_endpoint(trio.server, token="root:Milvus") as endpoint,
            pytest.raises(SecureConnectionError) as caught,
        ):
            connect_secure(
                uri=endpoint.uri, ca_pem_path=certs / "ca.pem", token="root:wrong-6f", **HERE
            )
        assert caught.value.report.root_cause.code == "authentication-failed"
        assert "wrong-6f" not in f"{caught.value}{caught.value.report}"

    def test_that_no_longer_exists_is_reported_as_by_pymilvus(self, trio, certs):
        # Every other call is refused: that of pymilvus, but not that of the probe.
        refusal = "out of order for root:echo-4d"
        with (
            milvus_endpoint(trio.server, refusal=refusal) as endpoint,
            pytest.raises(SecureConnectionError) as caught,
        ):
            connect_secure(
                uri=endpoint.uri,
                ca_pem_path=certs / "ca.pem",
                token="root:echo-4d",
                timeout=1.5,
                **HERE,
            )
        assert caught.value.report.ok
        assert "found no fault. pymilvus says: out of order for **********." in str(caught.value)

    def test_of_a_server_that_never_answers_ends(self, trio, certs):
        with (
            milvus_endpoint(trio.server, silent=True) as endpoint,
            pytest.raises(SecureConnectionError),
        ):
            connect_secure(uri=endpoint.uri, ca_pem_path=certs / "ca.pem", timeout=1.5, **HERE)

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net")
    def test_leaves_no_thread_no_channel_and_no_connection(self, one_way, certs, monkeypatch):
        channels, secure_channel = [], grpc.secure_channel

        def remember(*arguments, **options):
            channel = secure_channel(*arguments, **options)
            channels.append(weakref.ref(channel))
            return channel

        def alive() -> int:
            gc.collect()
            return sum(channel() is not None for channel in channels)

        monkeypatch.setattr(grpc, "secure_channel", remember)
        before = registered()
        with pytest.raises(SecureConnectionError):
            connect_secure(
                uri=one_way.uri, ca_pem_path=certs / "ca.pem", server_name="other.example", **HERE
            )
        assert channels, "a channel was made at all"
        assert eventually(lambda: alive() == 0)
        assert eventually(lambda: library_threads() == set()), library_threads()
        assert eventually(lambda: open_connections(one_way.port) == 0)
        assert registered() <= before


def registered() -> int:
    """Connections pymilvus holds, in its pool or under an alias."""
    if ConnectionManager is not None:
        return ConnectionManager.get_instance().get_stats()["total_connections"]
    return sum(handler is not None for _, handler in connections.list_connections())


class TestMaterialGivenAsText:
    @pytest.fixture
    def client_with_texts(self, mutual, certs):
        texts = {
            "ca_pem": (certs / "ca.pem").read_text(),
            "client_pem": (certs / "client.pem").read_text(),
            "client_key": (certs / "client.key").read_text(),
        }
        client_with_texts = connect_secure(MilvusSettings(uri=mutual.uri, **texts, **HERE))
        yield client_with_texts
        client_with_texts.close()

    def test_lasts_as_long_as_the_client(self, client_with_texts):
        gc.collect()
        reconnect = getattr(client_with_texts._get_connection(), "reconnect", None)
        if reconnect is None:
            pytest.skip("this pymilvus does not reconnect")
        reconnect()

    @pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors under /proc")
    def test_is_removed_with_the_client(self, mutual, certs):
        def spooled() -> int:
            links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
            return sum("milvus-secure" in str(link.readlink()) for link in links)

        gc.collect()  # clients of other tests
        before = spooled()
        client_with_texts = connect_secure(
            uri=mutual.uri,
            **{**pair(certs), "client_key_path": None},
            **HERE,
            client_key=(certs / "client.key").read_text(),
        )
        client_with_texts.close()
        del client_with_texts
        gc.collect()
        assert spooled() == before
