"""How servers judge our client certificate, and that only verified servers receive it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

import impostors
import minting
from milvus_secure import check, explain
from milvus_secure._common.deadline import Deadline
from milvus_secure.diagnosis.probe.sockets import DeadlineSocket
from milvus_secure.diagnosis.probe.tls import Handshake
from milvus_secure.diagnosis.probe.tls_clients import presenting
from verdicts import cause, codes

PLAIN = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


@pytest.fixture
def foreign_pair(tmp_path: Path) -> dict[str, Path]:
    """A client pair issued by a CA that the server does not know."""
    foreign_ca = minting.mint("other CA", which=5)
    client = minting.mint("stranger", issuer=foreign_ca, usages=[minting.CLIENT], which=6)
    pem, key = tmp_path / "foreign.pem", tmp_path / "foreign.key"
    pem.write_bytes(client.pem)
    key.touch(mode=0o600)
    key.write_bytes(client.key_pem)
    return {"client_pem_path": pem, "client_key_path": key}


@pytest.mark.trips("client-certificate-required")
def test_no_client_certificate_for_a_mutual_milvus(embedded_mutual, look):
    assert cause(look(embedded_mutual.port)) == "client-certificate-required"


@pytest.mark.trips("client-certificate-required")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_issuers_that_a_server_accepts_are_shown(trio, look, version):
    with impostors.tls(trio.server, clients=trio.ca, versions=(version, version)) as port:
        report = look(port)

    assert cause(report) == "client-certificate-required"
    assert "CN=test CA" in report.root_cause.expected


@pytest.mark.trips("client-certificate-rejected")
def test_a_client_certificate_the_embedded_milvus_refuses(embedded_mutual, look, foreign_pair):
    assert "client-certificate-rejected" in codes(look(embedded_mutual.port, **foreign_pair))


@pytest.mark.trips("client-certificate-rejected")
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_accepted_issuers_are_shown_with_ours(trio, look, foreign_pair, version):
    with impostors.tls(trio.server, clients=trio.ca, versions=(version, version)) as port:
        report = look(port, **foreign_pair)

    [finding] = [f for f in report.errors if f.code == "client-certificate-rejected"]
    assert "CN=test CA" in finding.expected
    assert "CN=other CA" in finding.presented
    assert "alert" in finding.presented


def test_our_certificate_is_not_presented_to_an_untrusted_server(trio, look, client_pair, tmp_path):
    shown = []
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)
    with impostors.tls(trio.server, clients=trio.ca, then=shown.append) as port:
        look(port, ca_pem_path=tmp_path / "stranger.pem", **client_pair)

    assert shown == []


@pytest.mark.passes("client-certificate-required")
def test_a_server_that_requests_but_does_not_require_a_certificate(trio, look):
    with impostors.grpc_server(trio.server, answer=impostors.status()) as port:
        assert look(port).errors == ()


def test_without_a_ca_the_server_is_not_judged_by_public_roots(embedded_one_way, certs, settings):
    """pymilvus, which drops the client pair for `server_pem_path`, connects with these settings."""
    made = settings(
        uri=f"https://localhost:{embedded_one_way.port}",
        server_pem_path=certs / "ca.pem",
        client_pem_path=certs / "client.pem",
        client_key_path=certs / "client.key",
        timeout=5,
    )
    report = check(made)
    assert [finding.code for finding in report.errors] == ["mutual-ca-missing"]
    [step] = [step for step in report.server.steps if step.name == "grpc"]
    assert (step.ok, step.detail) == (None, "not tried: ca_pem_path is not set")


def pair_files(pair: minting.Minted, folder: Path) -> dict[str, Path]:
    """The settings for a client pair, written into a folder."""
    (folder / "pair.pem").write_bytes(pair.pem)
    key = folder / "pair.key"
    key.touch(mode=0o600)
    key.write_bytes(pair.key_pem)
    return {"client_pem_path": folder / "pair.pem", "client_key_path": key}


@pytest.mark.trips("client-certificate-rejected")
@pytest.mark.parametrize(("kind", "words"), [("ed25519", "Ed25519"), ("p521", "EC secp521r1")])
def test_a_key_of_a_type_that_the_server_does_not_accept(trio, look, tmp_path, kind, words):
    """gRPC's own server, which like Envoy uses BoringSSL, accepts neither; Milvus accepts both."""
    pair = minting.client(trio.ca, kind=kind)
    with impostors.grpc_server(trio.server, clients=trio.ca) as port:
        report = look(port, **pair_files(pair, tmp_path))

    assert cause(report) == "client-certificate-rejected"
    assert words in report.root_cause.message
    assert explain(report.server.grpc.details).startswith("Most likely client-certificate-rejected")


@pytest.mark.passes("client-certificate-rejected")
def test_a_key_that_does_not_match_is_not_reported_as_a_refusal(trio, look, tmp_path):
    pair = minting.client(trio.ca)
    files = pair_files(pair, tmp_path)
    files["client_key_path"].write_bytes(minting.key("rsa2048").private_bytes(*PLAIN))
    with impostors.grpc_server(trio.server, clients=trio.ca) as port:
        assert [finding.code for finding in look(port, **files).errors] == ["key-mismatch"]


def test_our_certificate_is_presented_only_to_the_server_that_was_verified(trio):
    """As behind a load balancer; then nothing is known about the first server's verdict."""
    ours = presenting((trio.client.certificate,), trio.client.key, trio.client.certificate)
    with (
        impostors.tls(trio.server, clients=trio.ca) as port,
        socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
    ):
        connection.setblocking(False)
        result = Handshake(DeadlineSocket(connection, Deadline(30)), "localhost", ours).run()
    assert (result.complete, result.other_server, result.proved) == (False, True, False)
