"""What the tests of chains begin with."""

from __future__ import annotations

import pytest

from minting import Minted, mint


@pytest.fixture
def root() -> Minted:
    return mint("root", which=1)
