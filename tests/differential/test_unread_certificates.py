"""Certificates that cryptography does not load at all: gRPC is not predicted, and it is said so."""

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
from milvus_secure.diagnosis.rules import OFFLINE
from minting import mint, server

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
def test_one_that_grpc_accepts_is_not_judged_and_no_error(offline_report, kind):
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
    assert [found.code for found in offline_report(odd).errors] == ["pem-malformed"]
