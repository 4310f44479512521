"""Which values of its variables pymilvus can read, judged by pymilvus itself."""

from __future__ import annotations

import pytest
from pymilvus import connections

from milvus_secure.settings.pymilvus_variables import TIMEOUT, readable, reason_not_read

URIS = [
    "https://host:19530",
    "http://host",
    "tcp://10.96.0.12:19530",
    "https://user:password@host:19530/database",
    "HTTPS://HOST:19530",
    "//host:19530",
    "https://host:19530/path?query#fragment",
    "https://:19530",
    "https://host:0",
    "https://host:65534",
    "https://host:65535",
    "https://host:65536",
    "https://host:-1",
    "https://host:",
    "https://host:port",
    "https://host:19530 ",
    " https://host:19530",
    "https://host :19530",
    "https://host:19530\r",
    "https://host:19530\n",
    '"https://host:19530"',
    "'https://host:19530'",
    "https://[::1]:19530",
    "https://[::1",
    "[::1]:19530",
    "host:19530",
    "host",
    "./milvus.db",
    "/data/milvus.db",
    "file:///data/milvus.db",
    "unix:///run/milvus.sock",
    "unix:/run/milvus.sock",
    "https://",
    "https:host",
    " ",
    "\u2100://host",
    "https://ho\u2100st:19530",
]


def pymilvus_reads(uri: str) -> bool:
    try:
        connections._Connections__parse_address_from_uri(uri)
    except Exception:  # noqa: BLE001 - it raises several kinds
        return False
    return True


@pytest.mark.parametrize("uri", URIS)
def test_a_uri_is_judged_as_pymilvus_judges_it(uri):
    assert (not reason_not_read("MILVUS_URI", uri)) is pymilvus_reads(uri)


@pytest.mark.parametrize("uri", URIS)
def test_the_replacement_of_a_uri_can_be_read(uri):
    text = readable("MILVUS_URI", uri)
    assert text == "" or pymilvus_reads(text)


def test_an_empty_uri_counts_as_not_set():
    assert reason_not_read("MILVUS_URI", "") == ""


@pytest.mark.parametrize("text", ["10", " 10 ", "1e1", "inf", "nan", "1_0"])
def test_a_timeout_that_python_reads_as_a_number_is_kept(text):
    assert readable(TIMEOUT, text) == text


@pytest.mark.parametrize(("text", "left"), [("10s", "10.0"), ("", "10.0"), ('"5"', "5")])
def test_any_other_timeout_is_replaced_by_a_readable_one(text, left):
    assert readable(TIMEOUT, text) == left
