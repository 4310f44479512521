"""The remedy suits what is at fault: a usage, something the peer does not know, or a CA's key."""

from __future__ import annotations

import pytest
from cryptography import x509

import minting
from minting import server

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


@pytest.mark.trips("usage-not-server")
def test_a_certificate_for_clients_is_reissued_for_servers(judge_trust, ca):
    leaf = minting.mint("x", sans=["localhost"], issuer=ca, usages=[minting.CLIENT], which=2)
    [finding] = judge_trust(ca_pem=ca, served=leaf).errors
    assert "extendedKeyUsage=serverAuth" in finding.remedy


@pytest.mark.trips("usage-not-server")
def test_an_unknown_critical_extension_is_left_out(judge_trust, ca):
    [finding] = judge_trust(ca_pem=ca, served=server(ca, extra=[(UNKNOWN, True)])).errors
    assert finding.code == "usage-not-server"
    assert "extendedKeyUsage" not in finding.remedy
    assert "critical extensions" in finding.remedy


@pytest.mark.trips("weak-key")
def test_a_weak_server_key_is_replaced(judge_trust, ca):
    [finding] = judge_trust(ca_pem=ca, served=server(ca, kind="p521")).errors
    assert finding.remedy.startswith("Make a new server key")


@pytest.mark.trips("weak-key")
def test_a_weak_ca_key_means_another_ca(judge_trust):
    odd = minting.mint("odd CA", kind="ed448")
    errors = judge_trust(ca_pem=odd, served=server(odd)).errors
    assert [error.code for error in errors] == ["weak-key"]
    assert errors[0].remedy.startswith("Make a new CA")
