"""Identifiers, and the rules that each generation of gRPC matches them by."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from milvus_secure.certificates.identity import (
    Generation,
    Presented,
    generation,
    matches,
    presented,
)
from minting import mint

OLD, NEW = Generation.PEER_NAME, Generation.HOST_NAME

names = st.text(st.sampled_from("aB1*.:[]%-_é\x00"), max_size=12) | st.text(max_size=300)
identifiers = st.builds(
    Presented,
    names,
    *(st.lists(names, max_size=3).map(tuple) for _ in range(4)),
    st.booleans(),
    st.booleans(),
)


@given(identifiers, names, st.sampled_from(Generation))
def test_no_identifier_and_no_reference_raises(certificate, reference, rules):
    assert matches(certificate, reference, rules) in {True, False}


@given(st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){1,3}", fullmatch=True), st.sampled_from(Generation))
def test_case_and_one_trailing_dot_make_no_difference(name, rules):
    assert matches(Presented(dns=(name.title(),)), f"{name.upper()}.", rules)


@given(identifiers, names)
@settings(max_examples=50)
def test_the_new_rules_never_accept_by_uri_or_email(certificate, reference):
    bare = Presented(certificate.common_name, certificate.dns, certificate.ips)
    whole = Presented(bare.common_name, bare.dns, bare.ips, certificate.uris, certificate.emails)
    assert matches(bare, reference, NEW) is matches(whole, reference, NEW)


@pytest.mark.parametrize(
    ("certificate", "reference", "old", "new"),
    [
        (Presented("db"), "db", True, True),
        (Presented("db", dns=("x",)), "db", False, False),
        (Presented("db", ips=("::1",)), "db", False, True),
        (Presented("db", uris=("urn:x",)), "db", False, True),
        (Presented("db", others=True), "db", False, True),
        (Presented("127.0.0.1"), "127.0.0.1", False, True),
        (Presented(dns=("127.0.0.1",)), "127.0.0.1", True, True),
        (Presented(dns=("*.local",)), "db.local", False, True),
        (Presented(dns=("*.example.com",)), "db.example.com", True, True),
        (Presented(dns=("*.example.com",)), "a.db.example.com", False, False),
        (Presented(dns=("*.example.com",)), "example.com", False, False),
        (Presented(ips=("::1",)), "::1", True, True),
        (Presented(ips=("::1",)), "0:0:0:0:0:0:0:1", False, False),
        (Presented(ips=("fe80::1",)), "fe80::1%eth0", True, True),
        (Presented(dns=("db",)), "db:19530", True, True),
        (Presented(dns=("x" * 256,)), "x" * 256, False, False),
        (Presented(dns=("db",), unreadable=True), "db", False, False),
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
        found = presented(mint("cn", sans=["db", "10.0.0.7", "::1", "uri:urn:x"]).certificate)
        assert found == Presented("cn", ("db",), ("10.0.0.7", "::1"), ("urn:x",))

    def test_the_first_of_two_common_names_counts(self):
        both = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("one", "two")]
        assert presented(mint(subject=x509.Name(both)).certificate).common_name == "one"

    def test_a_certificate_without_names_presents_none(self):
        assert presented(mint(None).certificate) == Presented()
