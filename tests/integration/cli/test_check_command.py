"""What a user may type: waiting, quiet checks, messages to explain, misspelled commands."""

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

    def test_gives_up_in_the_end_and_says_why(self, cli):
        with peers.closed_port() as port:
            done = cli("check", f"localhost:{port}", "--wait", "1.5", "--quiet")
        assert done.returncode == 1
        assert done.stdout.startswith(f"error   https://localhost:{port}: tcp-refused: ")
        assert len(done.stdout.splitlines()) == 1

    def test_does_not_wait_for_what_time_does_not_repair(self, cli):
        with peers.closed_port() as port:
            done = cli("check", f"localhost:{port}", "--ca-pem-path", "absent.pem", "--wait", "600")
        assert done.returncode == 1
        assert "file-missing" in done.stdout

    @pytest.mark.parametrize("seconds", ["-1", "soon", "inf", "nan"])
    def test_a_wait_that_is_no_time_is_wrong_usage(self, cli, seconds):
        assert cli("check", f"--wait={seconds}").returncode == 2


def test_quiet_prints_nothing_when_all_is_well(cli, certs: Path):
    done = cli("check", "--offline", "--quiet", "--ca-pem-path", certs / "ca.pem")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class TestEnvFile:
    def test_is_read_instead_of_dot_env(self, cli, tmp_path: Path):
        (tmp_path / ".env").write_text("MILVUS_DB_NAME=from_dot_env\n")
        (tmp_path / "client.env").write_text("MILVUS_DB_NAME=from_client_env\n")
        shown = cli("settings", "--env-file", "client.env").stdout
        assert "from_client_env" in shown
        assert "from_dot_env" not in shown

    @pytest.mark.parametrize("name", ["absent.env", ".env"])
    def test_must_exist_when_it_is_named(self, cli, name):
        done = cli("check", "--offline", "--env-file", name)
        assert done.returncode == 2
        assert "config-file-missing" in done.stderr


class TestWords:
    """Commands and messages as people type them."""

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [(["chek"], "check"), (["certs", "shwo"], "show"), (["exlpain"], "explain")],
    )
    def test_a_misspelled_command_names_the_nearest(self, cli, typed, meant):
        done = cli(*typed)
        assert done.returncode == 2
        assert f"Did you mean '{meant}'?" in done.stderr

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            (["check", "--toekn", CANARY], "--token"),
            (["check", f"--pasword={CANARY}"], "--password"),
            (["certs", "init", "--nmae", CANARY], "--name"),
        ],
    )
    def test_a_misspelled_flag_names_the_nearest_and_no_value(self, cli, typed, meant):
        done = cli(*typed)
        assert done.returncode == 2
        assert f"Did you mean {meant}?" in done.stderr
        assert CANARY not in done.stderr

    @pytest.mark.parametrize(
        "typed",
        [
            ["check", "--wait", CANARY],
            ["certs", "init", "d", "--days", CANARY],
            ["serve", "--port", CANARY],
        ],
    )
    def test_where_a_number_belongs_it_is_said_and_no_value_repeated(self, cli, typed):
        done = cli(*typed)
        assert done.returncode == 2
        assert f"argument {typed[-2]}: use a number" in done.stderr
        assert CANARY not in done.stderr

    def test_a_word_too_many_is_said(self, cli):
        assert "1 argument too many" in cli("demo", CANARY).stderr

    def test_a_secret_in_the_place_of_a_command_is_not_repeated(self, cli):
        assert CANARY not in cli(CANARY).stderr

    def test_a_message_of_pymilvus_is_explained(self, cli):
        done = cli("explain", "Fail connecting to server on h:1. Socket closed")
        assert done.returncode == 0
        assert "server-requires-tls" in done.stdout

    def test_a_message_may_be_given_without_quotes(self, cli):
        done = cli("explain", *["Received", "http2", "header", "with", "status:", "502"])
        assert done.stdout.startswith("Most likely front-end-answered")

    def test_our_own_headline_is_explained_by_its_code(self, cli):
        done = cli("explain", "key-mismatch: client.key does not belong to client.pem.")
        assert done.stdout.startswith("key-mismatch (error)")


def test_the_version_is_told_with_those_it_stands_on(cli):
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
    ("typed", "completed"),
    [
        ("che", "check"),
        ("certs renew --if", "--if-expiring"),
        ("certs show ca", "ca.pem"),
        ("certs sign ca", "ca.pem"),
        ("check --ca-pem-path ca", "ca.pem"),
        ("check --format jun", "junit"),
    ],
)
def test_the_completion_for_bash_completes(typed, completed, cli, tmp_path: Path):
    (tmp_path / "done.sh").write_text(cli("completion", "bash").stdout)
    (tmp_path / "ca.pem").touch()
    script = (
        f"source done.sh; COMP_WORDS=(milvus-secure {typed}); COMP_CWORD={len(typed.split())}; "
        "_shtab_milvus_secure; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == completed, done.stderr


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
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
