"""Every fault of the TLS handshake, on a real server of its kind, and its healthy neighbour."""

from __future__ import annotations

import pytest
from OpenSSL import SSL

import impostors
import minting
import peers
from milvus_secure.diagnosis.check import check
from milvus_secure.diagnosis.probe.tls import Handshake
from verdicts import cause, codes


@pytest.mark.trips("tls-version")
@pytest.mark.parametrize("version", [SSL.TLS1_VERSION, SSL.TLS1_1_VERSION])
def test_a_server_with_old_tls_only(trio, look, version):
    with impostors.tls(trio.server, versions=(version, version)) as port:
        report = look(port)

    assert cause(report) == "tls-version"
    assert report.root_cause.presented.startswith("TLSv1")


@pytest.mark.passes("tls-version")
def test_a_server_with_tls_1_2_only(trio, look):
    with impostors.tls(trio.server, versions=(SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)) as port:
        report = look(port, timeout=1)

    assert report.server.tls.version == "TLSv1.2"
    assert "tls-version" not in codes(report)


@pytest.mark.trips("alpn-not-h2")
def test_a_web_server_over_tls(trio, look, tmp_path):
    with impostors.https(trio.server, tmp_path) as port:
        assert cause(look(port)) == "alpn-not-h2"


@pytest.mark.trips("alpn-not-h2")
def test_a_web_server_is_not_waited_for_after_the_handshake(trio, look, tmp_path, monkeypatch):
    monkeypatch.setattr(Handshake, "await_reaction", lambda *_: pytest.fail("the probe waited"))
    with impostors.https(trio.server, tmp_path) as port:
        assert cause(look(port)) == "alpn-not-h2"


@pytest.mark.trips("alpn-not-h2")
def test_a_tls_server_without_alpn(trio, look):
    with impostors.tls(trio.server, alpn=()) as port:
        report = look(port)

    assert cause(report) == "alpn-not-h2"
    assert report.root_cause.presented == "ALPN none"


@pytest.mark.trips("tls-failed")
@pytest.mark.parametrize("serve", [peers.closes_after_data, peers.resets])
def test_a_peer_that_closes_the_connection(look, serve):
    with peers.tcp(serve) as port:
        assert cause(look(port, timeout=2)) == "tls-failed"


@pytest.mark.trips("tls-failed")
def test_the_alert_is_shown(look):
    with peers.tcp(peers.answers(b"\x15\x03\x03\x00\x02\x02\x50")) as port:
        report = look(port, timeout=2)

    assert cause(report) == "tls-failed"
    assert "internal_error" in report.root_cause.presented


def test_a_refusal_that_the_trust_rules_explain_is_not_reported_twice(
    embedded_one_way, look, tmp_path
):
    stranger = minting.mint("another CA", which=7)
    (tmp_path / "stranger.pem").write_bytes(stranger.pem)

    report = look(embedded_one_way.port, ca_pem_path=tmp_path / "stranger.pem")

    assert cause(report) == "chain-untrusted"
    assert "tls-failed" not in codes(report)


@pytest.mark.trips("presented-certificate-differs")
def test_another_certificate_than_the_pinned_one(embedded_one_way, look, settings, tmp_path):
    pinned = minting.mint("localhost", sans=["localhost"], ca=False, which=8)
    (tmp_path / "pinned.pem").write_bytes(pinned.pem)

    report = check(
        settings(
            uri=f"https://localhost:{embedded_one_way.port}",
            server_pem_path=tmp_path / "pinned.pem",
        )
    )

    assert "presented-certificate-differs" in codes(report)


@pytest.mark.passes("presented-certificate-differs")
def test_the_pinned_certificate_itself(embedded_one_way, settings, certs):
    report = check(
        settings(
            uri=f"https://localhost:{embedded_one_way.port}", server_pem_path=certs / "server.pem"
        )
    )

    assert "presented-certificate-differs" not in codes(report)
    assert report.ok
