"""Which names a certificate may contain."""

from __future__ import annotations

import pytest

from milvus_secure.certs.issuing.subject import Subject
from milvus_secure.certs.issuing.subject_alt_names import identifiers
from milvus_secure.errors import CertificateError


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "milvus.example.com",
        "*.milvus.example.com",
        "milvus_standalone",
        "a" * 63,
        "xn--mnchen-3ya.example",
        "milvus-0.milvus.svc.cluster.local",
        "9milvus",
    ],
)
def test_a_name_that_clients_dial_is_accepted(name):
    assert identifiers([name]).dns == (name,)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("https://milvus.example.com:19530", "URL"),
        ("milvus/db", "URL or a path"),
        ("milvus.example.com:19530", "port"),
        ("[::1]", "brackets"),
        ("a b", "blank"),
        ("a.example,b.example", "comma"),
        ("a.example; b.example", "semicolon"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("milvus.example.com.", "dot"),
        ("a" * 64, "63"),
        (".".join(["a" * 60] * 5), "253"),
        ("a..b", "empty label"),
        ("-a.example", "label"),
        ("*", "two labels"),
        ("*.local", "two labels"),
        ("a.*.example.com", "wildcard"),
        ("m*.example.com", "wildcard"),
        ("1.2.3.256", "IP address"),
        ("fe80::1%eth0", "port or brackets"),
        ("a\nb", "blank"),
    ],
)
def test_a_name_that_no_certificate_may_contain_is_refused_with_the_cause(name, why):
    with pytest.raises(CertificateError, match=why):
        identifiers([name])


def test_an_address_among_the_names_becomes_an_address():
    assert identifiers(["127.0.0.1", "localhost"], ["::1"]).texts == (
        "localhost",
        "127.0.0.1",
        "::1",
    )


def test_a_host_name_among_the_addresses_is_refused():
    with pytest.raises(CertificateError, match="not an IP address"):
        identifiers([], ["localhost"])


@pytest.mark.parametrize(
    "part",
    [
        {"country": "Germany"},
        {"country": "1a"},
        {"organization": "x" * 65},
        {"state": ""},
        {"location": "a\x00b"},
        {"common_name": "x" * 65},
        {"organization": 5},
    ],
)
def test_a_subject_that_no_certificate_may_contain_is_refused(part):
    with pytest.raises(CertificateError):
        Subject(**part)
