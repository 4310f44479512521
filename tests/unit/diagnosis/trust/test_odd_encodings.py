"""No certificate, however odd, makes a check fail: each ends as a finding, a skip or nothing."""

from __future__ import annotations

import json

import pytest
from cryptography import x509

from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import RULES
from milvus_secure.reporting.observation import Observation, TLSHandshake
from minting import CLIENT, SERVER, client, mint
from odd_chains import Odd
from odd_encodings import encodings

CA = mint("test CA", which=1)


@pytest.fixture
def report_on(settings, tmp_path):
    def judged(served: Odd | None = None, **material: bytes):
        paths = {}
        for slot, pem in material.items():
            paths[f"{slot}_path"] = tmp_path / slot
            paths[f"{slot}_path"].write_bytes(pem)
        loaded = settings(**paths)
        observation = None
        if served is not None:
            tls = TLSHandshake(complete=True, alpn="h2", chain=served.certificates)
            observation = Observation("localhost:19530", protocol="tls", tls=tls)
        report = judge(Context(loaded, read_material(loaded), observation), RULES)
        assert str(report)
        assert json.loads(report.to_json())
        assert "internal-error" not in {finding.code for finding in report.findings}
        failed = [skip for skip in report.skipped if "failed to judge" in skip.message]
        assert failed == []
        return report

    return judged


@pytest.mark.parametrize("share", range(4))
def test_a_server_s_chain(report_on, share):
    for odd in encodings(SERVER)[share::4]:
        report_on(odd, ca_pem=odd.anchors_pem)


@pytest.mark.parametrize("share", range(4))
def test_a_client_s_chain(report_on, share):
    for odd in encodings(CLIENT)[share::4]:
        report_on(ca_pem=odd.anchors_pem, client_pem=odd.chain_pem, client_key=odd.leaf.key_pem)


@pytest.mark.parametrize("share", range(4))
def test_a_pinned_certificate(report_on, share):
    for odd in encodings(SERVER)[share::4]:
        report_on(server_pem=odd.chain_pem)


def test_a_client_with_an_odd_server(report_on):
    pair = client(CA)
    for odd in encodings(SERVER)[::7]:
        report_on(odd, ca_pem=odd.anchors_pem, client_pem=pair.pem, client_key=pair.key_pem)


def test_the_certificates_themselves_are_what_was_minted():
    assert all(isinstance(odd.certificates[0], x509.Certificate) for odd in encodings(SERVER))
