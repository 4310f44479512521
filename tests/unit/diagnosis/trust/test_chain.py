"""Whether a chain leads to an anchor, and what its certificates are for, as served and in files."""

from __future__ import annotations

import pytest

from milvus_secure.pem.certificate import key_hash
from minting import CLIENT, SERVER, client, mint, server
from odd_chains import CODE, constraints, key_usage
from odd_chains import mint as mint_odd
from verdicts import errors, warned


@pytest.mark.passes("certificate-expired")
@pytest.mark.passes("certificate-not-yet-valid")
@pytest.mark.passes("certificate-expiring")
@pytest.mark.passes("chain-untrusted")
@pytest.mark.passes("chain-incomplete")
@pytest.mark.passes("issuer-key-mismatch")
@pytest.mark.passes("issuer-not-ca")
@pytest.mark.passes("name-constraint")
@pytest.mark.passes("usage-not-server")
@pytest.mark.passes("usage-not-client")
@pytest.mark.passes("chain-order")
@pytest.mark.passes("client-chain-untrusted")
@pytest.mark.passes("pinned-leaf")
@pytest.mark.passes("shared-subject")
@pytest.mark.passes("weak-signature")
@pytest.mark.passes("weak-key")
class TestAHealthySetUp:
    def test_one_way_finds_nothing(self, judge_trust, ca):
        report = judge_trust(ca_pem=ca, served=server(ca))
        assert report.findings == ()
        assert report.skipped == ()

    def test_mutual_finds_nothing(self, judge_trust, ca):
        made = client(ca)
        report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem, served=server(ca))
        assert report.findings == ()

    def test_an_intermediate_that_is_served_finds_nothing(self, judge_trust, ca):
        middle = mint("test intermediate", issuer=ca, ca=True, which=4)
        assert judge_trust(ca_pem=ca, served=server(middle)).findings == ()

    def test_public_roots_are_not_judged_when_nothing_is_served(self, judge_trust):
        assert judge_trust(ca_pem_path="system").findings == ()


class TestTheAnchorIsAnother:
    @pytest.mark.trips("chain-untrusted")
    def test_an_unknown_chain_shows_its_issuer_and_the_trusted_ca(self, judge_trust, ca):
        unrelated = mint("another CA", which=5)
        [finding] = judge_trust(ca_pem=unrelated, served=server(ca)).errors
        assert finding.code == "chain-untrusted"
        assert "CN=test CA" in finding.presented
        assert "CN=another CA" in finding.expected
        assert finding.setting == "ca_pem_path"

    @pytest.mark.trips("chain-untrusted")
    def test_a_self_signed_server(self, judge_trust, ca):
        assert errors(judge_trust(ca_pem=ca, served=server(None))) == ["chain-untrusted"]

    @pytest.mark.parametrize("identifiers", [True, False])
    @pytest.mark.trips("issuer-key-mismatch")
    def test_a_rotated_ca_shows_the_trusted_key(self, judge_trust, identifiers):
        old, new = (mint("test CA", which=n, identifiers=identifiers) for n in (1, 5))
        [finding] = judge_trust(ca_pem=new, served=server(old, identifiers=identifiers)).errors
        assert finding.code == "issuer-key-mismatch"
        assert key_hash(new.certificate) in finding.presented

    @pytest.mark.trips("issuer-key-mismatch")
    def test_both_keys_are_shown_when_the_old_root_is_served(self, judge_trust, ca):
        new = mint("test CA", which=5)
        [finding] = judge_trust(ca_pem=new, served=server(ca).pem + ca.pem).errors
        assert finding.code == "issuer-key-mismatch"
        assert key_hash(ca.certificate) in finding.expected
        assert key_hash(new.certificate) in finding.presented

    @pytest.mark.passes("chain-incomplete")
    def test_an_issuer_that_calls_itself_intermediate_is_only_likely_to_be_missing(
        self, judge_trust, ca
    ):
        middle = mint("test intermediate", issuer=ca, ca=True, which=4)
        [finding] = judge_trust(ca_pem=ca, served=server(middle).pem).errors
        assert finding.code == "chain-untrusted"
        assert "CN=test intermediate" in finding.message
        assert "may be an intermediate CA" in finding.message

    @pytest.mark.trips("chain-incomplete")
    def test_the_client_s_own_chain_shows_what_is_missing(self, judge_trust, ca):
        middle = mint("east", issuer=ca, ca=True, which=4)
        made = client(middle)
        report = judge_trust(
            ca_pem=ca, client_pem=made, client_key=made.key_pem, served=server(middle).pem
        )
        assert errors(report) == ["chain-incomplete"]


