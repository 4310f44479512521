"""Every fault after a successful handshake: no Milvus, not ready, credentials, database."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import grpc
import pytest
from OpenSSL import SSL

import impostors
import minting
import peers
from milvus_endpoint import milvus_endpoint
from milvus_secure.server.embedded.server import EmbeddedMilvus
from verdicts import cause


@pytest.mark.trips("not-milvus")
def test_a_grpc_server_that_is_no_milvus(trio, look):
    with impostors.grpc_server(trio.server) as port:
        report = look(port)

    assert cause(report) == "not-milvus"
    assert "UNIMPLEMENTED" in report.root_cause.presented


@pytest.mark.trips("not-milvus")
def test_an_answer_that_is_no_milvus_message(trio, look):
    with impostors.grpc_server(trio.server, answer=lambda *_: b"\xff\xff garbage") as port:
        assert cause(look(port)) == "not-milvus"


@pytest.mark.trips("not-milvus")
@pytest.mark.parametrize("peer", [impostors.http1, lambda: peers.tcp(peers.closes_after_data)])
def test_plaintext_to_something_else(look, peer):
    with peer() as port:
        report = look(port, scheme="http", allow_plaintext=True, timeout=2)

    assert cause(report) == "not-milvus"


@pytest.mark.trips("server-not-ready")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(impostors.status(code=1, reason="service not ready"), id="milvus-says-so"),
        pytest.param(impostors.status(error_code=56, reason="not ready"), id="old-milvus-says-so"),
        pytest.param(impostors.aborting(grpc.StatusCode.UNAVAILABLE, "503"), id="proxy-says-so"),
    ],
)
def test_a_milvus_that_is_not_ready(trio, look, answer):
    with impostors.grpc_server(trio.server, answer=answer) as port:
        assert cause(look(port)) == "server-not-ready"


@pytest.mark.trips("server-not-ready")
def test_a_server_that_never_answers_the_call(trio, look):
    with impostors.tls(trio.server) as port:
        assert cause(look(port, timeout=1)) == "server-not-ready"


@pytest.mark.trips("server-not-ready")
@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(partial(impostors.tls, versions=(SSL.TLS1_2_VERSION,) * 2), id="TLS 1.2"),
        pytest.param(partial(impostors.tls, versions=(SSL.TLS1_3_VERSION,) * 2), id="TLS 1.3"),
        pytest.param(partial(milvus_endpoint, silent=True), id="gRPC"),
    ],
)
def test_a_server_over_mutual_tls_that_never_answers_the_call(trio, look, client_pair, peer):
    with peer(trio.server, clients=trio.ca) as endpoint:
        port = endpoint if isinstance(endpoint, int) else endpoint.port
        report = look(port, timeout=1.5, **client_pair)

    assert [finding.code for finding in report.errors] == ["server-not-ready"]


@pytest.fixture
def embedded_with_token(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem",
        server_key_path=certs / "server.key",
        token="root:Milvus",
    ) as server:
        yield server


@pytest.mark.trips("authentication-required")
def test_no_credentials(embedded_with_token, look):
    assert cause(look(embedded_with_token.port)) == "authentication-required"


@pytest.mark.trips("authentication-required")
def test_a_user_without_a_password(embedded_with_token, look):
    report = look(embedded_with_token.port, user="root")

    assert cause(report) == "authentication-required"
    assert report.root_cause.setting == "password"
    assert report.root_cause.message.endswith("the settings contain only a user.")
    assert report.root_cause.command == "export MILVUS_PASSWORD='password'"


@pytest.mark.trips("authentication-failed")
@pytest.mark.parametrize(
    "wrong", [{"token": "root:wr0ng-secret"}, {"user": "root", "password": "wr0ng-secret"}]
)
def test_wrong_credentials(embedded_with_token, look, wrong):
    report = look(embedded_with_token.port, **wrong)

    assert cause(report) == "authentication-failed"
    assert "wr0ng-secret" not in str(report) + report.to_json()


@pytest.mark.trips("authentication-failed")
@pytest.mark.parametrize(("token", "is_api_key"), [("Milvus", True), ("root:wrong", False)])
def test_a_token_without_a_colon_is_called_an_api_key(embedded_with_token, look, token, is_api_key):
    report = look(embedded_with_token.port, token=token)

    assert cause(report) == "authentication-failed"
    assert ("is an API key" in report.root_cause.remedy) is is_api_key


@pytest.mark.passes("authentication-required")
@pytest.mark.passes("authentication-failed")
@pytest.mark.parametrize(
    "right", [{"token": "root:Milvus"}, {"user": "root", "password": "Milvus"}]
)
def test_right_credentials(embedded_with_token, look, right):
    assert look(embedded_with_token.port, **right).errors == ()


def test_credentials_never_reach_a_peer_that_is_not_verified(trio, look, tmp_path):
    calls = []
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)
    with impostors.grpc_server(
        trio.server, answer=lambda method, _: calls.append(method) or b""
    ) as port:
        look(port, ca_pem_path=tmp_path / "stranger.pem", token="root:Milvus")

    assert calls == []


@pytest.mark.trips("database-missing")
def test_a_database_that_does_not_exist(trio, look):
    with impostors.grpc_server(
        trio.server, answer=impostors.status(code=800, reason="database not found[database=books]")
    ) as port:
        report = look(port, db_name="books")

    assert cause(report) == "database-missing"
    assert "'books'" in report.root_cause.message


@pytest.mark.trips("database-missing")
@pytest.mark.parametrize("name", ["b\u00fccher", "a\nb"])
def test_a_database_name_that_cannot_exist(embedded_one_way, look, name):
    assert cause(look(embedded_one_way.port, db_name=name)) == "database-missing"


@pytest.mark.passes("database-missing")
def test_a_database_that_exists(trio, look):
    with impostors.grpc_server(trio.server, answer=impostors.status()) as port:
        assert look(port, db_name="books").errors == ()
