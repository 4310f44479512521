"""Options of `check`, messages to explain, misspelled commands and flags."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import peers
from hostile_proxy import hostile_proxy
from milvus_secure import __version__
from milvus_secure.cli import COMMANDS, wait

CANARY = "canary-hunter2"


class TestWaiting:
    """`check --wait`, for init containers and health checks."""

    def test_waits_until_milvus_answers(self, settings, certs: Path, one_way, monkeypatch):
        """Connections are closed at first, as by a proxy whose Milvus is still starting."""
        with hostile_proxy(one_way.port, limit=0, then="close") as proxy:
            monkeypatch.setattr(wait, "pause", lambda _: proxy.heal())
            made = settings(uri=proxy.uri, ca_pem_path=certs / "ca.pem")
            [at_once] = wait.check_until([made], 0)
            [report] = wait.check_until([made], 60)
        assert [error.code for error in at_once.errors] == ["tls-failed"]
        assert report.ok, str(report)

    def test_ends_with_the_cause_when_the_time_is_over(self, cli):
        with peers.closed_port() as port:
            completed = cli("check", f"localhost:{port}", "--wait", "1.5", "--quiet")
        assert completed.returncode == 1
        assert completed.stdout.startswith(f"error   https://localhost:{port}: tcp-refused: ")
        assert len(completed.stdout.splitlines()) == 1

    def test_does_not_wait_where_waiting_cannot_help(self, cli):
        with peers.closed_port() as port:
            completed = cli(
                "check", f"localhost:{port}", "--ca-pem-path", "absent.pem", "--wait", "600"
            )
        assert completed.returncode == 1
        assert "file-missing" in completed.stdout

    @pytest.mark.parametrize("seconds", ["-1", "soon", "inf", "nan"])
    def test_an_invalid_time_is_wrong_usage(self, cli, seconds):
        assert cli("check", f"--wait={seconds}").returncode == 2


def test_quiet_prints_nothing_when_all_is_well(cli, certs: Path):
    completed = cli("check", "--offline", "--quiet", "--ca-pem-path", certs / "ca.pem")
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "", "")


class TestEnvFile:
    def test_is_read_instead_of_dot_env(self, cli, tmp_path: Path):
        (tmp_path / ".env").write_text("MILVUS_DB_NAME=from_dot_env\n")
        (tmp_path / "client.env").write_text("MILVUS_DB_NAME=from_client_env\n")
        shown = cli("settings", "--env-file", "client.env").stdout
        assert "from_client_env" in shown
        assert "from_dot_env" not in shown

    @pytest.mark.parametrize("name", ["absent.env", ".env"])
    def test_must_exist_when_it_is_named(self, cli, name):
        completed = cli("check", "--offline", "--env-file", name)
        assert completed.returncode == 2
        assert "config-file-missing" in completed.stderr


class TestWords:
    """Commands and messages as people type them."""

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [(["chek"], "check"), (["certs", "shwo"], "show"), (["exlpain"], "explain")],
    )
    def test_a_misspelled_command_names_the_nearest(self, cli, typed, meant):
        completed = cli(*typed)
        assert completed.returncode == 2
        assert f"Did you mean '{meant}'?" in completed.stderr

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            (["check", "--toekn", CANARY], "--token"),
            (["check", f"--pasword={CANARY}"], "--password"),
            (["certs", "init", "--nmae", CANARY], "--name"),
        ],
    )
    def test_a_misspelled_flag_names_the_nearest_and_no_value(self, cli, typed, meant):
        completed = cli(*typed)
        assert completed.returncode == 2
        assert f"Did you mean {meant}?" in completed.stderr
        assert CANARY not in completed.stderr

    @pytest.mark.parametrize(
        "typed",
        [
            ["check", "--wait", CANARY],
            ["certs", "init", "d", "--days", CANARY],
            ["serve", "--port", CANARY],
        ],
    )
    def test_a_value_that_is_no_number_is_reported_without_it(self, cli, typed):
        completed = cli(*typed)
        assert completed.returncode == 2
        assert f"argument {typed[-2]}: use a number" in completed.stderr
        assert CANARY not in completed.stderr

    def test_an_extra_argument_is_reported(self, cli):
        assert "1 argument too many" in cli("demo", CANARY).stderr

    def test_a_secret_in_the_place_of_a_command_is_not_repeated(self, cli):
        assert CANARY not in cli(CANARY).stderr

    def test_a_message_of_pymilvus_is_explained(self, cli):
        completed = cli("explain", "Fail connecting to server on h:1. Socket closed")
        assert completed.returncode == 0
        assert "server-requires-tls" in completed.stdout

    def test_a_message_may_be_given_without_quotes(self, cli):
        completed = cli("explain", *["Received", "http2", "header", "with", "status:", "502"])
        assert completed.stdout.startswith("Most likely front-end-answered")

    def test_our_own_headline_is_explained_by_its_code(self, cli):
        completed = cli("explain", "key-mismatch: client.key does not belong to client.pem.")
        assert completed.stdout.startswith("key-mismatch (error)")


def test_the_version_is_shown_with_those_of_its_dependencies(cli):
    shown = cli("--version").stdout
    assert shown.startswith(f"milvus-secure {__version__}\n")
    for name in ("pymilvus", "grpcio", "cryptography"):
        assert f"{name} {version(name)}" in shown
    assert f"Python {platform.python_version()}" in shown


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_command_and_flag(cli, shell):
    script = cli("completion", shell).stdout
    missing = [word for word in (*COMMANDS, "--ca-pem-path", "--wait") if word not in script]
    assert missing == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("typed", "completion"),
    [
        ("che", "check"),
        ("certs renew --if", "--if-expiring"),
        ("certs show ca", "ca.pem"),
        ("certs sign ca", "ca.pem"),
        ("check --ca-pem-path ca", "ca.pem"),
        ("check --format jun", "junit"),
    ],
)
def test_the_completion_for_bash_completes(typed, completion, cli, tmp_path: Path):
    (tmp_path / "done.sh").write_text(cli("completion", "bash").stdout)
    (tmp_path / "ca.pem").touch()
    script = (
        f"source done.sh; COMP_WORDS=(milvus-secure {typed}); COMP_CWORD={len(typed.split())}; "
        "_shtab_milvus_secure; echo ${COMPREPLY[@]}"
    )
    completed = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert completed.stdout.strip() == completion, completed.stderr


def test_a_failed_handshake_leaves_nothing_of_grpc_on_stderr(tmp_path: Path, one_way, certs):
    code = (
        "from milvus_secure import MilvusSettings, check\n"
        f"settings = MilvusSettings(uri={one_way.uri!r}, "
        f"ca_pem_path={str(certs / 'client.pem')!r}, "
        "environ={}, env_file=None)\n"
        "assert not check(settings).ok\n"
        "import os; assert 'GRPC_VERBOSITY' not in os.environ\n"
    )
    environ = {n: v for n, v in os.environ.items() if not n.startswith("GRPC_")}
    completed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (completed.returncode, completed.stderr) == (0, "")
