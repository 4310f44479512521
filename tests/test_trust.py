"""Rules about trust, offline on files and online on the chain as served."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import minting
from milvus_secure.certificates.certificate import key_hash
from milvus_secure.checks import trust
from milvus_secure.context import Context
from milvus_secure.doctor import judge
from milvus_secure.material.material import read_material
from milvus_secure.observation import Observation
from milvus_secure.report import Report, Severity
from minting import CLIENT, SERVER, Minted, mint
from odd_chains import CODE, constraints, key_usage
from odd_chains import mint as mint_odd

EXPIRED = {"start": -dt.timedelta(days=40), "days": 37}
FUTURE = {"start": dt.timedelta(days=2, hours=1)}
NAMES = ("localhost",)


@pytest.fixture
def ca() -> Minted:
    return mint("test CA", which=1)


@pytest.fixture
def look(settings, tmp_path: Path):
    """Judge what a server presents and what files hold, by the rules about trust alone."""

    def look_at(*, served: Minted | bytes | None = None, now=None, **material: object) -> Report:
        paths = {}
        for slot, content in material.items():
            if slot == "client_key" or isinstance(content, bytes | Minted):
                path = tmp_path / slot
                path.write_bytes(content.chain_pem if isinstance(content, Minted) else content)
                paths[f"{slot}_path"] = path
            else:
                paths[slot] = content
        loaded = settings(**paths)
        seen = None
        if served is not None:
            pem = served.chain_pem if isinstance(served, Minted) else served
            chain = tuple(minting.x509.load_pem_x509_certificates(pem))
            seen = Observation("localhost:19530", chain=chain)
        clock = {"now": now} if now else {}
        return judge(Context(loaded, read_material(loaded), seen, **clock), trust.RULES)

    return look_at


def server(issuer: Minted | None, **odd) -> Minted:
    return mint(**{"common_name": "server", "sans": NAMES, "issuer": issuer, "usages": [SERVER],
                   "ca": False, "which": 2, **odd})  # fmt: skip


def client(issuer: Minted | None, **odd) -> Minted:
    return mint(**{"common_name": "client", "issuer": issuer, "usages": [CLIENT], "ca": False,
                   "which": 3, **odd})  # fmt: skip


def errors(report: Report) -> list[str]:
    return [found.code for found in report.errors]


def warned(report: Report) -> list[str]:
    return [found.code for found in report.warnings]


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
    def test_one_way_finds_nothing(self, look, ca):
        report = look(ca_pem=ca, served=server(ca))
        assert report.findings == ()
        assert report.skipped == ()

    def test_mutual_finds_nothing(self, look, ca):
        made = client(ca)
        report = look(ca_pem=ca, client_pem=made, client_key=made.key_pem, served=server(ca))
        assert report.findings == ()

    def test_an_intermediate_that_is_served_finds_nothing(self, look, ca):
        middle = mint("test intermediate", issuer=ca, ca=True, which=4)
        assert look(ca_pem=ca, served=server(middle)).findings == ()

    def test_public_roots_are_not_judged_when_nothing_is_served(self, look):
        assert look(ca_pem_path="system").findings == ()


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


class TestTheAnchorIsAnother:
    @pytest.mark.trips("chain-untrusted")
    def test_a_stranger_s_chain_shows_who_is_wanted_and_who_is_trusted(self, look, ca):
        other = mint("another CA", which=5)
        [found] = look(ca_pem=other, served=server(ca)).errors
        assert found.code == "chain-untrusted"
        assert "CN=test CA" in found.presented
        assert "CN=another CA" in found.expected
        assert found.setting == "ca_pem_path"

    @pytest.mark.trips("chain-untrusted")
    def test_a_self_signed_server(self, look, ca):
        assert errors(look(ca_pem=ca, served=server(None))) == ["chain-untrusted"]

    @pytest.mark.parametrize("identifiers", [True, False])
    @pytest.mark.trips("issuer-key-mismatch")
    def test_a_rotated_ca_shows_the_trusted_key(self, look, identifiers):
        old, new = (mint("test CA", which=n, identifiers=identifiers) for n in (1, 5))
        [found] = look(ca_pem=new, served=server(old, identifiers=identifiers)).errors
        assert found.code == "issuer-key-mismatch"
        assert key_hash(new.certificate) in found.presented

    @pytest.mark.trips("issuer-key-mismatch")
    def test_both_keys_are_shown_when_the_old_root_is_served(self, look, ca):
        new = mint("test CA", which=5)
        [found] = look(ca_pem=new, served=server(ca).pem + ca.pem).errors
        assert found.code == "issuer-key-mismatch"
        assert key_hash(ca.certificate) in found.expected
        assert key_hash(new.certificate) in found.presented

    @pytest.mark.trips("certificate-expired")
    def test_an_expired_leaf_of_a_stranger_is_expired_first(self, look, ca):
        report = look(ca_pem=mint("another CA", which=5), served=server(ca, **EXPIRED))
        assert errors(report) == ["certificate-expired"]

    @pytest.mark.trips("chain-incomplete")
    def test_an_intermediate_is_not_served(self, look, ca):
        middle = mint("test intermediate", issuer=ca, ca=True, which=4)
        [found] = look(ca_pem=ca, served=server(middle).pem).errors
        assert found.code == "chain-incomplete"
        assert "CN=test intermediate" in found.message

    @pytest.mark.trips("chain-incomplete")
    def test_the_client_s_own_chain_tells_what_is_missing(self, look, ca):
        middle = mint("east", issuer=ca, ca=True, which=4)
        made = client(middle)
        report = look(ca_pem=ca, client_pem=made, client_key=made.key_pem,
                      served=server(middle).pem)  # fmt: skip
        assert errors(report) == ["chain-incomplete"]


class TestTheIssuer:
    @pytest.mark.trips("issuer-not-ca")
    @pytest.mark.parametrize("odd", [
        {"ca": False}, {"basic": False}, {"key_usage": key_usage("digital_signature")},
    ], ids=["CA:FALSE", "no basicConstraints", "no keyCertSign"])  # fmt: skip
    def test_an_intermediate_that_is_no_ca(self, look, ca, odd):
        middle = mint("test intermediate", issuer=ca, which=4, **{"ca": True, **odd})
        assert errors(look(ca_pem=ca, served=server(middle))) == ["issuer-not-ca"]

    @pytest.mark.trips("issuer-not-ca")
    def test_too_many_intermediates(self, look, ca):
        upper = mint("upper", issuer=ca, ca=True, path_length=0, which=4)
        lower = mint("lower", issuer=upper, ca=True, which=5)
        assert errors(look(ca_pem=ca, served=server(lower))) == ["issuer-not-ca"]

    @pytest.mark.trips("name-constraint")
    def test_a_name_the_ca_does_not_allow(self, look):
        narrow = mint("test CA", which=1, extra=[constraints(["example.org"])])
        [found] = look(ca_pem=narrow, served=server(narrow)).errors
        assert found.code == "name-constraint"
        assert "permits example.org" in found.expected
        assert "localhost" in found.presented

    @pytest.mark.passes("name-constraint")
    def test_a_name_the_ca_allows(self, look):
        narrow = mint("test CA", which=1, extra=[constraints(["localhost"])])
        assert look(ca_pem=narrow, served=server(narrow)).findings == ()


class TestUsages:
    @pytest.mark.trips("usage-not-server")
    def test_a_client_s_certificate_on_a_server(self, look, ca):
        [found] = look(ca_pem=ca, served=server(ca, usages=[CLIENT])).errors
        assert found.code == "usage-not-server"
        assert found.presented == "clientAuth"

    @pytest.mark.trips("usage-not-server")
    def test_a_pinned_leaf_of_another_usage_is_accepted_with_a_warning(self, look, ca):
        report = look(server_pem=server(ca, usages=[CODE]))
        assert errors(report) == []
        assert "usage-not-server" in warned(report)

    @pytest.mark.trips("usage-not-client")
    def test_a_server_s_certificate_on_a_client(self, look, ca):
        made = client(ca, usages=[SERVER])
        [found] = look(ca_pem=ca, client_pem=made, client_key=made.key_pem).errors
        assert (found.code, found.presented) == ("usage-not-client", "serverAuth")

    @pytest.mark.trips("usage-not-client")
    def test_the_usage_matters_whoever_issued_it(self, look, ca):
        made = client(mint("another CA", which=5), usages=[SERVER])
        report = look(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert errors(report) == ["usage-not-client"]

    @pytest.mark.passes("usage-not-client")
    def test_a_client_without_usages(self, look, ca):
        made = client(ca, usages=[])
        assert look(ca_pem=ca, client_pem=made, client_key=made.key_pem).findings == ()


class TestTheClientChain:
    @pytest.mark.trips("client-chain-untrusted")
    def test_another_ca_is_but_a_warning(self, look, ca):
        made = client(mint("another CA", which=5))
        report = look(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert (errors(report), warned(report)) == ([], ["client-chain-untrusted"])
        assert "CN=another CA" in report.warnings[0].presented

    @pytest.mark.trips("client-chain-untrusted")
    def test_a_missing_intermediate(self, look, ca):
        made = client(mint("test intermediate", issuer=ca, ca=True, which=4))
        report = look(ca_pem=ca, client_pem=made.pem, client_key=made.key_pem)
        assert warned(report) == ["client-chain-untrusted"]
        assert "test intermediate is missing" in report.warnings[0].message

    @pytest.mark.trips("chain-order")
    def test_the_ca_before_the_leaf(self, look, ca):
        made = client(ca)
        report = look(ca_pem=ca, client_pem=ca.pem + made.pem, client_key=made.key_pem)
        assert errors(report) == ["chain-order"]

    @pytest.mark.trips("chain-order")
    def test_intermediates_out_of_order_are_but_a_warning(self, look, ca):
        upper = mint("upper", issuer=ca, ca=True, which=4)
        lower = mint("lower", issuer=upper, ca=True, which=5)
        report = look(ca_pem=ca, served=server(lower).pem + upper.pem + lower.pem)
        assert (errors(report), warned(report)) == ([], ["chain-order"])

    @pytest.mark.trips("weak-signature")
    def test_sha1_is_refused_by_go(self, look, ca):
        made = mint_odd("client", issuer=ca, usages=[CLIENT], ca=False, broken_hash="sha1")
        report = look(ca_pem=ca, client_pem=made, client_key=made.key_pem)
        assert errors(report) == ["weak-signature"]


class TestWhatWillNotLast:
    @pytest.mark.trips("pinned-leaf")
    def test_a_pinned_leaf(self, look, ca):
        report = look(server_pem=server(ca))
        assert (errors(report), warned(report)) == ([], ["pinned-leaf"])

    @pytest.mark.passes("pinned-leaf")
    def test_the_leaf_with_its_ca_in_one_file(self, look, ca):
        assert look(server_pem=server(ca).pem + ca.pem).findings == ()

    @pytest.mark.trips("shared-subject")
    def test_one_name_for_ca_and_leaf(self, look, ca):
        report = look(ca_pem=ca, served=server(ca, common_name="test CA"))
        assert (errors(report), warned(report)) == ([], ["shared-subject"])

    @pytest.mark.trips("shared-subject")
    def test_one_name_and_no_identifiers_is_refused(self, look, ca):
        report = look(ca_pem=ca, served=server(ca, common_name="test CA", identifiers=False))
        assert errors(report) == ["shared-subject"]

    @pytest.mark.trips("weak-key")
    @pytest.mark.parametrize(("kind", "severity"), [
        ("rsa1024", Severity.WARNING), ("p521", Severity.ERROR), ("ed25519", Severity.ERROR),
    ])  # fmt: skip
    def test_a_weak_key_is_an_error_where_grpc_refuses_it(self, look, ca, kind, severity):
        [found] = look(ca_pem=ca, served=server(ca, kind=kind)).findings
        assert (found.code, found.severity) == ("weak-key", severity)

    @pytest.mark.trips("weak-key")
    def test_a_short_anchor(self, look):
        assert warned(look(ca_pem=mint("test CA", kind="rsa1024"))) == ["weak-key"]

    @pytest.mark.trips("weak-signature")
    def test_sha1_is_accepted_from_a_server(self, look, ca):
        made = mint_odd("server", sans=NAMES, issuer=ca, usages=[SERVER], ca=False,
                        broken_hash="sha1")  # fmt: skip
        report = look(ca_pem=ca, served=made, expiry_warning_days=5)
        assert (errors(report), warned(report)) == ([], ["weak-signature"])


class TestVisibleSkips:
    def test_without_anchors_nothing_is_judged_against_them(self, look, ca):
        report = look(ca_pem=b"not PEM", served=server(ca))
        assert report.findings == ()
        assert ("chain-untrusted", "file-not-pem") in {(s.code, s.because) for s in report.skipped}


def test_a_private_ca_at_the_public_roots_hears_their_number_not_their_names(look, ca):
    [found] = look(served=server(ca), ca_pem_path="system").errors
    assert found.code == "chain-untrusted"
    assert found.expected.startswith("one of the ")
    assert len(found.expected) < 60
