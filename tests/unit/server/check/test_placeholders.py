"""Placeholders in a manifest are distinguished from real files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from milvus_secure.server.check.kubernetes.placeholders import is_placeholder, looks_left_out

BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0",
        b"<server.pem>",
        b"REPLACE_ME",
        BEGIN + b"\nAAAA\n" + END,
        BEGIN + b"\n" + END,
        BEGIN + b"\nchange to your own certificate\n" + END,
        BEGIN + b"\nMIIDdzCCAl+gAwIBAgIEbGzVnzANBgkqhkiG9w0BAQsFADBs\n...\n" + END,
    ],
)
def test_a_value_that_names_its_own_absence_is_a_placeholder(content: bytes):
    assert is_placeholder(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        BEGIN + b" AAAA " + END,
        b"x" * 200,
        b"\x30\x2e" + b"\0" * 46,
        BEGIN + b"\n" + base64.encodebytes(b"\x30" * 300) + END,
        BEGIN + b"\n" + base64.encodebytes(b"\x30" * 300)[:-9] + b"\n" + END,
    ],
    ids=["empty", "blank", "one line", "long text", "DER", "whole", "cut off"],
)
def test_a_faulty_file_is_no_placeholder(content: bytes):
    assert not is_placeholder(content)


@pytest.mark.parametrize("name", ["server.pem", "server.key", "ca.pem", "client.key"])
def test_a_real_file_is_no_placeholder(certs: Path, name: str):
    assert not is_placeholder((certs / name).read_bytes())


def test_only_a_short_text_counts_as_left_out():
    assert looks_left_out("<base64 of server.pem>")
    assert looks_left_out("LS0tLS1CRUdJTiBDR--REDUCT")
    assert not looks_left_out("-----BEGIN ... -----")
    assert not looks_left_out("LS0tLS1CRUdJ TiBDRVJU")
