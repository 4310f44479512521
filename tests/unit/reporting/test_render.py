"""The text report: the cause first, 80 columns, control characters of a peer escaped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milvus_secure._common.text import WIDTH, printable
from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.errors import CertificateError, SecureConnectionError
from milvus_secure.reporting.catalogue import CATALOGUE
from milvus_secure.reporting.observation import Observation, Step
from milvus_secure.reporting.report import (
    Finding,
    Report,
    Severity,
    Skip,
    finding,
    ranked,
    summary,
)

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
    first = report(EXPIRING, MISMATCH).text(WIDTH).splitlines()[0]
    assert first.startswith("error: name-mismatch: The server's certificate is for other")


def test_expected_and_presented_are_on_adjacent_lines():
    lines = report(MISMATCH).text(WIDTH).splitlines()
    place = lines.index("  expected  milvus.example.com")
    assert lines[place + 1] == "  presented DNS:localhost, IP:127.0.0.1"


def test_a_finding_says_where_its_setting_came_from():
    assert "server_name, from env MILVUS_SERVER_NAME" in report(MISMATCH).text(WIDTH)


def test_the_ladder_shows_the_outcome_of_each_area():
    text = report(MISMATCH, EXPIRING, judged=("uri-invalid",)).text(WIDTH)
    assert "  ok      settings\n" in text
    assert "  warning trust              certificate-expiring\n" in text
    assert "  error   names              name-mismatch\n" in text
    assert "  -       endpoint           not contacted" in text


def test_the_ladder_goes_on_with_what_the_probe_saw():
    observation = Observation(
        "localhost:19530", (Step("tcp", True, "127.0.0.1"), Step("tls", False, "alert 42"))
    )
    text = report(server=observation).text(WIDTH)
    assert "  ok      tcp                127.0.0.1" in text
    assert "  error   tls                alert 42" in text


def test_an_area_that_could_not_be_judged_is_not_called_ok():
    text = report(skipped=(Skip("name-mismatch", "file-missing"),)).text(WIDTH)
    assert "  -       names              1 not judged" in text
    assert "not judged: name-mismatch (because of file-missing)" in text


def test_a_healthy_report_says_so_and_what_was_not_asked():
    assert report().text(WIDTH).startswith("ok: No problem found in settings or files.")


def test_with_a_warning_only_the_absence_of_errors_is_claimed():
    assert report(EXPIRING).text(WIDTH).startswith("ok: No error found in settings or files.")


def test_a_summary_has_a_line_for_each_report():
    lines = summary([report(), report(MISMATCH)], WIDTH).splitlines()
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
    finding = Finding(
        code, severity, " ".join(message) or "m", "fix it", expected=" ".join(evidence) or None
    )
    for line in report(finding).text(WIDTH).splitlines():
        assert len(line) <= WIDTH or len(line.split()) <= 3


def test_an_area_that_was_not_judged_is_not_called_ok():
    text = report(judged=("uri-invalid",)).text()
    assert "  ok      settings" in text
    assert "  -       names              not judged: the server's certificate is not known" in text


def test_in_a_pipe_each_field_is_one_line():
    long = finding("name-mismatch", "It is for another name. " * 20, "Change it. " * 20)
    assert len(report(long).text().split("\n\n")[0].splitlines()) == 2


class TestCommands:
    """A command is on one line of its own, however long; other text is wrapped."""

    LONG = f"milvus-secure certs repair {'d' * 70} --name db.example.com"

    def test_a_command_is_never_broken(self):
        broken = finding(
            "name-mismatch", "It is for another.", "Reissue it. " * 12, command=self.LONG
        )
        lines = report(broken).text(WIDTH).splitlines()
        [command_line] = [line for line in lines if self.LONG in line]
        assert command_line == f"  run       {self.LONG}"
        assert all(len(line) <= WIDTH for line in lines if line is not command_line)

    def test_a_command_quoted_in_a_message_is_never_broken(self):
        broken = finding(
            "name-mismatch", "It is for another.", f"Reissue it with `{self.LONG}` now."
        )
        assert f"`{self.LONG}`" in report(broken).text(WIDTH)

    def test_an_error_reads_like_a_finding(self):
        error = CertificateError("ca.key is encrypted.", "Decrypt it.", self.LONG)
        assert error.text(WIDTH).splitlines() == [
            "error: ca.key is encrypted.",
            "  fix       Decrypt it.",
            f"  run       {self.LONG}",
        ]


class TestNotebooks:
    """What Jupyter and IPython show."""

    def test_a_report_is_shown_as_text_with_html_escaped(self):
        odd = finding("name-mismatch", "It is for <b>another</b>.", "Change it.")
        for shown in (report(odd)._repr_html_(), odd._repr_html_()):
            assert "&lt;b&gt;another&lt;/b&gt;" in shown
            assert "<b>" not in shown

    def test_a_report_and_a_finding_are_shown_as_printed(self):
        for made in (report(MISMATCH), MISMATCH):
            printer = _Printer()
            made._repr_pretty_(printer, False)
            assert printer.shown == str(made)

    def test_an_uncaught_error_is_shown_as_its_report(self):
        error = SecureConnectionError(report(MISMATCH))
        shown = "\n".join(error._render_traceback_())
        assert shown.startswith("SecureConnectionError:")
        assert str(report(MISMATCH)) in shown

    def test_without_a_root_cause_the_cause_is_shown_too(self):
        error = SecureConnectionError(report(), "It failed.", "Try again.")
        assert error._render_traceback_()[0] == "SecureConnectionError: It failed."


class _Printer:
    def text(self, shown: str) -> None:
        self.shown = shown
