"""client.env, sourced by a shell and read by python-dotenv and by this library."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

import minting
from milvus_secure import MilvusSettings, Severity, TLSMode
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.client_env import client_env, name_warning

FOLDERS = [
    "plain",
    "a b",
    "it's",
    'a "b"',
    "back\\slash",
    "o'b\\c",
    "$dollar",
    "a;b&c #d",
    "é",
    "*",
]


def written(trio: minting.Trio, folder: Path) -> Path:
    env = folder.parent / "client.env"
    env.write_text(client_env(ServerPlan(trio.write(folder), TLSMode.MUTUAL)), "utf-8")
    return env


def sourced(env: Path) -> list[str]:
    script = '. "$1" && printf "%s\\n" "$MILVUS_CA_PEM_PATH" "$MILVUS_CLIENT_KEY_PATH"'
    run = subprocess.run(
        ["sh", "-ec", script, "sh", env], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.parametrize("name", FOLDERS)
def test_a_shell_and_python_dotenv_read_the_same_paths(trio, tmp_path: Path, name: str):
    certs = tmp_path / name
    env = written(trio, certs)
    expected = [str(certs / "ca.pem"), str(certs / "client.key")]
    assert sourced(env) == expected
    read = dotenv_values(env, interpolate=False)
    assert [read["MILVUS_CA_PEM_PATH"], read["MILVUS_CLIENT_KEY_PATH"]] == expected
    loaded = MilvusSettings(environ={}, env_file=env, cwd=tmp_path)
    assert [str(loaded.ca_pem_path), str(loaded.client_key_path)] == expected


def test_where_no_quoting_suits_all_readers_the_shell_is_right(trio, tmp_path: Path):
    certs = tmp_path / "it's $5"
    assert sourced(written(trio, certs))[0] == str(certs / "ca.pem")


def test_unneeded_quotes_are_left_out_since_docker_keeps_them(certs: Path):
    text = client_env(ServerPlan(certs, TLSMode.MUTUAL))
    assert not set(text) & set("'\"")


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (["localhost"], None),
        (["db.example.com", "localhost"], "localhost"),
        (["*.example.com"], "db.example.com"),
        (["localhost", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_a_host_that_the_certificate_contains_is_no_warning(tmp_path: Path, names, host):
    minting.trio(sans=names).write(tmp_path)
    assert name_warning(ServerPlan(tmp_path, TLSMode.ONE_WAY, host=host)) is None


@pytest.mark.parametrize(("host", "flag"), [("other.example.com", "--name"), ("10.0.0.1", "--ip")])
def test_any_other_host_is_a_warning_with_the_command_that_adds_it(
    trio, tmp_path: Path, host, flag
):
    certs = trio.write(tmp_path / "c s")
    warning = name_warning(ServerPlan(certs, TLSMode.ONE_WAY, host=host))
    assert (warning.code, warning.severity) == ("name-mismatch", Severity.WARNING)
    assert warning.command == f"milvus-secure certs repair '{certs}' {flag} {host}"
