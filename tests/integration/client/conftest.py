"""Fixtures for the tests of clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure import CertificateSet


@pytest.fixture
def certificates(tmp_path: Path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "certs")