class TestTheIssuer:
    @pytest.mark.trips("issuer-not-ca")
    @pytest.mark.parametrize(
        "odd",
        [
            {"ca": False},
            {"basic": False},
            {"key_usage": key_usage("digital_signature")},
        ],
        ids=["CA:FALSE", "no basicConstraints", "no keyCertSign"],
    )
    def test_an_intermediate_that_is_no_ca(self, judge_trust, ca, odd):
        middle = mint("test intermediate", issuer=ca, which=4, **{"ca": True, **odd})
        assert errors(judge_trust(ca_pem=ca, served=server(middle))) == ["issuer-not-ca"]

    @pytest.mark.trips("issuer-not-ca")
    def test_too_many_intermediates(self, judge_trust, ca):
        upper = mint("upper", issuer=ca, ca=True, path_length=0, which=4)
        lower = mint("lower", issuer=upper, ca=True, which=5)
        assert errors(judge_trust(ca_pem=ca, served=server(lower))) == ["issuer-not-ca"]

    @pytest.mark.trips("name-constraint")
    def test_a_name_the_ca_does_not_allow(self, judge_trust):
        narrow = mint("test CA", which=1, extra=[constraints(["example.org"])])
        [finding] = judge_trust(ca_pem=narrow, served=server(narrow)).errors
        assert finding.code == "name-constraint"
        assert "permits example.org" in finding.expected
        assert "localhost" in finding.presented

    @pytest.mark.passes("name-constraint")
    def test_a_name_the_ca_allows(self, judge_trust):
        narrow = mint("test CA", which=1, extra=[constraints(["localhost"])])
        assert judge_trust(ca_pem=narrow, served=server(narrow)).findings == ()


class TestUsages:
    @pytest.mark.trips("usage-not-server")
    def test_a_client_s_certificate_on_a_server(self, judge_trust, ca):
        [finding] = judge_trust(ca_pem=ca, served=server(ca, usages=[CLIENT])).errors
        assert finding.code == "usage-not-server"
        assert finding.presented == "clientAuth"

    @pytest.mark.trips("usage-not-server")
    def test_a_pinned_leaf_of_another_usage_is_accepted_with_a_warning(self, judge_trust, ca):
        report = judge_trust(server_pem=server(ca, usages=[CODE]))
        assert errors(report) == []
        assert "usage-not-server" in warned(report)

    @pytest.mark.trips("usage-not-client")
    def test_a_server_s_certificate_on_a_client(self, judge_trust, ca):
        made = client(ca, usages=[SERVER])
        [finding] = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem).errors
        assert (finding.code, finding.presented) == ("usage-not-client", "serverAuth")

    @pytest.mark.trips("usage-not-client")
    def test_the_usage_matters_for_every_issuer(self, judge_trust, ca):
        made = client(mint("another CA", which=5), usages=[SERVER])
        report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert errors(report) == ["usage-not-client"]

    @pytest.mark.passes("usage-not-client")
    def test_a_client_without_usages(self, judge_trust, ca):
        made = client(ca, usages=[])
        assert judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem).findings == ()


class TestTheClientChain:
    @pytest.mark.trips("client-chain-untrusted")
    def test_another_ca_is_only_a_warning(self, judge_trust, ca):
        made = client(mint("another CA", which=5))
        report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert (errors(report), warned(report)) == ([], ["client-chain-untrusted"])
        assert "CN=another CA" in report.warnings[0].presented

    @pytest.mark.trips("client-chain-untrusted")
    def test_a_missing_intermediate(self, judge_trust, ca):
        made = client(mint("test intermediate", issuer=ca, ca=True, which=4))
        report = judge_trust(ca_pem=ca, client_pem=made.pem, client_key=made.key_pem)
        assert warned(report) == ["client-chain-untrusted"]
        assert "may be an intermediate CA" in report.warnings[0].message

    @pytest.mark.trips("chain-order")
    def test_the_ca_before_the_leaf(self, judge_trust, ca):
        made = client(ca)
        report = judge_trust(ca_pem=ca, client_pem=ca.pem + made.pem, client_key=made.key_pem)
        assert errors(report) == ["chain-order"]

    @pytest.mark.trips("chain-order")
    def test_intermediates_out_of_order_are_only_a_warning(self, judge_trust, ca):
        upper = mint("upper", issuer=ca, ca=True, which=4)
        lower = mint("lower", issuer=upper, ca=True, which=5)
        report = judge_trust(ca_pem=ca, served=server(lower).pem + upper.pem + lower.pem)
        assert (errors(report), warned(report)) == ([], ["chain-order"])

    @pytest.mark.trips("weak-signature")
    def test_sha1_is_refused_by_go(self, judge_trust, ca):
        made = mint_odd("client", issuer=ca, usages=[CLIENT], ca=False, broken_hash="sha1")
        report = judge_trust(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert errors(report) == ["weak-signature"]


class TestVisibleSkips:
    def test_without_anchors_nothing_is_judged_against_them(self, judge_trust, ca):
        report = judge_trust(ca_pem=b"not PEM", served=server(ca))
        assert report.findings == ()
        assert ("chain-untrusted", "file-not-pem") in {(s.code, s.because) for s in report.skipped}


def test_public_roots_are_counted_not_listed(judge_trust, ca):
    [finding] = judge_trust(served=server(ca), ca_pem_path="system").errors
    assert finding.code == "chain-untrusted"
    assert finding.expected.startswith("one of the ")
    assert len(finding.expected) < 60
