"""Identifiers, and the rules that each generation of gRPC matches them by."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_secure.verification.hostname import (
    CertificateNames,
    GrpcNameRules,
    generation,
    matches,
    presented,
)
from minting import mint

OLD, NEW = GrpcNameRules.PEER_NAME, GrpcNameRules.HOST_NAME

names = st.text(st.sampled_from("aB1*.:[]%-_é\x00"), max_size=12) | st.text(max_size=300)
identifiers = st.builds(
    CertificateNames,
    names,
    *(st.lists(names, max_size=3).map(tuple) for _ in range(4)),
    st.booleans(),
    st.booleans(),
)


@given(identifiers, names, st.sampled_from(GrpcNameRules))
def test_no_identifier_and_no_reference_raises(certificate, reference, rules):
    assert matches(certificate, reference, rules) in {True, False}


@given(
    st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){1,3}", fullmatch=True), st.sampled_from(GrpcNameRules)
)
def test_case_and_one_trailing_dot_make_no_difference(name, rules):
    assert matches(CertificateNames(dns=(name.title(),)), f"{name.upper()}.", rules)


@given(identifiers, names)
@settings(max_examples=50)
def test_the_new_rules_never_accept_by_uri_or_email(certificate, reference):
    bare = CertificateNames(certificate.common_name, certificate.dns, certificate.ips)
    complete = CertificateNames(
        bare.common_name, bare.dns, bare.ips, certificate.uris, certificate.emails
    )
    assert matches(bare, reference, NEW) is matches(complete, reference, NEW)


@pytest.mark.parametrize(
    ("certificate", "reference", "old", "new"),
    [
        (CertificateNames("db"), "db", True, True),
        (CertificateNames("db", dns=("x",)), "db", False, False),
        (CertificateNames("db", ips=("::1",)), "db", False, True),
        (CertificateNames("db", uris=("urn:x",)), "db", False, True),
        (CertificateNames("db", others=True), "db", False, True),
        (CertificateNames("127.0.0.1"), "127.0.0.1", False, True),
        (CertificateNames(dns=("127.0.0.1",)), "127.0.0.1", True, True),
        (CertificateNames(dns=("*.local",)), "db.local", False, True),
        (CertificateNames(dns=("*.example.com",)), "db.example.com", True, True),
        (CertificateNames(dns=("*.example.com",)), "a.db.example.com", False, False),
        (CertificateNames(dns=("*.example.com",)), "example.com", False, False),
        (CertificateNames(ips=("::1",)), "::1", True, True),
        (CertificateNames(ips=("::1",)), "0:0:0:0:0:0:0:1", False, False),
        (CertificateNames(ips=("fe80::1",)), "fe80::1%eth0", True, True),
        (CertificateNames(dns=("db",)), "db:19530", True, True),
        (CertificateNames(dns=("x" * 256,)), "x" * 256, False, False),
        (CertificateNames(dns=("db",), unreadable=True), "db", False, False),
    ],
)
def test_the_generations_differ_where_they_were_measured_to(certificate, reference, old, new):
    assert (matches(certificate, reference, OLD), matches(certificate, reference, NEW)) == (
        old,
        new,
    )


@pytest.mark.parametrize(("release", "rules"), [((1, 76), OLD), ((1, 78), NEW), ((2, 0), NEW)])
def test_the_rules_changed_with_1_78(release, rules):
    assert generation(release) is rules


class TestPresented:
    def test_every_kind_of_identifier_is_read(self):
        names = presented(mint("cn", sans=["db", "10.0.0.7", "::1", "uri:urn:x"]).certificate)
        assert names == CertificateNames("cn", ("db",), ("10.0.0.7", "::1"), ("urn:x",))

    def test_the_first_of_two_common_names_counts(self):
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("one", "two")]
        assert presented(mint(subject=x509.Name(attributes)).certificate).common_name == "one"

    def test_a_certificate_without_names_presents_none(self):
        assert presented(mint(None).certificate) == CertificateNames()
