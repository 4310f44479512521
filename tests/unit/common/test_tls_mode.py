"""Which of the three TLS modes the settings select."""

from __future__ import annotations

import pytest

from milvus_secure._common.tls_mode import TLSMode

PAIR = {"client_pem_path": "c.pem", "client_key_path": "c.key"}


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, TLSMode.ONE_WAY),
        ({"uri": "http://h"}, TLSMode.PLAINTEXT),
        ({"uri": "tcp://h"}, TLSMode.PLAINTEXT),
        ({"uri": "http://h", "secure": True}, TLSMode.ONE_WAY),
        ({"uri": "http://h", "ca_pem_path": "ca.pem"}, TLSMode.ONE_WAY),
        ({"uri": "http://h", "server_pem": "text"}, TLSMode.ONE_WAY),
        ({"uri": "http://h", **PAIR}, TLSMode.MUTUAL),
        ({"client_key": "text"}, TLSMode.MUTUAL),
        ({"secure": False, **PAIR}, TLSMode.PLAINTEXT),
        ({"tls_mode": "one-way", **PAIR}, TLSMode.ONE_WAY),
        ({"tls_mode": 2, "uri": "http://h"}, TLSMode.MUTUAL),
        ({"tls_mode": 0}, TLSMode.PLAINTEXT),
    ],
)
def test_the_mode_follows_from_what_is_given(values, mode, settings):
    assert settings(**values).effective_tls_mode is mode


def test_numbers_are_those_of_milvus_yaml():
    assert [TLSMode.PLAINTEXT.number, TLSMode.ONE_WAY.number, TLSMode.MUTUAL.number] == [0, 1, 2]


def test_auto_has_no_number():
    with pytest.raises(ValueError, match="auto"):
        _ = TLSMode.AUTO.number
