"""Hostile chains cost little: the work is counted here, never the time."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509

from milvus_secure.pem import lenient
from milvus_secure.verification import constraints
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


def test_constraints_of_a_chain_that_nobody_trusts_are_not_looked_at(look_ups, root):
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
