"""The command line: exit statuses, what goes to stdout, and nothing else."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import peers
from milvus_secure.cli import COMMANDS, main
from processes import empty_environment, started

CANARY = "canary-hunter2"


def test_healthy_files_exit_with_0(cli, certs: Path):
    completed = cli("check", "--offline", "--ca-pem-path", certs / "ca.pem")
    assert completed.returncode == 0, completed.stdout
    assert completed.stdout.startswith("ok: ")
    assert completed.stderr == ""


@pytest.mark.parametrize(
    ("endpoint", "uri"),
    [
        ("https://host.example:443", "https://host.example:443"),
        ("host.example:1", "https://host.example:1"),
        ("host.example", "https://host.example:19530"),
    ],
)
def test_an_endpoint_replaces_the_uri_setting(cli, endpoint, uri):
    completed = cli(
        "check", endpoint, "--offline", "--format", "json", MILVUS_URI="https://other:1"
    )
    assert json.loads(completed.stdout)["settings"]["uri"] == {"value": uri, "source": "argument"}


def test_settings_accepts_an_endpoint(cli):
    completed = cli("settings", "host.example", "--format", "json")
    uri = {"value": "https://host.example:19530", "source": "argument"}
    assert json.loads(completed.stdout)["uri"] == uri


def test_an_endpoint_that_is_given_twice_is_wrong_usage(cli):
    completed = cli("settings", "host-1", "--uri", "https://host-2")
    assert completed.returncode == 2
    assert "The endpoint is given twice" in completed.stderr


def test_an_extra_argument_is_counted_and_not_repeated(cli):
    completed = cli("settings", "host", CANARY)
    assert completed.returncode == 2
    assert "1 argument too many" in completed.stderr
    assert CANARY not in completed.stderr


def test_each_of_several_endpoints_gets_a_report(cli):
    completed = cli(
        "check", "--offline", "--format", "json", "host-1", "host-2", "--uri", "https://h:3"
    )
    uris = [
        report["settings"]["uri"]["value"] for report in json.loads(completed.stdout)["reports"]
    ]
    assert uris == ["https://host-1:19530", "https://host-2:19530", "https://h:3"]


def test_an_error_exits_with_1_and_comes_first(cli, tmp_path: Path):
    completed = cli("check", "--offline", "--ca-pem-path", "absent.pem")
    assert completed.returncode == 1
    assert completed.stdout.startswith("error: file-missing: ")


@pytest.mark.parametrize("command", [["explain"], ["settings"], ["check", "--offline"]], ids=str)
def test_a_closed_stdout_is_no_error(command, tmp_path: Path):
    quoted = shlex.join([sys.executable, "-m", "milvus_secure", *command])
    completed = subprocess.run(
        ["sh", "-c", f"{quoted} >&-"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (completed.returncode, completed.stderr) == (0, "")


def test_a_warning_fails_only_with_fail_on_warning(cli, certs: Path):
    flags = ["--offline", "--ca-pem-path", certs / "ca.pem", "--uri", "https://milvus"]
    assert cli("check", *flags).returncode == 0
    assert cli("check", *flags, "--fail-on", "warning").returncode == 1


def test_quiet_names_the_warning_that_fails(cli, certs: Path):
    flags = ["--offline", "--ca-pem-path", certs / "ca.pem", "--uri", "https://milvus"]
    completed = cli("check", *flags, "--quiet", "--fail-on", "warning")
    assert completed.returncode == 1
    assert completed.stdout.startswith("warning https://milvus: uri-port-implicit: ")


def test_a_long_usage_does_not_hide_the_error(cli):
    completed = cli("check", "--wait", "soon")
    assert completed.stderr.splitlines() == [
        "usage: milvus-secure check ...; all options: milvus-secure check --help",
        "milvus-secure check: error: argument --wait: use a number of seconds, such as 120",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--timeout", "soon"],
        ["check", "--config", "absent.toml"],
        ["check", "--profile", "prod"],
        ["check", "--no-such-flag"],
        ["no-such-command"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_prints_nothing_to_stdout(cli, arguments):
    completed = cli(*arguments)
    assert completed.returncode == 2
    assert completed.stdout == ""
    assert completed.stderr
    assert "Traceback" not in completed.stderr


def test_json_is_one_document_of_the_published_schema(cli, certs: Path):
    schema = json.loads(
        files("milvus_secure.reporting").joinpath("report.schema.json").read_text("utf-8")
    )
    completed = cli("check", "--offline", "--format", "json", "--ca-pem-path", certs / "ca.pem")
    jsonschema.validate(json.loads(completed.stdout), schema)


def test_several_profiles_give_one_report_each_and_a_summary(cli, certs: Path, tmp_path: Path):
    (tmp_path / "milvus-secure.toml").write_text(
        f'[profiles.good]\nca_pem_path = "{certs}/ca.pem"\n'
        '[profiles.bad]\nca_pem_path = "absent.pem"\n'
    )
    completed = cli(
        "check", "--offline", "--profile", "good", "--profile", "bad", "--format", "json"
    )
    document = json.loads(completed.stdout)
    assert [report["ok"] for report in document["reports"]] == [True, False]
    assert document["ok"] is False
    assert completed.returncode == 1


@pytest.mark.parametrize("format_", ["text", "json", "junit"])
def test_every_format_names_the_profiles(cli, tmp_path: Path, format_):
    (tmp_path / "milvus-secure.toml").write_text(
        '[profiles.blue]\nuri = "https://h:1"\n[profiles.green]\nuri = "https://h:1"\n'
    )
    profiles = ["--profile", "blue", "--profile", "green"]
    shown = cli("check", "--offline", *profiles, "--format", format_).stdout
    assert "blue" in shown
    assert "green" in shown


def test_junit_has_a_case_for_every_code_and_a_failure_for_the_error(cli):
    completed = cli("check", "--offline", "--format", "junit", "--ca-pem-path", "absent.pem")
    [suite] = ET.fromstring(completed.stdout.encode())
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["file-missing"]
    assert int(suite.get("tests")) == len(suite) > 30


@pytest.mark.parametrize(
    ("mode", "judged"), [(0, "server-tls-off"), (1, "server-tls-incomplete")], ids=str
)
def test_junit_of_a_server_without_certificate_files_lists_no_check_of_them(
    cli, tmp_path: Path, mode, judged
):
    (tmp_path / "milvus.yaml").write_text(f"common: {{security: {{tlsMode: {mode}}}}}")
    completed = cli("server", "check", "--format", "junit", "milvus.yaml")
    [suite] = ET.fromstring(completed.stdout.encode())
    names = {case.get("name") for case in suite}
    assert judged in names
    files = ("file-", "pem-", "key-", "known-public-key", "server-path-", "server-file-")
    assert {name for name in names if name.startswith(files)} == set()


def test_a_working_directory_that_was_removed_is_named(tmp_path: Path):
    script = (
        f'mkdir gone; cd gone; rmdir ../gone; exec "{sys.executable}" -m milvus_secure certs init c'
    )
    completed = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert completed.returncode == 1
    assert completed.stderr == "error: the working directory: no such file or directory\n"


def test_variables_may_begin_with_another_prefix(cli):
    environ = {"TARGET_MILVUS_URI": "https://target:1", "MILVUS_URI": "https://other:1"}
    completed = cli("settings", "--env-prefix", "TARGET_MILVUS_", "--format", "json", **environ)
    uri = json.loads(completed.stdout)["uri"]
    assert uri == {"value": "https://target:1", "source": "env TARGET_MILVUS_URI"}


def test_settings_shows_every_value_with_its_source_and_no_secret(cli):
    completed = cli("settings", MILVUS_TOKEN=CANARY, MILVUS_URI=f"https://root:{CANARY}@h:1/db")
    assert completed.returncode == 0
    assert "env MILVUS_TOKEN" in completed.stdout
    assert CANARY not in completed.stdout + completed.stderr


def test_explain_without_a_code_lists_them_all(cli):
    completed = cli("explain")
    assert "name-mismatch" in completed.stdout
    assert completed.returncode == 0


def test_explain_of_an_unknown_code_names_the_nearest(cli):
    completed = cli("explain", "name-missmatch")
    assert completed.returncode == 1
    assert "name-mismatch" in completed.stderr


@pytest.mark.parametrize("argument", ["explain", "--version", "--help"])
def test_a_pipe_that_its_reader_has_closed_is_no_error(argument, tmp_path: Path):
    readable, writable = os.pipe()
    os.close(readable)
    completed = subprocess.run(
        [sys.executable, "-m", "milvus_secure", argument],
        cwd=tmp_path,
        env=empty_environment(tmp_path),
        stdout=writable,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writable)
    assert (completed.returncode, completed.stderr) == (0, "")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_without_no_color(tmp_path: Path, no_color: str, coloured: bool):
    shown = on_a_terminal(
        ["check", "--offline", "--ca-pem-path", "absent.pem"], tmp_path, NO_COLOR=no_color
    )
    assert ("\x1b[" in shown) is coloured
    assert "file-missing" in shown


def on_a_terminal(arguments: list[str], cwd: Path, **environ: str) -> str:
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "milvus_secure", *arguments]
    environ = {**os.environ, "TERM": "xterm", **environ}
    shown = b""
    with started(command, cwd=cwd, stdin=terminal, stdout=terminal, stderr=terminal, env=environ):
        os.close(terminal)
        with suppress(OSError):  # on Linux, this means that the other end is closed
            while data := os.read(main, 65536):
                shown += data
    os.close(main)
    return shown.decode()


def test_every_command_has_help_within_80_columns_of_prose(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    wide = {}
    for command in COMMANDS:
        with pytest.raises(SystemExit, match=r"^0$"):
            main([command, "--help"])
        wide[command] = [line for line in capsys.readouterr().out.splitlines() if len(line) > 80]
    assert {command: lines for command, lines in wide.items() if lines} == {}


def test_help_breaks_no_line_within_the_name_of_the_program(monkeypatch, capsys):
    broken = []
    for columns in range(60, 100):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["server", "check", "--help"])
        broken += [
            line for line in capsys.readouterr().out.splitlines() if line.endswith("milvus-")
        ]
    assert broken == []


def test_a_server_name_is_printed_in_any_encoding(tmp_path: Path):
    words = ["settings", "--server-name", "mılvus.example"]
    completed = subprocess.run(
        [sys.executable, "-m", "milvus_secure", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
    )
    assert b"m\\u0131lvus.example" in completed.stdout
    assert completed.stderr == b""


class TestTerminals:
    """The spinner: on a terminal that can move its cursor, and as a line on one that cannot."""

    @pytest.mark.parametrize(
        "environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"]
    )
    def test_without_colour_or_cursor_it_is_one_plain_line(self, tmp_path: Path, environ):
        with peers.closed_port() as port:
            shown = on_a_terminal(["check", f"localhost:{port}"], tmp_path, **environ)
        assert f"Asking https://localhost:{port} ..." in shown
        assert "\x1b" not in shown

    def test_an_address_in_brackets_is_no_markup(self, tmp_path: Path):
        shown = on_a_terminal(["check", "https://[::1]:1", "--timeout=1"], tmp_path)
        assert "Traceback" not in shown
