"""PEM blocks: a file as programs write it is read in one step, and read as any other is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import minting
from milvus_secure.pem import blocks
from milvus_secure.pem.blocks import read_armor


def armor(label: str, body: bytes, *, width: int = 64, end: bytes = b"\n") -> bytes:
    text = base64.b64encode(body)
    rows = [text[at : at + width] for at in range(0, len(text), width)]
    edges = f"-----BEGIN {label}-----".encode(), f"-----END {label}-----".encode()
    return end.join([edges[0], *rows, edges[1], b""])


ARMORS = st.builds(
    armor,
    st.sampled_from(["CERTIFICATE", "PRIVATE KEY", "X509 CRL"]),
    st.binary(max_size=200),
    width=st.sampled_from([64, 64, 64, 60, 76, 300]),
    end=st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"]),
)
ODD = st.sampled_from([b"", b"", b"", b"\n", b"a comment\n", b" ", b"=", b"-----BEGIN X-----\n"])


@st.composite
def files(draw) -> bytes:
    data = b"".join(draw(st.lists(st.one_of(ARMORS, ODD), max_size=6)))
    if data and draw(st.booleans()):
        at = draw(st.integers(0, len(data) - 1))
        data = data[:at] + draw(st.sampled_from([b"", b"\n", b"=", b"*", b"A"])) + data[at + 1 :]
    return data


@given(files())
@hypothesis_settings(max_examples=100, deadline=None)
def test_both_ways_to_read_a_file_find_the_same(data):
    regular = blocks._regular_armors(data)
    assert regular is None or regular == list(blocks._any_armors(data))


def test_a_chain_as_programs_write_it_is_read_in_one_step():
    leaf, ca = minting.mint("leaf"), minting.mint("CA", which=1)
    armors = blocks._regular_armors(leaf.pem + leaf.key_pem + ca.pem)
    assert [armor.label for armor in armors] == ["CERTIFICATE", "PRIVATE KEY", "CERTIFICATE"]
    assert [armor.line for armor in armors] == [
        1,
        1 + leaf.pem.count(b"\n"),
        1 + (leaf.pem + leaf.key_pem).count(b"\n"),
    ]


@pytest.mark.parametrize("body", [b"AAA", b"A", b"A===", b"=AAA"], ids=lambda body: body.decode())
def test_damaged_base64_is_a_broken_block(body):
    [block] = read_armor(b"-----BEGIN CERTIFICATE-----\n" + body + b"\n-----END CERTIFICATE-----\n")
    assert "base64" in block.error
