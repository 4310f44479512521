"""With tls_mode=mutual the connection uses mutual TLS or is refused."""

from __future__ import annotations

import pytest

from milvus_secure import SecureConnectionError, connect_secure, connect_secure_async


@pytest.fixture
def settings_for(settings, client_pair, certs):
    def make(uri: str, **values):
        return settings(uri=uri, ca_pem_path=certs / "ca.pem", timeout=10, **client_pair, **values)

    return make


def test_a_server_that_never_requests_a_certificate_is_refused(one_way, settings_for):
    with pytest.raises(SecureConnectionError, match="client-certificate-not-requested") as caught:
        connect_secure(settings_for(one_way.uri, tls_mode="mutual"))
    assert caught.value.report.root_cause.setting == "tls_mode"


async def test_the_async_client_refuses_it_too(one_way, settings_for):
    with pytest.raises(SecureConnectionError, match="client-certificate-not-requested"):
        await connect_secure_async(settings_for(one_way.uri, tls_mode="mutual"))


async def test_a_server_that_requests_a_certificate_is_accepted(mutual, settings_for):
    connect_secure(settings_for(mutual.uri, tls_mode="mutual")).close()
    client = await connect_secure_async(settings_for(mutual.uri, tls_mode="mutual"))
    await client.close()


def test_a_client_pair_alone_does_not_require_mutual_tls(one_way, settings_for):
    connect_secure(settings_for(one_way.uri)).close()
