"""Hostile chains cost little work. The tests count operations, never time."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

import minting
from milvus_secure.pem import lenient
from milvus_secure.pem.certificate import issued, signature_is_wrong
from milvus_secure.verification import constraints, openssl_verdict
from milvus_secure.verification.path import Role, Verdict, judge_path
from minting import Minted, mint, server

NOW = dt.datetime.now(dt.timezone.utc)


def hosts(count: int) -> list[str]:
    return [f"host{number}.example" for number in range(count)]


def permitted(count: int) -> tuple[x509.NameConstraints, bool]:
    return x509.NameConstraints([x509.DNSName(host) for host in hosts(count)], None), True


def judge(leaf: Minted, *rest: Minted, anchor: Minted) -> Verdict:
    chain = [leaf.certificate, *(minted.certificate for minted in rest)]
    return judge_path(chain, [anchor.certificate], NOW, Role.SERVER)


@pytest.fixture
def look_ups(monkeypatch) -> list[str]:
    """The names that were looked up among constraints."""
    names: list[str] = []
    real = constraints._is_within

    def counted(name, trees):
        names.append(name)
        return real(name, trees)

    monkeypatch.setattr(constraints, "_is_within", counted)
    return names


def test_a_name_is_looked_up_once_however_many_constraints_there_are(look_ups, root):
    middle = mint("middle", issuer=root, ca=True, which=4, extra=[permitted(1000)])
    leaf = server(middle, sans=hosts(1000))
    assert judge(leaf, middle, anchor=root).accepted
    assert len(look_ups) <= 2 * 1000


def test_more_comparisons_than_grpc_makes_are_a_refusal_and_not_made_here(look_ups, root):
    middle = mint("middle", issuer=root, ca=True, which=4, extra=[permitted(2000)])
    verdict = judge(server(middle, sans=hosts(1000)), middle, anchor=root)
    assert verdict.failure.code == "name-constraint"
    assert look_ups == []


def test_constraints_of_an_untrusted_chain_are_not_read(look_ups, root):
    unknown = mint("unknown", which=4, extra=[permitted(1000)])
    verdict = judge(server(unknown, sans=hosts(1000)), unknown, anchor=root)
    assert verdict.failure.code == "chain-untrusted"
    assert look_ups == []


def test_a_tower_of_constrained_cas_with_many_names_is_left_to_the_peer(look_ups, root):
    above, between = root, []
    for level in range(30):
        above = mint(
            f"level {level}",
            issuer=above,
            ca=True,
            which=4,
            sans=hosts(40),
            extra=[permitted(40)],
        )
        between.insert(0, above)
    verdict = judge(server(above, sans=hosts(40)), *between, anchor=root)
    assert [part.code for part in verdict.not_judged] == ["name-constraint"]
    assert look_ups == []


def test_an_unreadable_extension_does_not_have_the_whole_certificate_read_again(root, monkeypatch):
    sizes: list[int] = []
    real = lenient.x509.load_der_x509_certificate

    def measured(data):
        sizes.append(len(data))
        return real(data)

    monkeypatch.setattr(lenient.x509, "load_der_x509_certificate", measured)
    bad = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.1"), b"bad")
    subject = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, f"part {n}") for n in range(1000)]
    )
    leaf = server(root, subject=subject, extra=[(bad, False)])
    assert judge(leaf, anchor=root).accepted
    assert sizes
    assert max(sizes) < 400


def test_a_very_long_name_is_cut_in_messages(root):
    leaf = server(
        root,
        subject=x509.Name(
            [x509.NameAttribute(x509.NameOID.COMMON_NAME, f"part {n}") for n in range(1000)]
        ),
        usages=[x509.ExtendedKeyUsageOID.CLIENT_AUTH],
    )
    verdict = judge(leaf, anchor=root)
    assert len(verdict.failure.message) < 600


def key_with_a_long_exponent() -> rsa.RSAPrivateKey:
    """An RSA key that takes a thousand times as long to verify with."""
    usual = rsa.generate_private_key(65537, 2048).private_numbers()
    p, q, phi = usual.p, usual.q, (usual.p - 1) * (usual.q - 1)
    exponent = next(e for e in range(2**2046 + 1, 2**2047, 2) if math.gcd(e, phi) == 1)
    d = pow(exponent, -1, phi)
    public = rsa.RSAPublicNumbers(exponent, p * q)
    private = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return private.private_key(unsafe_skip_rsa_key_validation=True)


def test_nothing_is_verified_with_a_key_that_takes_long(root, monkeypatch):
    monkeypatch.setattr(
        openssl_verdict, "_openssl", lambda *_: pytest.fail("OpenSSL verified the chain")
    )
    slow = key_with_a_long_exponent()
    monkeypatch.setattr(
        minting,
        "key",
        lambda kind, which, real=minting.key: slow if kind == "slow" else real(kind, which),
    )
    upper = mint("upper", issuer=root, ca=True, kind="slow")
    lower = mint("lower", issuer=upper, ca=True, kind="slow")
    verdict = judge(server(lower), lower, upper, anchor=root)
    assert {failure.code for failure in verdict.failures} == {"weak-key"}
    assert not issued(upper.certificate, lower.certificate)
    assert not signature_is_wrong(upper.certificate, lower.certificate)


def test_thousands_of_unknown_extensions_are_counted_not_listed(root):
    extra = [
        (x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.5.{n}"), b"\5\0"), True)
        for n in range(1000)
    ]
    verdict = judge(server(root, extra=extra), anchor=root)
    assert verdict.failure.presented.endswith("and 992 more")


def test_two_cas_that_forbid_one_name_are_distinguished(root):
    def only(host: str) -> tuple[x509.NameConstraints, bool]:
        return x509.NameConstraints([x509.DNSName(host)], None), True

    upper = mint("upper", issuer=root, ca=True, which=4, extra=[only("one.example")])
    lower = mint("lower", issuer=upper, ca=True, which=5, extra=[only("other.example")])
    verdict = judge(server(lower), lower, upper, anchor=root)
    messages = [failure.message for failure in verdict.failures]
    assert len(set(messages)) == len(messages) == 2


def test_a_name_that_a_ca_forbids_is_reported_once_where_it_is_a_CN_too(root):  # noqa: N802 - its name
    subtree = x509.DirectoryName(
        x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "other")])
    )
    limits = x509.NameConstraints([subtree], None), True
    middle = mint("middle", issuer=root, ca=True, which=4, extra=[limits])
    leaf = server(middle, sans=(), common_name="localhost")
    verdict = judge(leaf, middle, anchor=root)
    assert [failure.code for failure in verdict.failures] == ["name-constraint"]
