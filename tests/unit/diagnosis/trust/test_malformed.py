"""Certificates that violate RFC 5280: refused, accepted, or visibly not judged."""

from __future__ import annotations

import pytest

from minting import client, mint, server
from odd_encodings import ODD_EXTENSIONS, ODD_FIELDS, resigned
from verdicts import errors


def skips(report) -> set[tuple[str, str]]:
    return {(skip.code, skip.because) for skip in report.skipped}


@pytest.mark.trips("certificate-malformed")
@pytest.mark.parametrize("kind", ["cA FALSE with a path length", "keyUsage that is none"])
def test_a_pinned_leaf_that_grpc_cannot_read_is_an_error_offline(judge_trust, ca, kind):
    [finding] = judge_trust(server_pem=server(ca, **ODD_EXTENSIONS[kind])).errors
    assert finding.code == "certificate-malformed"
    assert "gRPC cannot read the certificate of CN=server" in finding.message
    assert finding.setting == "server_pem_path"


@pytest.mark.trips("certificate-malformed")
def test_a_negative_serial_number_of_a_client_is_refused_by_milvus(judge_trust, ca):
    made = resigned(client(ca), ca, ODD_FIELDS["negative serial number"])
    report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem)
    assert errors(report) == ["certificate-malformed"]
    assert "negative serial number" in report.root_cause.message


@pytest.mark.passes("certificate-malformed")
@pytest.mark.parametrize(
    "kind",
    [
        "cA FALSE spelled out",
        "Latin-1 in an AIA URL",
        "Latin-1 in a CDP URL",
        "x400Address as a name",
        "private policy qualifier",
        "unknown TLS feature",
        "Microsoft template that is none",
    ],
)
def test_what_grpc_accepts_is_accepted_though_cryptography_cannot_parse_it(judge_trust, ca, kind):
    report = judge_trust(ca_pem=ca, served=server(ca, **ODD_EXTENSIONS[kind]))
    assert (report.findings, report.skipped) == ((), ())


@pytest.mark.parametrize(
    "kind", ["names that are none", "AKI that is none", "policy constraints that are none"]
)
def test_what_only_grpc_can_judge_is_a_visible_skip_with_a_reason(judge_trust, ca, kind):
    report = judge_trust(ca_pem=ca, served=server(ca, **ODD_EXTENSIONS[kind]))
    [skip] = [s for s in report.skipped if s.code == "certificate-malformed"]
    assert skip.because == "not-judged"
    assert "CN=server" in skip.message
    assert skip.message in " ".join(str(report).split())


@pytest.mark.parametrize("kind", ["constraint with a bad mask", "constraint of five bytes"])
def test_a_malformed_address_constraint_does_not_hide_a_valid_name(judge_trust, kind, ca):
    middle = mint("middle", issuer=ca, ca=True, which=4, **ODD_EXTENSIONS[kind])
    report = judge_trust(ca_pem=ca, served=server(middle))
    assert (report.findings, report.skipped) == ((), ())


@pytest.mark.parametrize(
    ("kind", "codes"),
    [("valid since the year 0000", []), ("valid in the year 0000", ["certificate-expired"])],
)
def test_the_year_0000_is_expired(judge_trust, ca, kind, codes):
    report = judge_trust(ca_pem=ca, served=resigned(server(ca), ca, ODD_FIELDS[kind]))
    assert errors(report) == codes


@pytest.mark.parametrize("kind", ["subject in broken UTF-8", "subject in T.61"])
def test_a_subject_that_cannot_be_read_is_not_judged(judge_trust, ca, kind):
    report = judge_trust(ca_pem=ca, served=resigned(server(ca), ca, ODD_FIELDS[kind]))
    assert ("chain-untrusted", "not-judged") in skips(report)
    assert "internal-error" not in errors(report)
