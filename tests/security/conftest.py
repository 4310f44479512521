"""The secrets of `canaries`, in every form that must not appear in any output."""

from __future__ import annotations

import base64

import pytest

import minting
from canaries import KEY_PASSWORD, PASSWORD, TOKEN, USER


@pytest.fixture(scope="module")
def key_pem(trio: minting.Trio) -> str:
    return trio.client.encrypted_key_pem(KEY_PASSWORD).decode()


@pytest.fixture
def canaries(trio: minting.Trio, key_pem: str) -> tuple[str, ...]:
    """Every secret, in every form in which it is sent or stored."""
    secrets = (PASSWORD, TOKEN, f"{USER}:{PASSWORD}")
    return (
        PASSWORD,
        TOKEN,
        KEY_PASSWORD,
        *(base64.b64encode(item.encode()).decode() for item in secrets),
        *key_pem.splitlines()[1:-1],
        *trio.client.key_pem.decode().splitlines()[1:-1],
    )
