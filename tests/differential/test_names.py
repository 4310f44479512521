"""Every verdict on a name agrees with a handshake of the installed grpcio: no disagreement."""

from __future__ import annotations

import ipaddress
import random
import re

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

import minting
from grpc_peer import verdict
from milvus_secure._common.versions import installed_grpc
from milvus_secure.verification.hostname import (
    accepts,
    generation,
    matches,
    presented,
)

LABELS = ("db", "milvus", "a", "xn--bcher-kva", "under_score", "-odd-", "x" * 63, "1", "127", "*")
ZONES = ("example.com", "local", "com", "svc.cluster.local", "xn--p1ai", "10", "example.com.")
ADDRESSES = (
    "127.0.0.1",
    "10.0.0.7",
    "::1",
    "fe80::1",
    "2001:db8::7",
    "::ffff:10.0.0.7",
    "::10.0.0.7",
)
ODD = (
    "*",
    "*.",
    "**",
    "*.*",
    "*.com",
    "*.local",
    "*.a.*",
    "f*.example.com",
    "*b.example.com",
    "db.*.com",
    "*.*.example.com",
    "*.xn--p1ai",
    "*.1.1.1",
    "*.0.0.1",
    "localhost",
    "localhost.",
    "127.0.0.1.",
    "127.0.0",
    "1.2.3.4.5",
    "999.999.999.999",
    "01234.0.0.1",
    "2130706433",
    "0x7f.1",
    ".",
    "..",
    ".example.com",
    "example.com",
    "db..example.com",
    "a b",
    "d" * 64,
    "x." * 120 + "y",
    "uri:urn:milvus",
    "uri:spiffe://example.com/db",
    "10.0.0.7:19530",
    "[::1]",
    "fe80::1%lo",
)
REFERENCES_ONLY = (
    "bücher.example.com",
    "0:0:0:0:0:0:0:1",
    "::FFFF:10.0.0.7",
    "FE80::1",
    "[::1]:19530",
    "[10.0.0.7]",
    "db.example.com:19530",
    "urn:milvus",
    "x" * 255,
    "x" * 256,
    "[::1",
    "*.example.com",
)


def _name(rng: random.Random) -> str:
    shape = rng.random()
    if shape < 0.2:
        return rng.choice(ADDRESSES)
    if shape < 0.4:
        return rng.choice(ODD)
    labels = [rng.choice(LABELS) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
    name = ".".join([*labels, rng.choice(ZONES)])
    fold = rng.random()
    return name.upper() if fold < 0.1 else name.title() if fold < 0.2 else name


def _related(rng: random.Random, name: str) -> str:
    """A reference that is likely to be similar to a presented name."""
    name = name.removeprefix("uri:")
    change = rng.randrange(9)
    rest = name.partition(".")[2]
    return (
        name,
        name,
        name.upper(),
        name + ".",
        name.removesuffix("."),
        f"db.{rest}",
        f"db.{name}",
        name.replace("*", "db"),
        rest or name,
    )[change]


def _pair(rng: random.Random, ca: minting.Minted) -> tuple[minting.Minted, str]:
    sans = [_name(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]
    names = [_name(rng)[:64] for _ in range(rng.choice((0, 1, 1, 2)))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n) for n in names])
    server = minting.mint(subject=subject, sans=sans, issuer=ca, usages=[minting.SERVER])
    if rng.random() < 0.15:
        return server, rng.choice(REFERENCES_ONLY)
    if rng.random() < 0.1 or not sans + names:
        return server, _name(rng).removeprefix("uri:")
    return server, _related(rng, rng.choice(sans + names)) or "."


def _disagreements(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    ca = minting.mint("names CA", which=1)
    rules = generation(installed_grpc())
    disagreements = []
    for _ in range(count):
        server, reference = _pair(rng, ca)
        identifiers = presented(server.certificate)
        real = verdict(server.chain_pem, server.key_pem, ca.pem, reference)
        if matches(identifiers, reference, rules) is not real.accepted:
            disagreements.append(f"{reference!r} against {identifiers}: gRPC says {real}")
    return disagreements


@pytest.mark.parametrize("seed", range(2))
def test_a_few_hundred_random_pairs_are_judged_as_grpc_judges_them(seed):
    assert _disagreements(seed, 100) == []


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 108))
def test_thousands_of_random_pairs_are_judged_as_grpc_judges_them(seed):
    assert _disagreements(seed, 600) == []


