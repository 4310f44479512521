"""Settings from arguments alone, and what type checkers know of the arguments."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from milvus_secure import MilvusSettings, SettingsError
from milvus_secure.settings.arguments import LoadingKwargs, SettingsKwargs

SNIPPET = """
from pathlib import Path
from milvus_secure import MilvusSettings, TLSMode, connect_secure

MilvusSettings(uri="https://h:1", token="t", timeout=5, ca_pem_path=Path("ca.pem"), tls_mode=2)
MilvusSettings(profile="prod", config="c.toml", tls_mode=TLSMode.MUTUAL, client_key=b"x")
MilvusSettings.from_arguments(ca_pem_path="system", secure=None).replace(db_name="d")
connect_secure("https://h:1", tls_mode="one-way", env_file=None, environ={}).close()
"""
MISTAKES = {
    'MilvusSettings(ca_pem_pth="x")': "ca_pem_pth",
    'MilvusSettings(timeout="soon")': "timeout",
    'MilvusSettings.from_arguments(url="x")': "url",
    'MilvusSettings.from_arguments(profile="x")': "profile",
    'MilvusSettings().replace(tokn="x")': "tokn",
    'connect_secure(tls_mode="mutal")': "tls_mode",
    'connect_secure(ca_pem="x", ca_cert="y")': "ca_cert",
}


def mypy(text: str, folder: Path) -> list[str]:
    """The errors that a user's mypy reports, one per line of the text at most."""
    file = folder / "snippet.py"
    file.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", file]
    command += ["--cache-dir", folder / "cache", "--config-file", "/dev/null"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return [line for line in ran.stdout.splitlines() if "snippet.py" in line and "error" in line]


class TestTypes:
    def test_every_setting_is_a_typed_argument(self):
        assert list(SettingsKwargs.__annotations__) == list(MilvusSettings.model_fields)

    def test_every_argument_of_the_loading_is_typed_for_connect_secure(self):
        loading = set(LoadingKwargs.__annotations__) - set(SettingsKwargs.__annotations__)
        parameters = inspect.signature(MilvusSettings.__init__).parameters
        assert loading | {"self", "profile", "config", "values"} == set(parameters)

    def test_the_hints_can_be_resolved(self):
        assert set(get_type_hints(SettingsKwargs)) == set(MilvusSettings.model_fields)

    def test_a_type_checker_accepts_what_works_and_sees_each_mistake(self, tmp_path):
        pytest.importorskip("mypy")
        lines = SNIPPET.splitlines()
        errors = mypy("\n".join([*lines, *MISTAKES]), tmp_path)
        numbers = [int(error.split(":")[1]) for error in errors]
        assert set(numbers) == {len(lines) + place for place in range(1, len(MISTAKES) + 1)}
        for line, name in enumerate(MISTAKES.values(), len(lines) + 1):
            assert name in " ".join(error for error in errors if f"snippet.py:{line}:" in error)


class TestArgumentsAlone:
    def test_neither_environment_nor_file_is_read(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MILVUS_USER", "environment")
        monkeypatch.setenv("MILVUS_TOKN", "x")
        monkeypatch.setenv("MILVUS_CONFIG", "nowhere.toml")
        (tmp_path / ".env").write_text("MILVUS_DB_NAME=file\n")
        (tmp_path / "milvus-secure.toml").write_text("unknown = 1\n")
        settings = MilvusSettings.from_arguments(uri="https://h:1")
        assert settings.shown()["uri"] == {"value": "https://h:1", "source": "argument"}
        assert (settings.user, settings.db_name, settings.notes) == (None, None, ())

    def test_relative_paths_start_at_the_working_directory(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert MilvusSettings.from_arguments(ca_pem_path="a/../b").ca_pem_path == tmp_path / "b"

    def test_mistakes_are_settings_errors(self):
        with pytest.raises(SettingsError, match="Did you mean 'ca_pem_path'"):
            MilvusSettings.from_arguments(ca_pem_pth="x")
        with pytest.raises(SettingsError, match="timeout"):
            MilvusSettings.from_arguments(timeout="soon")

    def test_a_file_alone_reads_no_other(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text("unknown = 1\n")
        (tmp_path / "client.env").write_text("MILVUS_USER=u\n")
        assert load(env_file="client.env", config=False).source_of("user") == "client.env:1"


def test_a_working_directory_that_may_not_be_searched_holds_no_implicit_file(load, monkeypatch):
    """As for a service that another user starts in a directory of mode 0700."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        for name in ("stat", "lstat"):
            patch.setattr("os." + name, denied)
        loaded = load()
    assert loaded.source_of("uri") == "default"
