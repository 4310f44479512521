"""Parsing a URI."""

from __future__ import annotations

import pytest

from milvus_secure._common.endpoint import mask_uri, parse_endpoint, parse_uri, uri_of


class TestAddress:
    @pytest.mark.parametrize(
        ("uri", "address", "port_given"),
        [
            ("https://h:19530", "h:19530", True),
            ("https://h", "h:443", False),
            ("HTTPS://H", "h:443", False),
            ("http://h", "h:19530", False),
            ("tcp://h", "h:19530", False),
            ("https://u:p@h:1/db?x=y", "h:1", True),
            ("https://[::1]:19530", "[::1]:19530", True),
        ],
    )
    def test_host_and_port(self, uri, address, port_given):
        endpoint = parse_endpoint(uri)
        assert (endpoint.address, endpoint.port_given) == (address, port_given)

    @pytest.mark.parametrize(
        ("uri", "why"),
        [
            ("", "start with"),
            ("localhost:19530", "start with"),
            ("ftp://h", "start with"),
            ("./milvus.db", "start with"),
            ("https:/h", "start with"),
            ("https://", "host"),
            ("https://:1", "host"),
            ("https://h:0", "port"),
            ("https://h:65536", "port"),
            ("https://h:x", "port"),
            ("https://[::1", "not a URI"),
            ("https://h h", "blank"),
            ("https://h\n:1", "blank"),
            ("https://\0", "control"),
            ("https://root:1/x@h:2", "password"),
            ("https://root:p#x@h:2", "password"),
            ("https://root:1?x@h", "password"),
        ],
    )
    def test_a_uri_that_cannot_be_dialled_is_refused_with_the_reason(self, uri, why):
        with pytest.raises(ValueError, match=why):
            parse_endpoint(uri)


class TestSplit:
    @pytest.mark.parametrize(
        ("uri", "bare", "user", "password", "db_name"),
        [
            ("https://h:1", "https://h:1", "", "", ""),
            ("https://h:1/", "https://h:1", "", "", ""),
            ("https://u:p@h:1/db/more", "https://h:1", "u", "p", "db"),
            ("https://u@h", "https://h", "u", "", ""),
            ("https://u:p:q@h", "https://h", "u", "p:q", ""),
            ("https://u:p@q@h", "https://h", "u", "p@q", ""),
            ("https://h/?token=x#y", "https://h", "", "", ""),
            ("not a uri", "not a uri", "", "", ""),
        ],
    )
    def test_parts(self, uri, bare, user, password, db_name):
        parsed = parse_uri(uri)
        assert (parsed.bare, parsed.user) == (bare, user)
        assert (parsed.password, parsed.db_name) == (password, db_name)

    def test_a_uri_that_cannot_be_dialled_keeps_its_text_and_a_reason(self):
        parsed = parse_uri("not a uri")
        assert (parsed.endpoint, parsed.fault) == (
            None,
            "it contains a blank or a control character",
        )


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("https://h:1", "https://h:1"),
        ("https://u:p@h:1/db", "https://***@h:1/db"),
        ("u:p@h", "***@h"),
        ("http:/u:p//x@h", "***@h"),
        ("https://u:p@x@h", "https://***@h"),
        ("https://u:p\n@h", "https://***@h"),
    ],
)
def test_masking_hides_all_before_the_last_at(uri, masked):
    assert mask_uri(uri) == masked


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://host:19530", "https://host:19530"),
        ("https://host", "https://host"),
        ("http://host:19530", "http://host:19530"),
        ("host", "https://host:19530"),
        ("host:443", "https://host:443"),
        (" host:443\n", "https://host:443"),
        ("10.0.0.5", "https://10.0.0.5:19530"),
        ("10.0.0.5:1", "https://10.0.0.5:1"),
        ("::1", "https://[::1]:19530"),
        ("[::1]", "https://[::1]:19530"),
        ("[::1]:1", "https://[::1]:1"),
        ("milvus.db", "milvus.db"),
        ("./milvus.db", "./milvus.db"),
        ("user:password@host:1", "user:password@host:1"),
        ("host:port", "host:port"),
        ("host:1/db", "host:1/db"),
        ("", ""),
    ],
)
def test_an_endpoint_as_people_name_it_means_tls(text, uri):
    assert uri_of(text) == uri
