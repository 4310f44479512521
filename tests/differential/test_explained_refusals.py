"""`explain` recognizes the messages with which the installed gRPC refuses a server."""

from __future__ import annotations

import re

import pytest

import grpc_peer
from milvus_secure import explain
from milvus_secure._common.versions import installed_grpc
from minting import CLIENT, SERVER, Minted, mint, server
from odd_chains import UNKNOWN, constraints, key_usage
from odd_chains import mint as mint_odd
from odd_encodings import ODD_EXTENSIONS

pytestmark = pytest.mark.skipif(
    installed_grpc() < (1, 78), reason="before 1.78, gRPC gives fewer details"
)


def words(leaf: Minted, ca: Minted, **more: str) -> str:
    refused = grpc_peer.verdict(leaf.chain_pem, leaf.key_pem, ca.pem, **more)
    assert not refused.accepted
    return refused.details


def explained_code(text: str) -> str:
    return re.match(r"(?:Most likely )?([a-z0-9-]+)", explain(RuntimeError(text)))[1]


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"usages": [CLIENT]}, "usage-not-server"),
        ({"key_usage": key_usage("key_encipherment")}, "usage-not-server"),
        ({"extra": [(UNKNOWN, True)]}, "usage-not-server"),
        (ODD_EXTENSIONS["cA FALSE with a path length"], "certificate-malformed"),
        (ODD_EXTENSIONS["keyUsage that is none"], "certificate-malformed"),
        (ODD_EXTENSIONS["policies that are none"], "certificate-malformed"),
        ({"sans": ["other.example"]}, "name-mismatch"),
    ],
)
def test_a_refused_leaf(ca, odd, code):
    assert explained_code(words(server(ca, **odd), ca, name="localhost")) == code


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"ca": False}, "issuer-not-ca"),
        ({"ca": True, "extra": [constraints(["example.org"])]}, "name-constraint"),
        ({"ca": True, "extra": [constraints([], ["localhost"])]}, "name-constraint"),
    ],
)
def test_a_refused_issuer(ca, odd, code):
    middle = mint("middle", issuer=ca, which=4, **odd)
    assert explained_code(words(server(middle), ca, name="localhost")) == code


def test_a_path_that_is_too_long(ca):
    upper = mint("upper", issuer=ca, ca=True, path_length=0, which=4)
    lower = mint("lower", issuer=upper, ca=True, which=5)
    assert explained_code(words(server(lower), ca, name="localhost")) == "issuer-not-ca"


def test_a_call_whose_host_does_not_match(ca):
    leaf = mint("127.0.0.1", issuer=ca, ca=False, usages=[SERVER], which=2)
    assert explained_code(words(leaf, ca)) == "name-mismatch"


def test_an_issuer_of_the_right_name_with_another_key():
    old, new = (mint("test CA", which=n, identifiers=False) for n in (1, 5))
    text = words(server(old, identifiers=False), new, name="localhost")
    assert explained_code(text) == "issuer-key-mismatch"


def test_a_hash_that_grpc_does_not_verify():
    root = mint("RSA CA", kind="rsa2048")
    leaf = mint_odd(
        "server", sans=["localhost"], issuer=root, usages=[SERVER], ca=False, broken_hash="md5"
    )
    assert explained_code(words(leaf, root, name="localhost")) == "weak-signature"
