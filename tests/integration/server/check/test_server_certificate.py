"""The server's own certificate, judged for any client and for one, as the real gRPC judges it."""

from __future__ import annotations

from pathlib import Path

import pytest

import minting
from grpc_peer import verdict
from milvus_secure import MilvusSettings, Severity
from milvus_secure.server.check import check_server
from minting import CLIENT, SERVER, Minted, mint

NAMES = ["localhost", "127.0.0.1"]


@pytest.fixture
def present(compose: Path, change):
    """Let the server, in tlsMode 1, present another certificate of its own."""
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", "tlsMode: 1")

    def replaced(made: Minted) -> Path:
        (compose.parent / "tls/server.pem").write_bytes(made.pem)
        (compose.parent / "tls/server.key").write_bytes(made.key_pem)
        return compose

    return replaced


@pytest.fixture
def client_trusting(tmp_path: Path):
    """A client that trusts these certificates."""

    def trusting(anchors: bytes) -> MilvusSettings:
        path = tmp_path / "anchors.pem"
        path.write_bytes(anchors)
        return MilvusSettings.from_arguments(ca_pem_path=path)

    return trusting


def accepted(served: Minted, anchors: bytes) -> bool:
    return bool(verdict(served.pem, served.key_pem, anchors, "localhost"))


@pytest.mark.trips("usage-not-server")
def test_a_certificate_for_clients_is_an_error_that_names_the_usage(present, trio):
    made = mint("server", sans=NAMES, issuer=trio.ca, usages=[CLIENT], which=2)
    [finding] = check_server(present(made)).findings
    assert (finding.code, finding.severity) == ("usage-not-server", Severity.ERROR)
    assert finding.presented == "clientAuth"
    assert "pinned" not in finding.message
    assert not accepted(made, trio.ca.pem)


@pytest.mark.trips("usage-not-server")
def test_a_self_signed_one_for_clients_is_a_warning_since_it_must_be_pinned(present):
    made = mint("server", sans=NAMES, usages=[CLIENT], ca=False, which=2)
    [finding] = check_server(present(made)).findings
    assert (finding.code, finding.severity) == ("usage-not-server", Severity.WARNING)
    assert finding.presented == "clientAuth"
    assert accepted(made, made.pem)


@pytest.mark.passes("usage-not-server")
@pytest.mark.parametrize("usages", [[SERVER], [SERVER, CLIENT], []])
def test_a_certificate_for_servers_is_healthy(present, trio, usages):
    made = mint("server", sans=NAMES, issuer=trio.ca, usages=usages, which=2)
    assert not check_server(present(made)).findings
    assert accepted(made, trio.ca.pem)


@pytest.mark.parametrize("usages", [[CLIENT], [SERVER]])
@pytest.mark.parametrize("pinned", [True, False])
def test_with_a_client_its_verdict_is_reported_once(present, client_trusting, trio, usages, pinned):
    made = mint("server", sans=NAMES, issuer=trio.ca, usages=usages, which=2)
    anchors = made.pem if pinned else trio.ca.pem
    report = check_server(present(made), client_trusting(anchors))
    assert report.ok is accepted(made, anchors), str(report)
    codes = [finding.code for finding in report.findings]
    assert codes.count("usage-not-server") == (usages == [CLIENT])


@pytest.mark.parametrize("pinned", [True, False])
def test_a_critical_extension_counts_unless_the_client_pins_the_leaf(
    present, client_trusting, trio, pinned
):
    unknown = minting.x509.UnrecognizedExtension(minting.x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    made = mint(
        "server", sans=NAMES, issuer=trio.ca, usages=[SERVER], which=2, extra=[(unknown, True)]
    )
    anchors = made.pem if pinned else trio.ca.pem
    report = check_server(present(made), client_trusting(anchors))
    assert report.ok is accepted(made, anchors) is pinned
    [alone] = check_server(present(made)).errors
    assert "critical extensions" in alone.remedy


def test_with_a_client_an_expired_certificate_is_reported_once(present, client_trusting, trio):
    made = mint(
        "server",
        sans=NAMES,
        issuer=trio.ca,
        usages=[SERVER],
        which=2,
        start=-minting.dt.timedelta(9),
        days=1,
    )
    codes = [
        finding.code
        for finding in check_server(present(made), client_trusting(trio.ca.pem)).findings
    ]
    assert codes == ["certificate-expired"]


def test_without_a_socket_no_finding_refers_to_an_endpoint(present, client_trusting, trio):
    compose = present(mint("server", sans=NAMES, issuer=trio.ca, usages=[SERVER], which=2))
    report = check_server(compose, client_trusting(mint("Other CA", which=8).pem))
    [finding] = report.errors
    assert finding.code == "chain-untrusted"
    assert finding.origin == f"file:{compose.parent / 'tls/server.pem'}"
    assert finding.command == f"milvus-secure certs show {compose.parent / 'tls/server.pem'}"
    assert report.server is None


def test_a_plaintext_server_is_seen_in_its_configuration(
    compose: Path, client_trusting, change, trio
):
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", "tlsMode: 0")
    [finding] = check_server(compose, client_trusting(trio.ca.pem)).errors
    assert (finding.code, finding.origin) == ("server-plaintext", f"file:{compose}")
