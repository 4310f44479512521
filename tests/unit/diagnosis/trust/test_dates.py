"""Certificates past their time, before it, and near its end."""

from __future__ import annotations

import datetime as dt

import pytest

from minting import client, mint, server
from verdicts import errors, warned

EXPIRED = {"start": -dt.timedelta(days=40), "days": 37}
FUTURE = {"start": dt.timedelta(days=2, hours=1)}


class TestDates:
    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf(self, look, ca):
        [found] = look(ca_pem=ca, served=server(ca, **EXPIRED)).errors
        assert found.code == "certificate-expired"
        assert "expired 3 days ago" in found.message
        assert found.origin == "endpoint:localhost:19530"

    @pytest.mark.trips("certificate-not-yet-valid")
    def test_a_leaf_of_the_future(self, look, ca):
        [found] = look(ca_pem=ca, served=server(ca, **FUTURE)).errors
        assert found.code == "certificate-not-yet-valid"
        assert "valid in 2 days" in found.message

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf_is_refused_even_when_pinned(self, look, ca):
        report = look(server_pem=server(ca, **EXPIRED))
        assert errors(report) == ["certificate-expired"]
        assert report.root_cause.setting == "server_pem_path"

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_anchor_is_named_with_its_file(self, look, tmp_path):
        old = mint("test CA", which=1, **EXPIRED)
        [found] = look(ca_pem=old, served=server(old)).errors
        assert found.code == "certificate-expired"
        assert found.origin == f"file:{tmp_path / 'ca_pem'}"

    @pytest.mark.trips("certificate-expired")
    def test_a_file_of_expired_anchors_needs_no_endpoint(self, look):
        report = look(ca_pem=mint("test CA", **EXPIRED))
        assert errors(report) == ["certificate-expired"]
        assert report.root_cause.setting == "ca_pem_path"

    @pytest.mark.trips("certificate-not-yet-valid")
    def test_a_file_of_anchors_of_the_future_needs_no_endpoint(self, look):
        assert errors(look(ca_pem=mint("test CA", **FUTURE))) == ["certificate-not-yet-valid"]

    @pytest.mark.passes("certificate-expired")
    def test_an_expired_stranger_in_a_bundle_is_no_finding(self, look, ca):
        bundle = ca.pem + mint("another CA", which=5, **EXPIRED).pem
        assert look(ca_pem=bundle).findings == ()
        assert look(ca_pem=bundle, served=server(ca)).findings == ()

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_client_certificate(self, look, ca):
        made = client(ca, **EXPIRED)
        [found] = look(ca_pem=ca, client_pem=made, client_key=made.key_pem).errors
        assert (found.code, found.setting) == ("certificate-expired", "client_pem_path")

    @pytest.mark.trips("certificate-expiring")
    def test_a_leaf_that_ends_soon(self, look, ca):
        report = look(ca_pem=ca, served=server(ca, days=8))
        assert warned(report) == ["certificate-expiring"]
        assert "expires in 6 days" in report.warnings[0].message

    @pytest.mark.passes("certificate-expiring")
    def test_the_days_are_the_user_s(self, look, ca):
        assert look(ca_pem=ca, served=server(ca, days=8), expiry_warning_days=5).findings == ()

    @pytest.mark.trips("certificate-expiring")
    def test_the_only_anchor_ends_soon(self, look):
        assert warned(look(ca_pem=mint("test CA", days=8))) == ["certificate-expiring"]

    @pytest.mark.passes("certificate-expiring")
    def test_of_two_anchors_one_lasts(self, look, ca):
        assert look(ca_pem=mint("old CA", days=8, which=5).pem + ca.pem).findings == ()

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf_of_an_unknown_ca_is_untrusted_first(self, look, ca):
        report = look(ca_pem=mint("another CA", which=5), served=server(ca, **EXPIRED))
        assert errors(report) == ["chain-untrusted", "certificate-expired"]
