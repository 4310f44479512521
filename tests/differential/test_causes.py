"""The cause named for a chain that gRPC refuses: certain causes as certain, others as likely."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

import grpc_peer
import minting
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import RULES
from milvus_secure.reporting.observation import Observation, TLSHandshake
from milvus_secure.reporting.report import Report
from minting import CLIENT, SERVER, Minted, client, mint, server

EXPIRED = {"start": -dt.timedelta(days=40), "days": 37}


def name(common_name: str, organisation: str) -> x509.Name:
    oid = x509.NameOID
    return x509.Name(
        [
            x509.NameAttribute(oid.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(oid.COMMON_NAME, common_name),
        ]
    )


@pytest.fixture
def report_of_refusal(settings, tmp_path: Path):
    """The report on a chain as served, once gRPC itself has refused it."""

    def report_on(leaf: Minted, *rest: Minted, pinned: bool = False, **anchors: bytes) -> Report:
        chain = leaf.pem + b"".join(minted.pem for minted in rest)
        [roots] = [pem for slot, pem in anchors.items() if slot in {"ca_pem", "server_pem"}]
        assert not grpc_peer.verdict(chain, leaf.key_pem, roots, "localhost").accepted
        paths = {}
        for slot, pem in anchors.items():
            paths[f"{slot}_path"] = tmp_path / slot
            paths[f"{slot}_path"].write_bytes(pem)
        loaded = settings(**paths)
        tls = TLSHandshake(complete=True, chain=tuple(x509.load_pem_x509_certificates(chain)))
        observation = Observation("localhost:19530", protocol="tls", tls=tls)
        return judge(Context(loaded, read_material(loaded), observation), RULES)

    return report_on


def error_codes(report: Report) -> list[str]:
    return [finding.code for finding in report.errors if finding.code != "alpn-not-h2"]


class TestAnUnknownCA:
    def test_two_cas_of_one_company_are_only_likely_to_be_related(self, report_of_refusal):
        dev, prod = (
            mint(subject=name(f"{word} CA", "Example"), which=n, ca=True)
            for n, word in ((1, "dev"), (5, "prod"))
        )
        report = report_of_refusal(server(prod), ca_pem=dev.pem)
        assert error_codes(report) == ["chain-untrusted"]
        assert "may be an intermediate CA" in report.root_cause.message

    def test_a_root_that_calls_itself_issuing(self, report_of_refusal, ca):
        root = mint("Issuing CA", which=5)
        assert error_codes(report_of_refusal(server(root), ca_pem=ca.pem)) == ["chain-untrusted"]

    def test_it_comes_before_every_other_fault_of_the_chain(self, report_of_refusal, ca):
        unrelated = mint("other CA", which=5)
        leaf = server(unrelated, sans=["elsewhere"], usages=[CLIENT], **EXPIRED)
        assert error_codes(report_of_refusal(leaf, ca_pem=ca.pem)) == [
            "chain-untrusted",
            "certificate-expired",
            "usage-not-server",
            "name-mismatch",
        ]

    def test_a_proxy_that_inspects_tls(self, report_of_refusal, ca):
        inspector = mint(subject=name("Proxy CA", "Example Security"), which=5, ca=True)
        report = report_of_refusal(server(inspector), inspector, ca_pem=ca.pem)
        assert error_codes(report) == ["chain-untrusted"]
        assert "self-signed" in report.root_cause.message
        assert "Proxy CA" in report.root_cause.message

    def test_the_client_certificate_as_the_ca(self, report_of_refusal, ca):
        ours = client(ca)
        report = report_of_refusal(
            server(ca), ca_pem=ours.pem, client_pem=ours.pem, client_key=ours.key_pem
        )
        assert error_codes(report)[0] == "chain-untrusted"
        assert "ca_pem_path contains the client certificate CN=client" in report.root_cause.message

    def test_a_client_certificate_as_the_ca_in_one_way_mode(self, report_of_refusal, ca):
        report = report_of_refusal(server(ca), ca_pem=client(ca).pem)
        assert error_codes(report) == ["chain-untrusted"]
        assert "which is not a CA" in report.root_cause.message

    def test_no_ca_given_is_the_root_cause(self, settings, ca):
        leaf = server(ca)
        tls = TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate,))
        observation = Observation("localhost:19530", protocol="tls", tls=tls)
        report = judge(Context(settings(), {}, observation), RULES)
        assert report.root_cause.message == (
            "No CA was given, so gRPC's public CAs were used, but this server's certificate was "
            "issued by the private CA 'CN=test CA'."
        )
        assert report.root_cause.remedy.startswith("Set ca_pem_path")

    def test_no_ca_given_and_a_self_signed_server(self, settings):
        leaf = server(None)
        tls = TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate,))
        observation = Observation("localhost:19530", protocol="tls", tls=tls)
        report = judge(Context(settings(), {}, observation), RULES)
        assert report.root_cause.message.startswith("No CA was given")
        assert "self-signed" in report.root_cause.message


class TestAPinnedCertificateThatIsNoLongerServed:
    def test_renewed_under_its_ca(self, report_of_refusal, ca):
        report = report_of_refusal(server(ca, which=7), server_pem=server(ca).pem)
        assert error_codes(report) == ["presented-certificate-differs"]
        assert report.root_cause.setting == "server_pem_path"

    def test_a_set_with_one_name_for_all_certificates_made_twice(self, report_of_refusal):
        subject = name("localhost", "Milvus")
        made = []
        for n in (1, 5):
            root = mint(subject=subject, which=n, ca=True)
            made.append(server(root, subject=subject, which=n + 1))
        report = report_of_refusal(made[1], server_pem=made[0].pem)
        assert error_codes(report) == ["presented-certificate-differs"]

    def test_self_signed_and_replaced_under_the_same_name(self, report_of_refusal):
        old, new = (mint("localhost", sans=["localhost"], ca=True, which=n) for n in (1, 5))
        report = report_of_refusal(new, server_pem=old.pem)
        assert error_codes(report) == ["presented-certificate-differs"]

    def test_named_as_the_ca(self, report_of_refusal, ca):
        report = report_of_refusal(server(ca, which=7), ca_pem=server(ca).pem)
        assert error_codes(report) == ["presented-certificate-differs"]
        assert report.root_cause.setting == "ca_pem_path"

    def test_other_faults_are_found_too(self, report_of_refusal, ca):
        report = report_of_refusal(server(ca, which=7, **EXPIRED), server_pem=server(ca).pem)
        assert error_codes(report) == ["presented-certificate-differs", "certificate-expired"]


class TestTheIssuer:
    def test_a_ca_renewed_with_its_key_is_not_another_key(self, report_of_refusal):
        old, new = (mint("test CA", which=1, identifiers=False) for _ in range(2))
        serial = old.certificate.serial_number
        general = [x509.DirectoryName(old.certificate.subject)]
        identity = x509.AuthorityKeyIdentifier(None, general, serial)
        leaf = server(old, identifiers=False, extra=[(identity, False)])
        report = report_of_refusal(leaf, ca_pem=new.pem)
        assert error_codes(report) == ["chain-untrusted"]
        assert "was renewed with the same key" in report.root_cause.message
        assert f"{serial:x}" in report.root_cause.expected

    @pytest.mark.parametrize("identifiers", [True, False])
    @pytest.mark.parametrize(
        ("old", "new"), [("rsa2048", "p256"), ("p256", "rsa2048"), ("p256", "p384")]
    )
    def test_a_ca_renewed_with_a_key_of_another_type(
        self, report_of_refusal, old, new, identifiers
    ):
        issuer, trusted = (
            mint("test CA", kind=kind, identifiers=identifiers) for kind in (old, new)
        )
        leaf = server(issuer, identifiers=identifiers)
        report = report_of_refusal(leaf, ca_pem=trusted.pem)
        assert error_codes(report) == ["issuer-key-mismatch"]

    def test_an_anchor_below_another_of_its_issuer_s_name(self, report_of_refusal):
        root = mint("root", kind="rsa2048", identifiers=False)
        middle = mint("middle", issuer=root, ca=True, which=4, identifiers=False)
        namesake = mint("root", which=5, identifiers=False)
        leaf = server(middle, identifiers=False)
        report = report_of_refusal(leaf, ca_pem=middle.pem + namesake.pem)
        assert error_codes(report) == ["issuer-key-mismatch"]

    def test_a_stale_intermediate_is_not_the_trust_anchor(self, report_of_refusal, ca):
        stale, current = (
            mint("middle", issuer=ca, ca=True, which=n, identifiers=False) for n in (4, 5)
        )
        leaf = server(current, identifiers=False)
        report = report_of_refusal(leaf, stale, ca_pem=ca.pem)
        assert error_codes(report) == ["issuer-key-mismatch"]
        assert "trust anchor" not in report.root_cause.message
        assert "intermediate CN=middle" in report.root_cause.message
        assert "cat leaf.pem intermediate.pem" in f"{report.root_cause.command}"

    def test_a_path_that_is_too_long_is_not_repaired_by_becoming_a_ca(self, report_of_refusal, ca):
        upper = mint("upper", issuer=ca, ca=True, path_length=0, which=4)
        lower = mint("lower", issuer=upper, ca=True, which=5)
        report = report_of_refusal(server(lower), lower, upper, ca_pem=ca.pem)
        assert error_codes(report) == ["issuer-not-ca"]
        assert "CA:TRUE" not in report.root_cause.remedy
        assert "pathLenConstraint" in report.root_cause.remedy

    def test_an_intermediate_that_is_no_ca(self, report_of_refusal, ca):
        middle = mint("middle", issuer=ca, ca=False, which=4, usages=[SERVER])
        report = report_of_refusal(server(middle), middle, ca_pem=ca.pem)
        assert error_codes(report) == ["issuer-not-ca"]
        assert "CA:TRUE" in report.root_cause.remedy


def test_the_missing_intermediate_is_certain_where_the_key_identifier_names_its_issuer(
    report_of_refusal, ca
):
    middle = mint("east", issuer=ca, ca=True, which=2)
    above = x509.AuthorityKeyIdentifier(
        None, [x509.DirectoryName(ca.certificate.subject)], middle.certificate.serial_number
    )
    leaf = minting.server(middle, identifiers=False, extra=[(above, False)])
    assert error_codes(report_of_refusal(leaf, ca_pem=ca.pem)) == ["chain-incomplete"]


def test_an_anchor_that_is_no_ca_issued_nothing(report_of_refusal, ca):
    pinned = mint(subject=name("pinned", "Example"), issuer=ca, ca=False, usages=[CLIENT])
    issuing = mint(subject=name("Issuing CA", "Example"), which=5, ca=True)
    assert error_codes(report_of_refusal(server(issuing), ca_pem=pinned.pem)) == ["chain-untrusted"]