def _uri_disagreements(seed: int, count: int) -> list[str]:
    """The hosts of URIs, which gRPC compares again in every call."""
    rng = random.Random(seed)
    ca = minting.mint("names CA", which=1)
    rules = generation(installed_grpc())
    disagreements = []
    for _ in range(count):
        server, reference = _pair(rng, ca)
        if not re.fullmatch(r"[\w.:-]+", reference, re.ASCII) or "_" in reference:
            continue  # no host of a URI
        names = presented(server.certificate)
        real = verdict(server.chain_pem, server.key_pem, ca.pem, authority=reference)
        if accepts(names, reference, rules, overridden=False) is not real.accepted:
            disagreements.append(f"{reference!r} against {names}: gRPC says {real}")
    return disagreements


@pytest.mark.parametrize("seed", range(2))
def test_a_few_hundred_hosts_of_uris_are_judged_as_grpc_judges_calls(seed):
    assert _uri_disagreements(seed, 100) == []


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 108))
def test_thousands_of_hosts_of_uris_are_judged_as_grpc_judges_calls(seed):
    assert _uri_disagreements(seed, 600) == []


def _judged_alike(server: minting.Minted, ca: minting.Minted, reference: str) -> None:
    ours = matches(presented(server.certificate), reference, generation(installed_grpc()))
    assert ours is verdict(server.chain_pem, server.key_pem, ca.pem, reference).accepted


@pytest.mark.skipif(
    installed_grpc() < (1, 82), reason="gRPC before 1.82 aborts the process at such an address"
)
@pytest.mark.parametrize("reference", ["milvus", "10.0.0.0", "10.0.0.0/8"])
def test_an_address_of_eight_bytes_is_judged_as_grpc_judges_it(reference):
    ca = minting.mint("names CA", which=1)
    network = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    odd = x509.SubjectAlternativeName([x509.DNSName("milvus"), network])
    _judged_alike(minting.mint("milvus", issuer=ca, ca=False, extra=[(odd, False)]), ca, reference)


@pytest.mark.parametrize("kind", [x509.RFC822Name("a@milvus"), x509.RegisteredID(NameOID.TITLE)])
@pytest.mark.parametrize("reference", ["milvus", "a@milvus"])
def test_an_alternative_of_another_type_is_judged_as_grpc_judges_it(kind, reference):
    ca = minting.mint("names CA", which=1)
    odd = x509.SubjectAlternativeName([kind])
    _judged_alike(minting.mint("milvus", issuer=ca, ca=False, extra=[(odd, False)]), ca, reference)


@pytest.mark.parametrize(("cn", "san"), [("db\0x", "10.0.0.7"), ("x", "db\0x"), ("x", "uri:db\0x")])
@pytest.mark.parametrize("reference", ["db", "dbx"])
def test_a_name_with_a_nul_is_judged_as_grpc_judges_it(cn, san, reference):
    ca = minting.mint("names CA", which=1)
    _judged_alike(minting.mint(cn, sans=[san], issuer=ca, ca=False), ca, reference)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "other"])
def test_the_host_itself_is_judged_as_a_server_name_is(host, name):
    ca = minting.mint("names CA", which=1)
    server = minting.mint("x", sans=[name], issuer=ca, usages=[minting.SERVER])
    names, rules = presented(server.certificate), generation(installed_grpc())
    real = verdict(server.chain_pem, server.key_pem, ca.pem, host=host)
    assert accepts(names, host, rules, overridden=False) is real.accepted


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["10.0.0.7", "uri:urn:x", None])
def test_a_common_name_as_the_host_is_judged_in_the_handshake_and_in_each_call(host, kind):
    ca = minting.mint("names CA", which=1)
    server = minting.mint(host, sans=[kind] if kind else (), issuer=ca, ca=False)
    names, rules = presented(server.certificate), generation(installed_grpc())
    for name in (None, host):
        real = verdict(server.chain_pem, server.key_pem, ca.pem, name, host=host)
        assert accepts(names, host, rules, overridden=name is not None) is real.accepted
