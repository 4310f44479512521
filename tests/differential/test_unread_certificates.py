"""Certificates that cryptography does not load: gRPC is not predicted, and the report says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import grpc_peer
from der import (
    BOOLEAN,
    EXTENSIONS,
    INTEGER,
    PRINTABLE,
    SEQUENCE,
    SUBJECT,
    VERSION,
    content,
    elements,
    name,
    pem,
    resigned_der,
    tlv,
)
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import OFFLINE, RULES
from milvus_secure.reporting.observation import (
    GRPCChannel,
    MilvusAnswer,
    Observation,
    TLSHandshake,
)
from minting import mint, server
from odd_encodings import ODD_EXTENSIONS

CA = mint("test CA", which=1)


def _not_critical(fields: list[bytes]) -> None:
    *others, last = elements(content(content(fields[EXTENSIONS])))
    kind, *_, value = elements(content(last))
    spelled_out = tlv(SEQUENCE, kind, tlv(BOOLEAN, b"\0"), value)
    fields[EXTENSIONS] = tlv(0xA3, tlv(SEQUENCE, *others, spelled_out))


def _field(place: int, value: bytes) -> Callable[[list[bytes]], None]:
    def edit(fields: list[bytes]) -> None:
        fields[place] = value

    return edit


ACCEPTED = {
    "critical FALSE spelled out": _not_critical,
    "PrintableString with a *": _field(SUBJECT, name(b"*.example.com", PRINTABLE)),
    "PrintableString in Latin-1": _field(SUBJECT, name(b"M\xfcller", PRINTABLE)),
}


@pytest.fixture
def offline_report(settings, tmp_path):
    def check(certificate: bytes):
        (tmp_path / "server.pem").write_bytes(certificate)
        loaded = settings(server_pem_path=tmp_path / "server.pem")
        return judge(Context(loaded, read_material(loaded)), OFFLINE)

    return check


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_certificate_that_grpc_accepts_is_not_judged_and_no_error(offline_report, kind):
    leaf = server(CA)
    odd = pem(resigned_der(leaf, CA, ACCEPTED[kind]))
    assert grpc_peer.verdict(odd, leaf.key_pem, odd, "localhost").accepted
    report = offline_report(odd)
    assert report.ok
    skipped = {skip.code for skip in report.skipped if skip.because == "not-judged"}
    assert skipped == {"certificate-malformed", "chain-untrusted", "name-mismatch"}
    assert not skipped & set(report.judged)


def test_a_version_that_does_not_exist_is_refused_by_both(offline_report):
    leaf = server(CA)
    odd = pem(resigned_der(leaf, CA, _field(VERSION, tlv(0xA0, tlv(INTEGER, b"\3")))))
    assert not grpc_peer.verdict(odd, leaf.key_pem, odd, "localhost").accepted
    assert [finding.code for finding in offline_report(odd).errors] == ["pem-malformed"]


def test_online_grpc_s_own_refusal_decides_what_was_not_judged(settings, tmp_path):
    leaf = server(CA, **ODD_EXTENSIONS["names that are none"])
    refused = grpc_peer.verdict(leaf.pem, leaf.key_pem, CA.pem, "localhost")
    assert not refused.accepted
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    loaded = settings(ca_pem_path=tmp_path / "ca.pem")
    observation = Observation(
        "localhost:19530",
        protocol="tls",
        tls=TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate,)),
        grpc=GRPCChannel(ready=False, status="UNAVAILABLE", details=refused.details),
    )
    report = judge(Context(loaded, read_material(loaded), observation), RULES)
    assert [finding.code for finding in report.errors] == ["certificate-malformed"]
    assert "The likely cause" in report.root_cause.message
    assert "gRPC: " in report.root_cause.presented


def test_online_a_connection_of_grpc_decides_what_was_not_judged(settings, tmp_path):
    leaf = server(CA, **ODD_EXTENSIONS["names that are none"])
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    loaded = settings(ca_pem_path=tmp_path / "ca.pem")
    observation = Observation(
        "localhost:19530",
        protocol="tls",
        tls=TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate,)),
        grpc=GRPCChannel(ready=True, status="OK"),
        milvus=MilvusAnswer(0),
    )
    report = judge(Context(loaded, read_material(loaded), observation), RULES)
    assert report.errors == ()
    assert report.skipped == ()
