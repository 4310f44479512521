"""Certificates that are expired, not yet valid, or about to expire."""

from __future__ import annotations

import datetime as dt

import pytest

from minting import client, mint, server
from verdicts import errors, warned

EXPIRED = {"start": -dt.timedelta(days=40), "days": 37}
FUTURE = {"start": dt.timedelta(days=2, hours=1)}


class TestDates:
    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf(self, judge_trust, ca):
        [finding] = judge_trust(ca_pem=ca, served=server(ca, **EXPIRED)).errors
        assert finding.code == "certificate-expired"
        assert "expired 3 days ago" in finding.message
        assert finding.origin == "endpoint:localhost:19530"

    @pytest.mark.trips("certificate-not-yet-valid")
    def test_a_leaf_of_the_future(self, judge_trust, ca):
        [finding] = judge_trust(ca_pem=ca, served=server(ca, **FUTURE)).errors
        assert finding.code == "certificate-not-yet-valid"
        assert "valid in 2 days" in finding.message

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf_is_refused_even_when_pinned(self, judge_trust, ca):
        report = judge_trust(server_pem=server(ca, **EXPIRED))
        assert errors(report) == ["certificate-expired"]
        assert report.root_cause.setting == "server_pem_path"

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_anchor_is_named_with_its_file(self, judge_trust, tmp_path):
        old = mint("test CA", which=1, **EXPIRED)
        [finding] = judge_trust(ca_pem=old, served=server(old)).errors
        assert finding.code == "certificate-expired"
        assert finding.origin == f"file:{tmp_path / 'ca_pem'}"

    @pytest.mark.trips("certificate-expired")
    def test_a_file_of_expired_anchors_needs_no_endpoint(self, judge_trust):
        report = judge_trust(ca_pem=mint("test CA", **EXPIRED))
        assert errors(report) == ["certificate-expired"]
        assert report.root_cause.setting == "ca_pem_path"

    @pytest.mark.trips("certificate-not-yet-valid")
    def test_a_file_of_anchors_of_the_future_needs_no_endpoint(self, judge_trust):
        assert errors(judge_trust(ca_pem=mint("test CA", **FUTURE))) == [
            "certificate-not-yet-valid"
        ]

    @pytest.mark.passes("certificate-expired")
    def test_an_expired_unrelated_ca_in_a_bundle_is_no_finding(self, judge_trust, ca):
        bundle = ca.pem + mint("another CA", which=5, **EXPIRED).pem
        assert judge_trust(ca_pem=bundle).findings == ()
        assert judge_trust(ca_pem=bundle, served=server(ca)).findings == ()

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_client_certificate(self, judge_trust, ca):
        made = client(ca, **EXPIRED)
        [finding] = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem).errors
        assert (finding.code, finding.setting) == ("certificate-expired", "client_pem_path")

    @pytest.mark.trips("certificate-expiring")
    def test_a_leaf_that_expires_soon(self, judge_trust, ca):
        report = judge_trust(ca_pem=ca, served=server(ca, days=8))
        assert warned(report) == ["certificate-expiring"]
        assert "expires in 6 days" in report.warnings[0].message

    @pytest.mark.passes("certificate-expiring")
    def test_the_days_of_warning_are_a_setting(self, judge_trust, ca):
        assert (
            judge_trust(ca_pem=ca, served=server(ca, days=8), expiry_warning_days=5).findings == ()
        )

    @pytest.mark.trips("certificate-expiring")
    def test_the_only_anchor_expires_soon(self, judge_trust):
        assert warned(judge_trust(ca_pem=mint("test CA", days=8))) == ["certificate-expiring"]

    @pytest.mark.passes("certificate-expiring")
    def test_one_of_two_anchors_expires_soon(self, judge_trust, ca):
        assert judge_trust(ca_pem=mint("old CA", days=8, which=5).pem + ca.pem).findings == ()

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf_of_an_unknown_ca_is_untrusted_first(self, judge_trust, ca):
        report = judge_trust(ca_pem=mint("another CA", which=5), served=server(ca, **EXPIRED))
        assert errors(report) == ["chain-untrusted", "certificate-expired"]
