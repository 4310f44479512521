"""Settings as a program loads them, in a folder and environment that the test controls."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure.client.settings import MilvusSettings


@pytest.fixture
def load(tmp_path: Path):
    """Load settings in an empty folder, with only the given environment."""

    def make(environ: dict[str, str] | None = None, **more):
        return MilvusSettings(environ=environ or {}, cwd=tmp_path, **more)

    return make
