"""Fixtures for embedded servers, and real clients that connect to them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymilvus import MilvusClient

from milvus_secure.server.embedded.server import EmbeddedMilvus


@pytest.fixture
def server_pair(certs: Path) -> dict[str, Path]:
    """The arguments every server needs."""
    return {"server_pem_path": certs / "server.pem", "server_key_path": certs / "server.key"}


@pytest.fixture
def connect(settings, certs: Path) -> Iterator[Callable[..., MilvusClient]]:
    """Connect a real client that trusts the CA of `certs`."""
    clients = []

    def connected(server: EmbeddedMilvus, **values: object) -> MilvusClient:
        values.setdefault("ca_pem_path", certs / "ca.pem")
        kwargs = settings(uri=server.uri, **values).client_kwargs()
        clients.append(MilvusClient(**kwargs))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def run_script() -> Callable[[str], str]:
    """Run a script in a separate Python; returns what it printed."""

    def printed(script: str) -> str:
        completed = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
        )
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    return printed
