"""The address that pymilvus dials for a URI."""

from __future__ import annotations

import pytest

from milvus_secure._common.endpoint import parse_endpoint


@pytest.mark.parametrize(
    "uri", ["https://h", "http://h", "tcp://h", "https://h:7", "https://u:p@h"]
)
def test_pymilvus_dials_the_same(uri):
    manager = pytest.importorskip(
        "pymilvus.client.connection_manager",
        reason="pymilvus before 2.6 has no ConnectionConfig",
    )
    assert manager.ConnectionConfig.from_uri(uri).address == parse_endpoint(uri).address


@pytest.mark.trips("ipv6-literal")
def test_pymilvus_drops_the_brackets_of_an_ipv6_literal():
    manager = pytest.importorskip(
        "pymilvus.client.connection_manager",
        reason="pymilvus before 2.6 has no ConnectionConfig",
    )
    assert manager.ConnectionConfig.from_uri("https://[::1]:19530").address == "::1:19530"
