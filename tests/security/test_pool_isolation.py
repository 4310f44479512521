"""A channel with other TLS settings is never reused, on any supported pymilvus."""

from __future__ import annotations

import pytest
from pymilvus import AsyncMilvusClient, MilvusClient, connections

from milvus_secure import SecureConnectionError, connect_secure, connect_secure_async

HERE = {"environ": {}, "env_file": None, "timeout": 3}


@pytest.fixture(params=["foreign CA", "wrong name", "public roots"])
def refused_settings(request, certs, foreign_ca) -> dict[str, object]:
    """Settings this endpoint cannot satisfy."""
    return {
        "foreign CA": {"ca_pem_path": foreign_ca},
        "wrong name": {"ca_pem_path": certs / "ca.pem", "server_name": "other.example"},
        "public roots": {},
    }[request.param]


def test_a_second_client_with_other_settings_is_refused(one_way, certs, refused_settings):
    first = connect_secure(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    with pytest.raises(SecureConnectionError):
        connect_secure(uri=one_way.uri, **refused_settings, **HERE)
    first.close()


async def test_a_second_async_client_with_other_settings_is_refused(
    one_way, certs, refused_settings
):
    first = await connect_secure_async(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE)
    with pytest.raises(SecureConnectionError):
        await connect_secure_async(uri=one_way.uri, **refused_settings, **HERE)
    await first.close()


def test_a_client_made_by_pymilvus_does_not_share_its_channel(one_way, certs, refused_settings):
    first = MilvusClient(uri=one_way.uri, server_pem_path=str(certs / "ca.pem"), timeout=3)
    with pytest.raises(SecureConnectionError):
        connect_secure(uri=one_way.uri, **refused_settings, **HERE)
    first.close()


def test_the_keywords_alone_separate_clients(one_way, certs, foreign_ca, settings):
    good = settings(uri=one_way.uri, ca_pem_path=certs / "ca.pem", timeout=3)
    bad = settings(uri=one_way.uri, ca_pem_path=foreign_ca, timeout=3)
    first = MilvusClient(**good.client_kwargs())
    with pytest.raises(Exception, match="Fail connecting"):
        MilvusClient(**bad.client_kwargs())
    first.close()


def test_two_clients_of_the_same_settings_close_independently(one_way, certs):
    first, second = (
        connect_secure(uri=one_way.uri, ca_pem_path=certs / "ca.pem", **HERE) for _ in range(2)
    )
    first.close()
    # Connect is the one call the endpoint answers.
    second._get_connection()._wait_for_channel_ready(timeout=3)
    second.close()


async def test_the_keywords_fit_the_async_client(one_way, certs, settings):
    loaded = settings(uri=one_way.uri, ca_pem_path=certs / "ca.pem", timeout=3)
    client = AsyncMilvusClient(**loaded.client_kwargs())
    await client.close()


@pytest.mark.filterwarnings("ignore:.*ORM-style")
def test_the_keywords_fit_the_orm(one_way, certs, settings):
    loaded = settings(uri=one_way.uri, ca_pem_path=certs / "ca.pem", timeout=3)
    connections.connect(**{**loaded.client_kwargs(), "alias": "mine"})
    assert connections.has_connection("mine")
    connections.remove_connection("mine")
