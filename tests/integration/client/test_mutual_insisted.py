"""Mutual TLS that is insisted on is had, or the connection is refused."""

from __future__ import annotations

import pytest

from milvus_secure import SecureConnectionError, connect_secure, connect_secure_async


@pytest.fixture
def settings_for(settings, client_pair, certs):
    def make(uri: str, **values):
        return settings(uri=uri, ca_pem_path=certs / "ca.pem", timeout=10, **client_pair, **values)

    return make


def test_a_server_that_never_asks_is_refused(one_way, settings_for):
    with pytest.raises(SecureConnectionError, match="client-certificate-not-requested") as caught:
        connect_secure(settings_for(one_way.uri, tls_mode="mutual"))
    assert caught.value.report.root_cause.setting == "tls_mode"


async def test_so_it_is_without_blocking(one_way, settings_for):
    with pytest.raises(SecureConnectionError, match="client-certificate-not-requested"):
        await connect_secure_async(settings_for(one_way.uri, tls_mode="mutual"))


async def test_a_server_that_asks_is_connected_to(mutual, settings_for):
    connect_secure(settings_for(mutual.uri, tls_mode="mutual")).close()
    client = await connect_secure_async(settings_for(mutual.uri, tls_mode="mutual"))
    await client.close()


def test_a_pair_alone_insists_on_nothing(one_way, settings_for):
    connect_secure(settings_for(one_way.uri)).close()
