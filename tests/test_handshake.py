"""Every fault of an endpoint, on a real server of its kind, and its healthy neighbour."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from OpenSSL import SSL
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import minting
import peers
from milvus_secure.doctor import check
from milvus_secure.embedded.server import EmbeddedMilvus
from milvus_secure.report import Report

Check = Callable[..., Report]


@pytest.fixture
def look(settings, certs: Path) -> Check:
    """Check an endpoint on loopback, trusting the test CA unless told otherwise."""

    def at(port: int, *, host: str = "localhost", scheme: str = "https", **values) -> Report:
        if scheme == "https":
            values.setdefault("ca_pem_path", certs / "ca.pem")
        values.setdefault("timeout", 10)
        return check(settings(uri=f"{scheme}://{host}:{port}", **values))

    return at


@pytest.fixture
def pair(certs: Path) -> dict[str, Path]:
    """The client pair the test CA issued."""
    return {"client_pem_path": certs / "client.pem", "client_key_path": certs / "client.key"}


@pytest.fixture
def one_way(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key"
    ) as server:
        yield server


@pytest.fixture
def mutual(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key",
        ca_pem_path=certs / "ca.pem",
    ) as server:  # fmt: skip
        yield server


def cause(report: Report) -> str | None:
    return report.root_cause.code if report.root_cause else None


def codes(report: Report) -> set[str]:
    return {found.code for found in (*report.errors, *report.warnings)}


def status(**fields) -> Callable[[str, object], bytes]:
    """Answer every call as a Milvus would, with this status."""
    response = milvus_pb2.ConnectResponse(
        status=common_pb2.Status(**fields),
        server_info=common_pb2.ServerInfo(build_tags="v2.6.1"),
    )
    return lambda *_: response.SerializeToString()


def aborting(code: grpc.StatusCode, words: str = "no") -> Callable[[str, object], bytes]:
    def answer(_: str, context: grpc.ServicerContext) -> bytes:
        context.abort(code, words)

    return answer


@pytest.mark.passes("dns-failed")
@pytest.mark.passes("tcp-refused")
@pytest.mark.passes("tcp-timeout")
@pytest.mark.passes("tcp-unreachable")
@pytest.mark.passes("server-plaintext")
@pytest.mark.passes("tls-version")
@pytest.mark.passes("tls-failed")
@pytest.mark.passes("alpn-not-h2")
@pytest.mark.passes("client-certificate-required")
@pytest.mark.passes("not-milvus")
@pytest.mark.passes("server-not-ready")
@pytest.mark.passes("presented-certificate-differs")
def test_a_healthy_one_way_milvus_has_no_fault(one_way, look):
    assert codes(look(one_way.port)) == set()


@pytest.mark.passes("client-certificate-rejected")
def test_a_healthy_mutual_milvus_has_no_fault(mutual, look, pair):
    assert look(mutual.port, **pair).errors == ()


# The way there


@pytest.mark.trips("dns-failed")
def test_a_name_that_does_not_resolve(look):
    report = look(19530, host="no-such-host.invalid")

    assert cause(report) == "dns-failed"
    assert "no-such-host.invalid" in report.root_cause.message


@pytest.mark.parametrize("host", ["xn--a.invalid", "under_score.invalid"])
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
    assert "does not answer" in report.root_cause.message


@pytest.mark.trips("tcp-timeout")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_takes_connections_and_says_nothing(look, scheme):
    with peers.tcp(peers.silent) as port:
        report = look(port, scheme=scheme, timeout=0.6, allow_plaintext=True)

    assert cause(report) == "tcp-timeout"
    assert "says nothing" in report.root_cause.message


# TLS or not


@pytest.mark.trips("server-plaintext")
def test_a_plaintext_grpc_server(look):
    with peers.grpc_server(None) as port:
        report = look(port)

    assert cause(report) == "server-plaintext"
    assert "gRPC" in report.root_cause.presented


@pytest.mark.trips("server-plaintext")
def test_a_plaintext_web_server(look):
    with peers.http1() as port:
        report = look(port)

    assert cause(report) == "server-plaintext"
    assert "HTTP/1" in report.root_cause.presented


@pytest.mark.trips("server-plaintext")
@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail\r\n", b"\x00", b"\xff"])
def test_another_service_that_greets(look, banner):
    with peers.tcp(peers.says(banner, first=True)) as port:
        assert cause(look(port, timeout=1)) == "server-plaintext"


@pytest.mark.trips("server-requires-tls")
def test_plaintext_to_a_one_way_milvus(one_way, look):
    report = look(one_way.port, scheme="http", allow_plaintext=True)

    assert cause(report) == "server-requires-tls"


@pytest.mark.trips("server-requires-tls")
def test_plaintext_to_a_tls_server_that_hangs_up(trio, look):
    with peers.tls(trio.server) as port:
        assert cause(look(port, scheme="http", allow_plaintext=True)) == "server-requires-tls"


@pytest.mark.passes("server-requires-tls")
def test_plaintext_to_a_plaintext_milvus(look):
    with peers.grpc_server(None, answer=status()) as port:
        assert look(port, scheme="http", allow_plaintext=True).errors == ()


# The handshake


@pytest.mark.trips("tls-version")
@pytest.mark.parametrize("version", [SSL.TLS1_VERSION, SSL.TLS1_1_VERSION])
def test_a_server_with_old_tls_only(trio, look, version):
    with peers.tls(trio.server, versions=(version, version)) as port:
        report = look(port)

    assert cause(report) == "tls-version"
    assert report.root_cause.presented.startswith("TLSv1")


@pytest.mark.passes("tls-version")
def test_a_server_with_tls_1_2_only(trio, look):
    with peers.tls(trio.server, versions=(SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)) as port:
        report = look(port, timeout=1)

    assert report.server.tls_version == "TLSv1.2"
    assert "tls-version" not in codes(report)


@pytest.mark.trips("alpn-not-h2")
def test_a_web_server_over_tls(trio, look, tmp_path):
    with peers.https(trio.server, tmp_path) as port:
        assert cause(look(port)) == "alpn-not-h2"


@pytest.mark.trips("alpn-not-h2")
def test_a_tls_server_without_alpn(trio, look):
    with peers.tls(trio.server, alpn=()) as port:
        report = look(port)

    assert cause(report) == "alpn-not-h2"
    assert report.root_cause.presented == "ALPN none"


@pytest.mark.trips("client-certificate-required")
def test_no_client_certificate_for_a_mutual_milvus(mutual, look):
    assert cause(look(mutual.port)) == "client-certificate-required"


@pytest.mark.trips("client-certificate-required")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_issuers_a_server_accepts_are_told(trio, look, version):
    with peers.tls(trio.server, clients=trio.ca, versions=(version, version)) as port:
        report = look(port)

    assert cause(report) == "client-certificate-required"
    assert "CN=test CA" in report.root_cause.expected


@pytest.fixture
def foreign_pair(tmp_path: Path) -> dict[str, Path]:
    """A client pair that a CA the server does not know has issued."""
    other = minting.mint("other CA", which=5)
    client = minting.mint("stranger", issuer=other, usages=[minting.CLIENT], which=6)
    pem, key = tmp_path / "foreign.pem", tmp_path / "foreign.key"
    pem.write_bytes(client.pem)
    key.touch(mode=0o600)
    key.write_bytes(client.key_pem)
    return {"client_pem_path": pem, "client_key_path": key}


@pytest.mark.trips("client-certificate-rejected")
def test_a_client_certificate_the_embedded_milvus_refuses(mutual, look, foreign_pair):
    assert "client-certificate-rejected" in codes(look(mutual.port, **foreign_pair))


@pytest.mark.trips("client-certificate-rejected")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_accepted_issuers_stand_beside_ours(trio, look, foreign_pair, version):
    with peers.tls(trio.server, clients=trio.ca, versions=(version, version)) as port:
        report = look(port, **foreign_pair)

    [found] = [f for f in report.errors if f.code == "client-certificate-rejected"]
    assert "CN=test CA" in found.expected
    assert "CN=other CA" in found.presented
    assert "alert" in found.presented


def test_our_certificate_is_not_shown_to_a_server_we_do_not_trust(trio, look, pair, tmp_path):
    shown = []
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)
    with peers.tls(trio.server, clients=trio.ca, then=shown.append) as port:
        look(port, ca_pem_path=tmp_path / "stranger.pem", **pair)

    assert shown == []


@pytest.mark.passes("client-certificate-required")
def test_a_server_that_asks_but_does_not_insist(trio, look):
    with peers.grpc_server(trio.server, answer=status()) as port:
        assert look(port).errors == ()


@pytest.mark.trips("tls-failed")
@pytest.mark.parametrize("serve", [peers.hangs_up, peers.resets])
def test_a_peer_that_hangs_up(look, serve):
    with peers.tcp(serve) as port:
        assert cause(look(port, timeout=2)) == "tls-failed"


@pytest.mark.trips("tls-failed")
def test_the_alert_is_told(look):
    with peers.tcp(peers.says(b"\x15\x03\x03\x00\x02\x02\x50")) as port:
        report = look(port, timeout=2)

    assert cause(report) == "tls-failed"
    assert "internal_error" in report.root_cause.presented


def test_a_refusal_the_trust_rules_explain_is_not_told_twice(one_way, look, tmp_path):
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)

    report = look(one_way.port, ca_pem_path=tmp_path / "stranger.pem")

    assert cause(report) == "chain-untrusted"
    assert "tls-failed" not in codes(report)


@pytest.mark.trips("presented-certificate-differs")
def test_another_certificate_than_the_pinned_one(one_way, look, settings, tmp_path):
    pinned = minting.mint("localhost", sans=["localhost"], ca=False, which=8)
    (tmp_path / "pinned.pem").write_bytes(pinned.pem)

    report = check(settings(
        uri=f"https://localhost:{one_way.port}", server_pem_path=tmp_path / "pinned.pem"
    ))  # fmt: skip

    assert "presented-certificate-differs" in codes(report)


@pytest.mark.passes("presented-certificate-differs")
def test_the_pinned_certificate_itself(one_way, settings, certs):
    report = check(settings(
        uri=f"https://localhost:{one_way.port}", server_pem_path=certs / "server.pem"
    ))  # fmt: skip

    assert "presented-certificate-differs" not in codes(report)
    assert report.ok


# Milvus


@pytest.mark.trips("not-milvus")
def test_a_grpc_server_that_is_no_milvus(trio, look):
    with peers.grpc_server(trio.server) as port:
        report = look(port)

    assert cause(report) == "not-milvus"
    assert "UNIMPLEMENTED" in report.root_cause.presented


@pytest.mark.trips("not-milvus")
def test_an_answer_that_is_no_milvus_message(trio, look):
    with peers.grpc_server(trio.server, answer=lambda *_: b"\xff\xff garbage") as port:
        assert cause(look(port)) == "not-milvus"


@pytest.mark.trips("not-milvus")
@pytest.mark.parametrize("peer", [peers.http1, lambda: peers.tcp(peers.hangs_up)])
def test_plaintext_to_something_else(look, peer):
    with peer() as port:
        report = look(port, scheme="http", allow_plaintext=True, timeout=2)

    assert cause(report) == "not-milvus"


@pytest.mark.trips("server-not-ready")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(status(code=1, reason="service not ready"), id="milvus-says-so"),
        pytest.param(status(error_code=56, reason="not ready"), id="old-milvus-says-so"),
        pytest.param(aborting(grpc.StatusCode.UNAVAILABLE, "503"), id="proxy-says-so"),
    ],
)
def test_a_milvus_that_does_not_serve_yet(trio, look, answer):
    with peers.grpc_server(trio.server, answer=answer) as port:
        assert cause(look(port)) == "server-not-ready"


@pytest.mark.trips("server-not-ready")
def test_a_server_that_never_answers_the_call(trio, look):
    with peers.tls(trio.server) as port:
        assert cause(look(port, timeout=1)) == "server-not-ready"


@pytest.fixture
def guarded(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key",
        token="root:Milvus",
    ) as server:  # fmt: skip
        yield server


@pytest.mark.trips("authentication-required")
def test_no_credentials(guarded, look):
    assert cause(look(guarded.port)) == "authentication-required"


@pytest.mark.trips("authentication-required")
def test_a_user_without_a_password(guarded, look):
    report = look(guarded.port, user="root")

    assert cause(report) == "authentication-required"
    assert report.root_cause.setting == "password"


@pytest.mark.trips("authentication-failed")
@pytest.mark.parametrize(
    "wrong", [{"token": "root:wr0ng-secret"}, {"user": "root", "password": "wr0ng-secret"}]
)
def test_wrong_credentials(guarded, look, wrong):
    report = look(guarded.port, **wrong)

    assert cause(report) == "authentication-failed"
    assert "wr0ng-secret" not in str(report) + report.to_json()


@pytest.mark.passes("authentication-required")
@pytest.mark.passes("authentication-failed")
@pytest.mark.parametrize(
    "right", [{"token": "root:Milvus"}, {"user": "root", "password": "Milvus"}]
)
def test_right_credentials(guarded, look, right):
    assert look(guarded.port, **right).errors == ()


@pytest.mark.trips("database-missing")
def test_a_database_that_does_not_exist(trio, look):
    with peers.grpc_server(
        trio.server, answer=status(code=800, reason="database not found[database=books]")
    ) as port:
        report = look(port, db_name="books")

    assert cause(report) == "database-missing"
    assert "'books'" in report.root_cause.message


@pytest.mark.trips("database-missing")
@pytest.mark.parametrize("name", ["b\u00fccher", "a\nb"])
def test_a_database_name_that_cannot_exist(one_way, look, name):
    assert cause(look(one_way.port, db_name=name)) == "database-missing"


@pytest.mark.passes("database-missing")
def test_a_database_that_exists(trio, look):
    with peers.grpc_server(trio.server, answer=status()) as port:
        assert look(port, db_name="books").errors == ()


# What a peer says last is taken from gRPC, and every address is tried.


def test_credentials_never_reach_a_peer_that_is_not_verified(trio, look, tmp_path):
    calls = []
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)
    with peers.grpc_server(
        trio.server, answer=lambda method, _: calls.append(method) or b""
    ) as port:
        look(port, ca_pem_path=tmp_path / "stranger.pem", token="root:Milvus")

    assert calls == []


def test_every_address_is_tried_and_the_difference_told(one_way, look):
    report = look(one_way.port)
    [step] = [step for step in report.server.steps if step.name == "tcp"]

    for address in {info[4][0] for info in socket.getaddrinfo("localhost", one_way.port)}:
        assert address in step.detail
