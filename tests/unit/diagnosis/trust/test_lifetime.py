"""What is accepted today and will not last: pinned leaves, shared names, weak keys and hashes."""

from __future__ import annotations

import pytest

from milvus_secure.reporting.report import Severity
from minting import SERVER, client, mint, server
from odd_chains import mint as mint_odd
from verdicts import errors, warned


class TestWhatWillNotLast:
    @pytest.mark.trips("pinned-leaf")
    @pytest.mark.parametrize("slot", ["server_pem", "ca_pem"])
    def test_a_pinned_leaf(self, judge_trust, ca, slot):
        leaf = server(ca)
        report = judge_trust(**{slot: leaf}, served=leaf)
        assert (errors(report), warned(report)) == ([], ["pinned-leaf"])
        expected = f"Set {slot}_path to the certificate of the CA that issued it."
        assert report.warnings[0].remedy == expected

    @pytest.mark.passes("pinned-leaf")
    def test_the_leaf_with_its_ca_in_one_file(self, judge_trust, ca):
        assert judge_trust(server_pem=server(ca).pem + ca.pem).findings == ()

    def test_only_a_certificate_of_the_server_s_is_loaded_by_a_restart(self, judge_trust, ca):
        ends = {"client_pem": client(ca, days=5), "client_key": ca.key_pem, "ca_pem": ca}
        [finding] = [f for f in judge_trust(**ends).warnings if f.code == "certificate-expiring"]
        assert "restart" not in finding.remedy
        [finding] = judge_trust(ca_pem=ca, served=server(ca, days=5)).warnings
        assert "restart Milvus" in finding.remedy

    @pytest.mark.trips("shared-subject")
    def test_one_name_for_ca_and_leaf(self, judge_trust, ca):
        report = judge_trust(ca_pem=ca, served=server(ca, common_name="test CA"))
        assert (errors(report), warned(report)) == ([], ["shared-subject"])

    @pytest.mark.trips("shared-subject")
    def test_one_name_and_no_identifiers_is_refused(self, judge_trust, ca):
        report = judge_trust(ca_pem=ca, served=server(ca, common_name="test CA", identifiers=False))
        assert errors(report) == ["shared-subject"]

    @pytest.mark.trips("weak-key")
    @pytest.mark.parametrize(
        ("kind", "severity"),
        [
            ("rsa1024", Severity.WARNING),
            ("p521", Severity.ERROR),
            ("p192", Severity.ERROR),
            ("dsa", Severity.ERROR),
            ("ed25519", Severity.ERROR),
        ],
    )
    def test_a_weak_key_is_an_error_where_grpc_refuses_it(self, judge_trust, ca, kind, severity):
        [finding] = judge_trust(ca_pem=ca, served=server(ca, kind=kind)).findings
        assert (finding.code, finding.severity) == ("weak-key", severity)

    @pytest.mark.trips("weak-key")
    @pytest.mark.parametrize("kind", ["p192", "dsa", "ed25519"])
    def test_a_pinned_key_that_grpc_refuses_is_found_offline(self, judge_trust, ca, kind):
        report = judge_trust(server_pem=server(ca, kind=kind))
        assert errors(report) == ["weak-key"]

    @pytest.mark.trips("weak-key")
    def test_a_pinned_key_that_grpc_accepts_under_TLS_1_2_is_no_error(self, judge_trust, ca):  # noqa: N802 - its name
        report = judge_trust(server_pem=server(ca, kind="p521"))
        assert errors(report) == []
        assert "weak-key" in warned(report)

    @pytest.mark.trips("weak-key")
    @pytest.mark.parametrize(("kind", "codes"), [("rsa768", ["weak-key"]), ("rsa1024", [])])
    def test_go_refuses_short_client_keys(self, judge_trust, ca, kind, codes):
        made = client(ca, kind=kind)
        report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert errors(report) == codes

    @pytest.mark.trips("weak-key")
    def test_an_anchor_with_a_short_key(self, judge_trust):
        assert warned(judge_trust(ca_pem=mint("test CA", kind="rsa1024"))) == ["weak-key"]

    @pytest.mark.trips("weak-signature")
    def test_sha1_is_accepted_from_a_server(self, judge_trust, ca):
        made = mint_odd(
            "server", sans=["localhost"], issuer=ca, usages=[SERVER], ca=False, broken_hash="sha1"
        )
        report = judge_trust(ca_pem=ca, served=made, expiry_warning_days=5)
        assert (errors(report), warned(report)) == ([], ["weak-signature"])
