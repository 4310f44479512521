"""``milvus-secure serve``: ready when it says so, used as it prints, ended by a signal."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milvus_secure import MilvusSettings, TLSMode, check
from milvus_secure.cli import main
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.milvus_yaml import milvus_yaml
from processes import empty_environment, started


@contextmanager
def served(cwd: Path, *arguments: object) -> Iterator[dict[str, str]]:
    """The client settings that ``serve`` prints once it is ready."""
    command = [sys.executable, "-m", "milvus_secure", "serve", "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as home,
        started(
            [*command, *map(str, arguments)],
            cwd=cwd,
            env=empty_environment(Path(home)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        exports: dict[str, str] = {}
        for line in process.stdout:
            if line.startswith("  export "):
                _, word = shlex.split(line, comments=True)
                name, _, exports[name] = word.partition("=")
            if line.startswith("Then:"):
                break
        else:
            pytest.fail(f"serve ended before it was ready: {process.stderr.read()}")
        yield exports
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_without_certificates_it_makes_a_throw_away_set(tmp_path: Path):
    with served(tmp_path) as variables:
        folder = Path(variables["MILVUS_CA_PEM_PATH"]).parent
        report = check(MilvusSettings(environ=variables, env_file=None))
        assert report.ok, str(report)
    assert not folder.exists()
    assert not list(tmp_path.iterdir())


def test_a_missing_set_is_made_and_kept(tmp_path: Path):
    with served(tmp_path, "--certs", tmp_path / "tls", "--tls-mode", "mutual") as variables:
        report = check(MilvusSettings(environ=variables, env_file=None))
        assert report.ok, str(report)
        assert report.mode is TLSMode.MUTUAL
    assert (tmp_path / "tls/ca.pem").is_file()


@pytest.mark.parametrize("mode", [TLSMode.ONE_WAY, TLSMode.MUTUAL], ids=str)
def test_a_milvus_yaml_can_be_tried_without_a_container(certs: Path, tmp_path: Path, mode):
    config = tmp_path / "milvus.yaml"
    config.write_text(milvus_yaml(ServerPlan(certs, mode), str(certs)))
    with served(tmp_path, "--config", config) as variables:
        report = check(MilvusSettings(environ=variables, env_file=None))
        assert report.ok, str(report)
        assert report.mode is mode


@pytest.mark.parametrize(
    ("mode", "name"),
    [(TLSMode.ONE_WAY, "milvus.yaml"), (TLSMode.MUTUAL, "docker-compose.yml")],
    ids=str,
)
def test_a_compose_file_is_followed_through_its_mounts(certs: Path, tmp_path: Path, mode, name):
    out = tmp_path / "o u't"
    flags = ["--certs", certs, "--tls-mode", mode.number, "--out", out]
    main(["server", "config", *map(str, flags)])
    with served(tmp_path, "--config", out / name) as variables:
        report = check(MilvusSettings(environ=variables, env_file=None))
        assert report.ok, str(report)
        assert report.mode is mode


def test_what_it_prints_can_be_pasted_into_a_shell(tmp_path: Path):
    certs = tmp_path / "it's a set"
    script = (
        '"$@" > output & trap "kill $!" EXIT\n'
        "for _ in $(seq 300); do ! grep -q ^Then output || break; sleep 0.1; done\n"
        "grep '^  export' output > lines; . ./lines; env"
    )
    command = [
        sys.executable,
        "-m",
        "milvus_secure",
        "serve",
        "--port",
        "0",
        "--certs",
        certs,
        "--tls-mode",
        "2",
        "--token",
        "a (b",
    ]
    run = subprocess.run(
        ["sh", "-ec", script, "sh", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert f"MILVUS_CLIENT_KEY_PATH={certs / 'client.key'}" in run.stdout.splitlines()
    lines = (tmp_path / "output").read_text().splitlines()
    assert max(len(line) for line in lines if not line.startswith("  export")) <= 80
    assert "a (b" not in "".join(lines)


def test_for_a_folder_without_a_set_the_command_that_makes_one_is_named(tmp_path: Path, capsys):
    (tmp_path / "c s").mkdir()
    assert main(["serve", "--certs", str(tmp_path / "c s")]) == 1
    output = capsys.readouterr().err
    assert "holds no certificate set" in " ".join(output.split())
    assert output.rstrip().endswith(f"milvus-secure certs init '{tmp_path / 'c s'}'")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("common: {security: {tlsMode: 0}}", "does not turn TLS on"),
        ("common: {security: {tlsMode: 1}}", "tls.serverPemPath"),
        ("- nothing", "is not a configuration of Milvus"),
    ],
)
def test_a_configuration_that_cannot_be_served_is_named(tmp_path: Path, capsys, text, why):
    config = tmp_path / "milvus.yaml"
    config.write_text(text)
    assert main(["serve", "--config", str(config)]) == 1
    assert why in capsys.readouterr().err
