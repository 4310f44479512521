"""What a command loads: what takes long to import is not imported where it has no use."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "print(*sorted(set(sys.argv[1].split()).intersection(sys.modules)))"


def loaded(code: str, modules: str) -> list[str]:
    """Which of these modules a fresh interpreter has after it ran some code."""
    command = [sys.executable, "-c", f"import sys\n{code}\n{LOADED}", modules]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return run.stdout.splitlines()[-1].split()


def after(*arguments: str) -> str:
    """Code that runs a command."""
    return f"from milvus_secure.cli import main\nmain({list(arguments)!r})"


@pytest.mark.parametrize("command", ["--version", "explain"])
def test_a_command_that_only_prints_loads_no_large_library(command):
    heavy = "importlib.metadata platform dataclasses pydantic cryptography grpc pymilvus rich"
    assert loaded(after(command), heavy) == []


def test_making_a_set_loads_neither_settings_nor_grpc(tmp_path):
    """Loading them takes longer than making a set."""
    code = after("certs", "init", str(tmp_path / "certs"))
    assert loaded(code, "pydantic pymilvus grpc rich") == []


def test_an_offline_check_loads_neither_grpc_nor_the_probe():
    code = after("check", "--offline", "--quiet", "https://milvus.example.com:19530")
    assert loaded(code, "pymilvus grpc pandas rich milvus_secure.diagnosis.probe") == []


def test_explaining_an_exception_loads_neither_pymilvus_nor_grpc():
    code = "import milvus_secure; milvus_secure.explain(ValueError())"
    assert loaded(code, "pymilvus grpc pandas") == []
