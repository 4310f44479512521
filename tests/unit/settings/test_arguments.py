"""Settings from arguments alone, and what type checkers know of the arguments."""

from __future__ import annotations

import inspect
from typing import get_type_hints

import pytest

from milvus_secure import MilvusSettings, SettingsError
from milvus_secure.settings.arguments import LoadingKwargs, SettingsKwargs


class TestTypes:
    """`make types` checks that mypy sees each mistake: tests/support/typed_arguments.py."""

    def test_every_setting_is_a_typed_argument(self):
        assert list(SettingsKwargs.__annotations__) == list(MilvusSettings.model_fields)

    def test_every_argument_of_the_loading_is_typed_for_connect_secure(self):
        loading = set(LoadingKwargs.__annotations__) - set(SettingsKwargs.__annotations__)
        parameters = inspect.signature(MilvusSettings.__init__).parameters
        assert loading | {"self", "profile", "config", "values"} == set(parameters)

    def test_the_hints_can_be_resolved(self):
        assert set(get_type_hints(SettingsKwargs)) == set(MilvusSettings.model_fields)


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

    def test_a_given_file_is_the_only_one_read(self, load, tmp_path):
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
