"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import minting
from milvus_secure.client.settings import MilvusSettings

if TYPE_CHECKING:
    from milvus_endpoint import Endpoint

pytest_plugins = (
    "certificate_judges",
    "material_findings",
    "memory_directory",
    "real_milvus",
    "server_configurations",
)


def pytest_xdist_auto_num_workers() -> int:
    """Tests wait for sockets and processes: two workers a processor finish sooner than one."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)  # before the hook that puts the tests of the real server last
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Mix the folders: the tests of some wait, those of others compute."""
    modules: dict[str, dict[Path, None]] = defaultdict(dict)
    for item in items:
        modules[item.nodeid.split("/")[1]][item.path] = None
    places = {
        path: place / len(paths) for paths in modules.values() for place, path in enumerate(paths)
    }
    items.sort(key=lambda item: places[item.path])
    return (yield)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test after the beginning of a long value."""
    if isinstance(val, str | bytes) and len(val) > 80:
        text = val if isinstance(val, str) else val.decode("latin-1")
        return f"{text[:40]}... {len(text)} long"
    return None


@pytest.fixture(scope="session")
def trio() -> minting.Trio:
    """A healthy CA, server and client."""
    return minting.trio()


@pytest.fixture
def ca() -> minting.Minted:
    """A CA to issue a test's own certificates."""
    return minting.mint("test CA", which=1)


@pytest.fixture
def certs(trio: minting.Trio, tmp_path: Path) -> Path:
    """A folder with a healthy ca.pem, server.pem, server.key, client.pem and client.key."""
    return trio.write(tmp_path / "certs")


@pytest.fixture
def client_pair(certs: Path) -> dict[str, Path]:
    """The settings of the client's certificate and key in `certs`."""
    return {"client_pem_path": certs / "client.pem", "client_key_path": certs / "client.key"}


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., MilvusSettings]:
    """Make settings from arguments alone, without the process's environment and .env."""

    def make(**values: object) -> MilvusSettings:
        values.setdefault("environ", {})
        return MilvusSettings(env_file=None, cwd=tmp_path, **values)

    return make


@pytest.fixture
def one_way(trio: minting.Trio) -> Iterator[Endpoint]:
    """An endpoint that answers Connect over one-way TLS."""
    from milvus_endpoint import milvus_endpoint  # noqa: PLC0415 - loads gRPC and pymilvus

    with milvus_endpoint(trio.server) as endpoint:
        yield endpoint


@pytest.fixture
def mutual(trio: minting.Trio) -> Iterator[Endpoint]:
    """An endpoint that requires a client certificate."""
    from milvus_endpoint import milvus_endpoint  # noqa: PLC0415

    with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
        yield endpoint


@pytest.fixture
def foreign_ca(tmp_path: Path) -> Path:
    """A CA that issued nothing here."""
    path = tmp_path / "foreign-ca.pem"
    path.write_bytes(minting.mint("foreign CA", which=9).pem)
    return path
