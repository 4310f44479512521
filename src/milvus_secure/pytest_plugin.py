"""Fixtures for a user's tests: an embedded Milvus over mutual TLS, and a client connected to it.

pytest loads this module in every run of an environment that has milvus-secure installed (entry
point ``pytest11``), so it imports pytest alone; the rest is loaded by the fixtures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pymilvus import MilvusClient

    from .server.embedded.server import EmbeddedMilvus


@pytest.fixture(scope="session")
def milvus_tls() -> Iterator[EmbeddedMilvus]:
    """A Milvus Lite server over mutual TLS with throw-away certificates, one for the session.

    ``milvus_tls.uri``, ``milvus_tls.settings`` and ``milvus_tls.client_kwargs()`` say how to
    connect. It needs the extra ``milvus-secure[embedded]``.
    """
    from .server.embedded.server import EmbeddedMilvus  # noqa: PLC0415 - for those who use it

    with EmbeddedMilvus() as server:
        yield server


@pytest.fixture
def milvus_tls_client(milvus_tls: EmbeddedMilvus) -> Iterator[MilvusClient]:
    """A ``pymilvus.MilvusClient`` connected to `milvus_tls`.

    All collections of the server's default database are dropped after each test.
    """
    from .client.connect import connect_secure  # noqa: PLC0415 - loads pymilvus

    client = connect_secure(milvus_tls.settings)
    try:
        yield client
    finally:
        client.close()
        # The test may have closed its client, or broken it.
        cleaner = connect_secure(milvus_tls.settings)
        for name in cleaner.list_collections():
            cleaner.drop_collection(name)
        cleaner.close()
