"""Fixtures for the tests of chains."""

from __future__ import annotations

import pytest

from minting import Minted, mint


@pytest.fixture
def root() -> Minted:
    return mint("root", which=1)
