"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import minting
from milvus_secure.settings import MilvusSettings

pytest_plugins = ("real_milvus",)


@pytest.fixture(scope="session")
def trio() -> minting.Trio:
    """A healthy CA, server and client."""
    return minting.trio()


@pytest.fixture
def certs(trio: minting.Trio, tmp_path: Path) -> Path:
    """A folder with a healthy ca.pem, server.pem, server.key, client.pem and client.key."""
    return trio.write(tmp_path / "certs")


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., MilvusSettings]:
    """Make settings from arguments alone, deaf to the machine's environment and .env."""

    def make(**values: object) -> MilvusSettings:
        values.setdefault("environ", {})
        return MilvusSettings(env_file=None, cwd=tmp_path, **values)

    return make
