"""A server may repeat secrets, completely, in parts or escaped: none is shown."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import grpc
import pytest

import impostors
from milvus_secure import check
from milvus_secure.settings.masking import masked

TOKEN = 'alice:p@ss "w\u00f6rd" <9f&1>'
PASSWORD = TOKEN.partition(":")[2]

ECHOES = {
    "the token": TOKEN,
    "its password": PASSWORD,
    "percent-encoded": quote(TOKEN, safe=""),
    "the password percent-encoded": quote(PASSWORD, safe=""),
    "as JSON": json.dumps(TOKEN),
    "as HTML": html.escape(TOKEN),
    "as Python writes it": repr(TOKEN),
    "as ASCII": ascii(TOKEN),
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "base64 without padding": base64.b64encode(TOKEN.encode()).decode().rstrip("="),
    "base64 of the password": base64.urlsafe_b64encode(PASSWORD.encode()).decode(),
    "hexadecimal": TOKEN.encode().hex(),
    "the token cut off": TOKEN[:-3],
    "the header cut off": base64.b64encode(TOKEN.encode()).decode()[:-5],
}


@pytest.fixture
def masked_settings(settings):
    return settings(uri="https://localhost:1", token=TOKEN)


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_an_echoed_token_is_masked(masked_settings, echo):
    shown = masked(f"invalid credentials: {echo}", masked_settings)
    assert shown.startswith("invalid credentials: ")
    assert "9f" not in shown
    assert echo[4:12] not in shown


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_no_report_shows_what_a_milvus_repeats(trio, settings, certs, echo):
    answer = impostors.status(code=1400, reason=f"no such user: {echo}")
    with impostors.grpc_server(trio.server, answer=answer) as port:
        masked_settings = settings(
            uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", token=TOKEN
        )
        report = check(masked_settings)
    assert report.root_cause.code == "authentication-failed"
    assert echo[4:12] not in str(report) + report.to_json()


def test_no_report_shows_what_a_grpc_status_repeats(trio, settings, certs):
    answer = impostors.aborting(grpc.StatusCode.UNAUTHENTICATED, f"bad password hunter2-{9}")
    with impostors.grpc_server(trio.server, answer=answer) as port:
        report = check(
            settings(
                uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", token="me:hunter2-9"
            )
        )
    assert "hunter2" not in str(report) + report.to_json()


def test_the_default_password_does_not_hide_the_word_milvus(settings):
    masked_settings = settings(uri="https://localhost:1", token="root:Milvus")
    assert masked("Milvus Proxy is not ready", masked_settings) == "Milvus Proxy is not ready"
    assert "root:Milvus" not in masked("who is root:Milvus?", masked_settings)
