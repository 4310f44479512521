"""Every fault on the way to an endpoint, up to the question whether the server speaks TLS."""

from __future__ import annotations

import pytest

import impostors
import peers
from milvus_secure.diagnosis.probe.proxies import proxy_for
from verdicts import cause


@pytest.mark.trips("dns-failed")
def test_a_name_that_does_not_resolve(look):
    report = look(19530, host="no-such-host.invalid")

    assert cause(report) == "dns-failed"
    assert "no-such-host.invalid" in report.root_cause.message


@pytest.mark.parametrize(
    "host",
    ["xn--a.invalid", "under_score.invalid", "db..invalid", ".invalid", f"{'a' * 300}.invalid"],
)
def test_a_name_that_cannot_resolve(look, host):
    assert cause(look(19530, host=host)) == "dns-failed"


@pytest.mark.trips("tcp-refused")
def test_a_closed_port(look):
    with peers.closed_port() as port:
        report = look(port)

    assert cause(report) == "tcp-refused"
    assert "connection refused" in report.root_cause.presented


@pytest.mark.trips("tcp-unreachable")
def test_a_host_without_a_route(look):
    report = look(19530, host="255.255.255.255")

    assert cause(report) == "tcp-unreachable"


@pytest.mark.trips("tcp-timeout")
def test_a_port_that_drops_packets(look):
    with peers.dropping_port() as port:
        report = look(port, timeout=0.6)

    assert cause(report) == "tcp-timeout"
    assert "did not answer in time" in report.root_cause.message


@pytest.mark.trips("tcp-timeout")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_accepts_connections_and_sends_nothing(look, scheme):
    with peers.tcp(peers.silent) as port:
        report = look(port, scheme=scheme, timeout=0.6, allow_plaintext=True)

    assert cause(report) == "tcp-timeout"
    assert "sends nothing" in report.root_cause.message


@pytest.mark.thorough
def test_it_is_silent_for_longer_than_grpc_waits_by_default(look):
    """By default gRPC gives up after 20 s with UNAVAILABLE."""
    with peers.tcp(peers.silent) as port:
        assert cause(look(port, timeout=23)) == "tcp-timeout"


# Through a proxy


def test_the_reported_proxy_is_the_one_that_grpc_uses():
    environ = {"https_proxy": "http://user:secret@proxy:3128", "no_proxy": "localhost,10.0.0.0/8"}

    assert proxy_for("milvus.example.com", environ).name == "http://***@proxy:3128 (https_proxy)"
    assert proxy_for("localhost", environ) is None
    assert proxy_for("10.1.2.3", environ) is None
    assert proxy_for("11.1.2.3", environ) is not None
    assert proxy_for("milvus.example.com", {}) is None


def test_a_host_that_only_the_proxy_can_reach(embedded_mutual, observe, certs, monkeypatch):
    with peers.tcp(peers.proxies_to(embedded_mutual.port)) as proxy:
        monkeypatch.setenv("grpc_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_grpc_proxy", "exempt.example")
        observation = observe(
            19530,
            host="milvus.invalid",
            server_name="localhost",
            client_pem_path=certs / "client.pem",
            client_key_path=certs / "client.key",
        )

    assert observation.milvus.code == 0
    assert observation.failure is None
    assert observation.proxy.open
    assert f"127.0.0.1:{proxy}" in observation.proxy.name


def test_a_host_that_the_proxy_refuses(observe, monkeypatch):
    with peers.tcp(peers.answers(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        monkeypatch.setenv("grpc_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_grpc_proxy", "exempt.example")
        observation = observe(19530, host="milvus.invalid")

    assert observation.failure is None
    assert (observation.proxy.status, observation.proxy.direct) == (403, False)


# TLS or not


@pytest.mark.trips("server-plaintext")
def test_a_plaintext_grpc_server(look):
    with impostors.grpc_server(None) as port:
        report = look(port)

    assert cause(report) == "server-plaintext"
    assert "gRPC" in report.root_cause.presented


@pytest.mark.trips("server-plaintext")
def test_a_plaintext_web_server(look):
    with impostors.http1() as port:
        report = look(port)

    assert cause(report) == "server-plaintext"
    assert "HTTP/1" in report.root_cause.presented


@pytest.mark.trips("server-plaintext")
@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail\r\n", b"\x00", b"\xff"])
def test_another_service_that_sends_a_greeting(look, banner):
    with peers.tcp(peers.answers(banner, first=True)) as port:
        assert cause(look(port, timeout=1)) == "server-plaintext"


@pytest.mark.trips("server-requires-tls")
def test_plaintext_to_a_one_way_milvus(embedded_one_way, look):
    report = look(embedded_one_way.port, scheme="http", allow_plaintext=True)

    assert cause(report) == "server-requires-tls"
    assert report.root_cause.remedy.startswith("Use https:// in uri, unset allow_plaintext and ")


def test_the_remedy_names_only_settings_that_are_set(embedded_one_way, look):
    report = look(
        embedded_one_way.port, scheme="http", secure=False, tls_mode=0, allow_plaintext=True
    )
    assert "Use https:// in uri, unset secure, unset tls_mode," in report.root_cause.remedy


@pytest.mark.trips("server-requires-tls")
def test_plaintext_to_a_tls_server_that_closes_the_connection(trio, look):
    with impostors.tls(trio.server) as port:
        assert cause(look(port, scheme="http", allow_plaintext=True)) == "server-requires-tls"


@pytest.mark.passes("server-requires-tls")
def test_plaintext_to_a_plaintext_milvus(look):
    with impostors.grpc_server(None, answer=impostors.status()) as port:
        assert look(port, scheme="http", allow_plaintext=True).errors == ()
