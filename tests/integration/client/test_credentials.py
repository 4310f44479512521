"""Which of several credentials reach the server: a real server reports them."""

from __future__ import annotations

import pytest
from pymilvus import MilvusClient

from milvus_secure import connect_secure
from milvus_secure._common.versions import installed_pymilvus

SOURCES = [  # variables, arguments, who the server sees; {} is the endpoint
    ({"TOKEN": "root:Milvus"}, {"uri": "https://alice:pw@{}"}, "alice:pw"),
    ({"TOKEN": "root:Milvus"}, {"user": "alice", "password": "pw"}, "alice:pw"),
    ({"TOKEN": "root:Milvus"}, {"uri": "https://key@{}"}, "key"),
    ({"TOKEN": "root:Milvus"}, {"user": "alice"}, "root:Milvus"),
    ({"URI": "https://alice:pw@{}"}, {"token": "root:Milvus"}, "root:Milvus"),
    ({"USER": "bob", "PASSWORD": "b"}, {"uri": "https://alice:pw@{}"}, "alice:pw"),
    ({"URI": "https://alice:pw@{}"}, {"user": "bob", "password": "b"}, "bob:b"),
    ({"PASSWORD": "pw"}, {"uri": "https://alice@{}"}, "alice:pw"),
]
ALONE = [  # the same in arguments alone, where pymilvus must agree
    {"uri": "https://alice:pw@{}"},
    {"uri": "https://alice:pw@{}", "token": "root:Milvus"},
    {"uri": "https://alice:pw@{}", "user": "bob", "password": "b"},
    {"uri": "https://alice:pw@{}", "user": "bob"},
    {"uri": "https://{}", "user": "bob", "password": "b", "token": "root:Milvus"},
    {"uri": "https://key@{}"},
]


def filled(values: dict[str, str], port: int) -> dict[str, str]:
    return {name: value.replace("{}", f"localhost:{port}") for name, value in values.items()}


def identity(client: MilvusClient) -> str:
    """The credentials that the server read from the authorization header."""
    try:
        return client.get_server_version().partition("|")[2]
    finally:
        client.close()


@pytest.mark.parametrize(("variables", "arguments", "expected"), SOURCES)
def test_those_of_the_strongest_source_reach_the_server(
    variables, arguments, expected, one_way, certs
):
    environ = {f"MILVUS_{name}": text for name, text in filled(variables, one_way.port).items()}
    values = {"uri": one_way.uri} if "URI" not in variables else {}
    values |= {**filled(arguments, one_way.port), "ca_pem_path": certs / "ca.pem"}
    client = connect_secure(environ=environ, env_file=None, timeout=30, **values)
    assert identity(client) == expected


@pytest.mark.skipif(installed_pymilvus() < (2, 6), reason="older ones take a URI apart otherwise")
@pytest.mark.parametrize("arguments", ALONE)
def test_within_one_source_they_are_those_that_pymilvus_uses(arguments, one_way, certs):
    values = filled(arguments, one_way.port)
    ca = str(certs / "ca.pem")
    theirs = identity(MilvusClient(**values, server_pem_path=ca, secure=True, timeout=30))
    ours = connect_secure(environ={}, env_file=None, ca_pem_path=ca, timeout=30, **values)
    assert identity(ours) == theirs
