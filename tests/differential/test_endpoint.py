"""The address, the credentials and the database that pymilvus takes from a URI."""

from __future__ import annotations

import pytest

from milvus_secure._common.endpoint import parse_endpoint, parse_uri


@pytest.fixture(scope="module")
def from_uri():
    """pymilvus's own parser."""
    manager = pytest.importorskip(
        "pymilvus.client.connection_manager",
        reason="pymilvus before 2.6 has no ConnectionConfig",
    )
    return manager.ConnectionConfig.from_uri


@pytest.mark.parametrize(
    "uri", ["https://h", "http://h", "tcp://h", "https://h:7", "https://u:p@h"]
)
def test_pymilvus_dials_the_same(from_uri, uri):
    assert from_uri(uri).address == parse_endpoint(uri).address


@pytest.mark.trips("ipv6-literal")
def test_pymilvus_drops_the_brackets_of_an_ipv6_literal(from_uri):
    assert from_uri("https://[::1]:19530").address == "::1:19530"


@pytest.mark.parametrize(
    "uri",
    [
        "https://u:p@h:1/db",
        "https://u:p%40q@h",
        "https://u:p:q@h",
        "https://tok@h/a/b",
    ],
)
def test_pymilvus_takes_the_same_credentials_and_database(from_uri, uri):
    theirs, parsed = from_uri(uri), parse_uri(uri)
    assert theirs.token == ":".join(filter(None, [parsed.user, parsed.password]))
    assert theirs.db_name == parsed.db_name
