"""What people read: the cause first, 80 columns, nothing obeyed that a peer wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milvus_secure._common.text import WIDTH, printable
from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.errors import CertificateError
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.reporting.observation import Observation, Step
from milvus_secure.reporting.render import render_error, render_report, render_summary
from milvus_secure.reporting.report import Finding, Report, Severity, Skip, finding, ranked

MISMATCH = finding(
    "name-mismatch",
    "The server's certificate is for other names than milvus.example.com.",
    "Set server_name=localhost, or reissue the certificate for milvus.example.com.",
    setting="server_name",
    source="env MILVUS_SERVER_NAME",
    origin="endpoint:localhost:19530",
    expected="milvus.example.com",
    presented="DNS:localhost, IP:127.0.0.1",
)
EXPIRING = finding("certificate-expiring", "client.pem expires in 3 days.", "Renew it.")
SHOWN = {"uri": {"value": "https://localhost:19530", "source": "default"}}


def report(*findings: Finding, **more: object) -> Report:
    return Report(TLSMode.ONE_WAY, ranked(list(findings)), settings=SHOWN, **more)


def test_the_first_line_is_the_root_cause():
    first = render_report(report(EXPIRING, MISMATCH)).splitlines()[0]
    assert first.startswith("error: name-mismatch: The server's certificate is for other")


def test_expected_and_presented_stand_in_lines_of_their_own_under_each_other():
    lines = render_report(report(MISMATCH)).splitlines()
    place = lines.index("  expected  milvus.example.com")
    assert lines[place + 1] == "  presented DNS:localhost, IP:127.0.0.1"


def test_a_finding_says_where_its_setting_came_from():
    assert "server_name, from env MILVUS_SERVER_NAME" in render_report(report(MISMATCH))


def test_the_ladder_tells_each_areas_outcome():
    text = render_report(report(MISMATCH, EXPIRING))
    assert "  ok      files\n" in text
    assert "  warning trust              certificate-expiring\n" in text
    assert "  error   names              name-mismatch\n" in text
    assert "  -       endpoint           not asked" in text


def test_the_ladder_goes_on_with_what_the_probe_saw():
    observation = Observation(
        "localhost:19530", (Step("tcp", True, "127.0.0.1"), Step("tls", False, "alert 42"))
    )
    text = render_report(report(server=observation))
    assert "  ok      tcp                127.0.0.1" in text
    assert "  error   tls                alert 42" in text


def test_an_area_that_could_not_be_judged_is_not_called_ok():
    text = render_report(report(skipped=(Skip("name-mismatch", "file-missing"),)))
    assert "  -       names              1 not judged" in text
    assert "skipped: name-mismatch (because of file-missing)" in text


def test_a_healthy_report_says_so_and_what_was_not_asked():
    assert render_report(report()).startswith("ok: Nothing in settings and files")


def test_a_summary_has_a_line_for_each_report():
    lines = render_summary([report(), report(MISMATCH)]).splitlines()
    assert lines[0].startswith("ok      https://localhost:19530:")
    assert any(line.startswith("error   https://localhost:19530: name-mismatch") for line in lines)


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "bell\x07", "\u202eevil", "\x9b31m"])
def test_control_characters_of_a_peer_are_shown_not_obeyed(text: str):
    shown = printable(text)
    assert shown != text
    assert shown.isprintable()


WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40))


@given(st.sampled_from(sorted(CATALOGUE)), st.sampled_from(list(Severity)), WORDS, WORDS)
def test_no_line_is_wider_than_a_terminal_unless_one_word_is(code, severity, message, evidence):
    one = Finding(
        code, severity, " ".join(message) or "m", "fix it", expected=" ".join(evidence) or None
    )
    for line in render_report(report(one)).splitlines():
        assert len(line) <= WIDTH or len(line.split()) <= 3


class TestCommands:
    """What is to be pasted stands on one line, however long; the words around it are wrapped."""

    LONG = f"milvus-secure certs repair {'d' * 70} --name db.example.com"

    @pytest.mark.parametrize(
        "remedy",
        [
            f"If that is your server, set server_name=x; else reissue the certificate: {LONG}",
            f"Reissue it under a name that it is to bear from now on: {LONG}. Then restart Milvus.",
            LONG,
        ],
    )
    def test_a_command_is_never_broken(self, remedy):
        found = finding("name-mismatch", "It is for another name.", remedy)
        lines = render_report(report(found)).splitlines()
        [whole] = [line for line in lines if self.LONG in line]
        assert all(len(line) <= WIDTH for line in lines if line is not whole)

    def test_two_commands_are_two(self):
        two = "Compare: openssl x509 -in client.pem -noout and openssl pkey -in client.key -pubout"
        text = render_report(report(finding("key-mismatch", "They differ.", two)))
        assert "openssl x509 -in client.pem -noout and" in text
        assert "openssl pkey -in client.key -pubout" in text

    def test_an_error_of_a_command_reads_like_a_finding(self):
        error = CertificateError("ca.key is encrypted.", f"decrypt it: {self.LONG}")
        assert render_error(error).splitlines() == [
            "error: ca.key is encrypted.",
            "  fix       decrypt it:",
            f"            {self.LONG}",
        ]
