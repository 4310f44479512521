"""The file of variables for a client, read by a shell and by python-dotenv."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

import minting
from milvus_secure import MilvusSettings, TLSMode
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.client_env import client_env

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
