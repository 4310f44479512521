"""`MilvusSettings` is a pydantic-settings class, as the users of that library know it."""

from __future__ import annotations

import functools
import json
import sys
import types
from pathlib import Path
from typing import Any

import pydantic_settings
import pytest
from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from milvus_secure import MilvusSettings, SettingsError
from milvus_secure.settings.sources import SettingsFileSource


class Source(MilvusSettings):
    model_config = SettingsConfigDict(env_prefix="SOURCE_MILVUS_")


class TestPrefix:
    ENVIRON = {  # noqa: RUF012
        "SOURCE_MILVUS_URI": "https://source:1",
        "SOURCE_MILVUS_USERNAME": "source",
        "TARGET_MILVUS_URI": "https://target:1",
        "TARGET_MILVUS_PROFILE": "target",
        "MILVUS_DB_NAME": "other",
    }

    @pytest.mark.parametrize("place", ["class", "argument", "lower case"])
    def test_variables_begin_with_it(self, place, tmp_path):
        prefix = {"argument": "SOURCE_MILVUS_", "lower case": "source_milvus_"}.get(place)
        cls = Source if place == "class" else MilvusSettings
        settings = cls(environ=self.ENVIRON, cwd=tmp_path, _env_prefix=prefix)
        assert settings.shown()["uri"] == {
            "value": "https://source:1",
            "source": "env SOURCE_MILVUS_URI",
        }
        assert settings.source_of("user") == "env SOURCE_MILVUS_USERNAME"
        assert settings.db_name is None
        assert settings.notes == ()

    def test_variables_that_say_where_to_look_do_too(self, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.target]\nuser = "t"\n')
        settings = MilvusSettings(environ=self.ENVIRON, cwd=tmp_path, _env_prefix="TARGET_MILVUS_")
        assert settings.user == "t"

    @pytest.mark.trips("env-unknown")
    def test_a_misspelled_one_is_named_with_it(self, tmp_path):
        settings = Source(environ={"SOURCE_MILVUS_TOKN": "x", "MILVUS_TOKN": "x"}, cwd=tmp_path)
        assert [note.expected for note in settings.notes] == ["SOURCE_MILVUS_TOKEN"]

    def test_env_files_and_secrets_use_it(self, tmp_path):
        (tmp_path / ".env").write_text("SOURCE_MILVUS_USER=u\nMILVUS_USER=x\n")
        (tmp_path / "source_milvus_token").write_text("t")
        settings = Source(environ={}, cwd=tmp_path, secrets_dir=tmp_path)
        assert (settings.user, settings.token.get_secret_value()) == ("u", "t")

    def test_none_at_all_warns_of_nothing(self, tmp_path):
        environ = {"URI": "https://h:1", "PATHS": "x", "HOME": "/"}
        settings = MilvusSettings(environ=environ, cwd=tmp_path, _env_prefix="")
        assert (settings.uri, settings.notes) == ("https://h:1", ())


class TestPlaces:
    @pytest.mark.parametrize("place", ["_env_file", "env_file", "model_config"])
    def test_env_files(self, place, tmp_path):
        (tmp_path / "a.env").write_text("MILVUS_USER=a\nMILVUS_DB_NAME=a\n")
        (tmp_path / "b.env").write_text("MILVUS_USER=b\n")
        files = ("a.env", tmp_path / "b.env")
        if place == "model_config":

            class Configured(MilvusSettings):
                model_config = SettingsConfigDict(env_file=files)

            settings = Configured(environ={}, cwd=tmp_path)
        else:
            settings = MilvusSettings(environ={}, cwd=tmp_path, **{place: files})
        assert (settings.user, settings.db_name) == ("b", "a")
        assert settings.source_of("user") == "b.env:1"

    @pytest.mark.parametrize("place", ["_env_file", "env_file", "model_config"])
    def test_no_env_file(self, place, tmp_path):
        (tmp_path / ".env").write_text("MILVUS_USER=a\n")

        class Configured(MilvusSettings):
            model_config = SettingsConfigDict(env_file=None)

        cls, values = (
            (Configured, {}) if place == "model_config" else (MilvusSettings, {place: None})
        )
        assert cls(environ={}, cwd=tmp_path, **values).user is None

    @pytest.mark.parametrize("place", ["_secrets_dir", "secrets_dir", "model_config"])
    def test_secrets_directories(self, place, tmp_path):
        for name in "ab":
            (tmp_path / name).mkdir()
            (tmp_path / name / "MILVUS_USER").write_text(name)
        folders = (tmp_path / "a", "b")
        if place == "model_config":

            class Configured(MilvusSettings):
                model_config = SettingsConfigDict(secrets_dir=folders)

            settings = Configured(environ={}, cwd=tmp_path)
        else:
            settings = MilvusSettings(environ={}, cwd=tmp_path, **{place: folders})
        assert settings.source_of("user") == f"secret {tmp_path}/b/MILVUS_USER"


class Limits(BaseModel):
    rows: int = 1
    depth: int = 1


class Wider(MilvusSettings):
    """With fields of its own: plain, secret, from JSON, nested, and with an alias."""

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    region: str = "nowhere"
    api_key: SecretStr | None = None
    shards: list[int] = []  # noqa: RUF012
    limits: Limits = Limits()
    zone: str = Field("a", validation_alias="AWS_ZONE")
    tier: str = Field("a", validation_alias=AliasChoices("TIER", "LEVEL"))


class TestSubclass:
    def test_its_fields_come_from_the_environment(self, tmp_path):
        environ = {
            "MILVUS_REGION": "eu",
            "MILVUS_SHARDS": "[1, 2]",
            "MILVUS_LIMITS__ROWS": "5",
            "AWS_ZONE": "b",
            "MILVUS_URI": "https://h:1",
            "LEVEL": "c",
        }
        settings = Wider(environ=environ, cwd=tmp_path)
        assert (settings.region, settings.shards, settings.zone) == ("eu", [1, 2], "b")
        assert (settings.limits.rows, settings.uri, settings.tier) == (5, "https://h:1", "c")
        assert settings.source_of("region") == "env MILVUS_REGION"
        assert settings.source_of("zone") == "env AWS_ZONE"
        assert settings.source_of("limits") == "env MILVUS_LIMITS__ROWS"
        assert settings.notes == ()

    def test_and_from_every_other_source(self, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(
            'region = "toml"\n[limits]\nrows = 2\ndepth = 2\n'
        )
        (tmp_path / ".env").write_text("MILVUS_LIMITS__DEPTH=3\n")
        (tmp_path / "milvus_shards").write_text("[4]")
        settings = Wider(environ={}, cwd=tmp_path, zone="c", secrets_dir=tmp_path)
        assert (settings.region, settings.zone, settings.shards) == ("toml", "c", [4])
        assert (settings.limits.rows, settings.limits.depth) == (2, 3)

    @pytest.mark.trips("env-unknown")
    def test_a_misspelled_one_is_named(self, tmp_path):
        [note] = Wider(environ={"MILVUS_REGON": "x"}, cwd=tmp_path).notes
        assert note.expected == "MILVUS_REGION"

    @pytest.mark.trips("value-invalid")
    @pytest.mark.parametrize(
        ("variable", "name"),
        [
            ("MILVUS_SHARDS", "shards"),
            ("MILVUS_LIMITS__ROWS", "limits"),
            ("MILVUS_LIMITS", "limits"),
        ],
    )
    def test_a_wrong_value_names_it_unshown(self, variable, name, tmp_path):
        with pytest.raises(SettingsError) as caught:
            Wider(environ={variable: "canary"}, cwd=tmp_path)
        [finding] = caught.value.findings
        assert (finding.code, finding.setting, finding.source) == (
            "value-invalid",
            name,
            f"env {variable}",
        )
        assert caught.value.__context__ is None

    def test_its_secrets_are_masked(self, tmp_path):
        settings = Wider(environ={"MILVUS_API_KEY": "canary"}, cwd=tmp_path)
        assert settings.api_key.get_secret_value() == "canary"
        assert "canary" not in f"{settings!r}{settings.shown()}"

    def test_from_arguments_and_replace_know_them(self):
        settings = Wider.from_arguments(region="x", AWS_ZONE="z").replace(api_key="k")
        assert (settings.region, settings.zone) == ("x", "z")
        assert isinstance(settings, Wider)

    def test_an_unknown_one_is_an_error(self, tmp_path):
        with pytest.raises(SettingsError, match="Did you mean 'region'"):
            Wider(environ={}, cwd=tmp_path, regin="x")

    @pytest.mark.trips("value-invalid")
    def test_a_field_that_is_required_and_not_set_is_named(self, tmp_path):
        class Strict(MilvusSettings):
            region: str

        with pytest.raises(SettingsError, match="The setting region is required"):
            Strict(environ={}, cwd=tmp_path)
        assert Strict(environ={"MILVUS_REGION": "eu"}, cwd=tmp_path).region == "eu"

    @pytest.mark.trips("value-invalid")
    def test_a_validator_of_its_own_is_reported(self, tmp_path):
        class Strict(MilvusSettings):
            @model_validator(mode="after")
            def _check(self):
                if self.db_name is None:
                    raise ValueError("a database is needed")
                return self

        with pytest.raises(SettingsError, match="a database is needed"):
            Strict(environ={}, cwd=tmp_path)
        assert Strict(environ={}, cwd=tmp_path, db_name="d").db_name == "d"

    @pytest.mark.parametrize("extra", ["ignore", "allow"])
    def test_it_may_take_other_keys_too(self, extra, tmp_path):
        class Lenient(MilvusSettings):
            model_config = SettingsConfigDict(extra=extra)

        (tmp_path / "milvus-secure.toml").write_text('color = "red"\nuser = "u"\n')
        settings = Lenient(environ={}, cwd=tmp_path, size=5)
        assert settings.user == "u"
        assert (settings.model_extra or {}) == (
            {"color": "red", "size": 5} if extra == "allow" else {}
        )

    def test_the_endpoint_is_that_of_a_uri_which_a_validator_changed(self, tmp_path):
        class Elsewhere(MilvusSettings):
            @field_validator("uri")
            @classmethod
            def use_tls(cls, uri: str) -> str:
                return uri.replace("http://old:", "https://new:")

        settings = Elsewhere(environ={"MILVUS_URI": "http://old:1"}, cwd=tmp_path)
        assert (settings.uri, settings.endpoint.scheme) == ("https://new:1", "https")
        assert settings.endpoint.host == "new"

    def test_another_default_of_the_uri_is_used(self, tmp_path):
        class Ours(MilvusSettings):
            uri: str = "https://ours:1"

        assert Ours(environ={}, cwd=tmp_path).endpoint.host == "ours"


class Vault(PydanticBaseSettingsSource):
    """A source as its documentation shows one."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return {"token": " canary ", "user": "vault"}.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        self.state = dict(self.current_state)
        fields = self.settings_cls.model_fields
        return {name: self.get_field_value(field, name)[0] for name, field in fields.items()}


def sources_of(*extra, drop=()):
    """A subclass whose sources are the usual ones, with some more and some less."""

    class Customised(MilvusSettings):
        @classmethod
        def settings_customise_sources(cls, settings_cls, **sources):
            usual = super().settings_customise_sources(settings_cls, **sources)
            kept = [source for source in usual if not isinstance(source, drop)]
            return (*kept, *(make(settings_cls) for make in extra))

    return Customised


class TestSources:
    def test_one_of_ones_own_gives_its_name_as_provenance(self, tmp_path):
        settings = sources_of(Vault)(environ={"MILVUS_USER": "env"}, cwd=tmp_path)
        assert settings.token.get_secret_value() == " canary "
        assert settings.source_of("token") == "Vault"
        assert settings.source_of("user") == "env MILVUS_USER"

    def test_it_sees_what_stronger_sources_gave(self, tmp_path):
        states = []

        class Watching(Vault):
            def __call__(self):
                states.append(self.current_state)
                return {}

        sources_of(Watching)(environ={"MILVUS_USER": "env"}, cwd=tmp_path)
        assert states == [{"user": "env"}]

    @pytest.mark.trips("config-unknown-key")
    def test_a_setting_that_it_invents_is_an_error(self, tmp_path):
        class Wrong(Vault):
            def __call__(self):
                return {"tokn": "canary"}

        with pytest.raises(SettingsError, match="Did you mean 'token'") as caught:
            sources_of(Wrong)(environ={}, cwd=tmp_path)
        assert caught.value.findings[0].source == "Wrong"
        assert "canary" not in str(caught.value)

    @pytest.mark.trips("value-invalid")
    def test_a_wrong_value_names_it(self, tmp_path):
        class Wrong(Vault):
            def __call__(self):
                return {"timeout": "soon"}

        with pytest.raises(SettingsError, match="timeout from Wrong"):
            sources_of(Wrong)(environ={}, cwd=tmp_path)

    def test_the_usual_ones_are_those_of_the_library(self, tmp_path):
        kinds = []

        class Looking(MilvusSettings):
            @classmethod
            def settings_customise_sources(cls, settings_cls, *sources, **named):
                kinds.extend((sources, named))
                return super().settings_customise_sources(settings_cls, *sources, **named)

        Looking(environ={}, cwd=tmp_path, token="canary")
        (sources, named) = kinds
        by_name = {**dict(zip(("init_settings",), sources, strict=False)), **named}
        assert isinstance(by_name["init_settings"], InitSettingsSource)
        assert isinstance(by_name["env_settings"], EnvSettingsSource)
        assert isinstance(by_name["dotenv_settings"], DotEnvSettingsSource)
        assert isinstance(by_name["file_secret_settings"], SecretsSettingsSource)
        assert "canary" not in repr(by_name)

    @pytest.mark.parametrize(
        ("kind", "user"),
        [
            (EnvSettingsSource, "secret"),
            (SecretsSettingsSource, "env"),
        ],
    )
    def test_they_can_be_left_out(self, kind, user, tmp_path):
        (tmp_path / "milvus_user").write_text("secret")
        environ = {"MILVUS_USER": "env", "MILVUS_TOKN": "x"}
        settings = sources_of(drop=kind)(environ=environ, cwd=tmp_path, secrets_dir=tmp_path)
        assert settings.user == user
        assert bool(settings.notes) == (user == "env")

    def test_their_order_is_the_precedence(self, tmp_path):
        class Reversed(MilvusSettings):
            @classmethod
            def settings_customise_sources(cls, settings_cls, **sources):
                return super().settings_customise_sources(settings_cls, **sources)[::-1]

        (tmp_path / "milvus-secure.toml").write_text('user = "toml"\n')
        settings = Reversed(environ={"MILVUS_USER": "env"}, cwd=tmp_path, user="argument")
        assert settings.source_of("user") == "milvus-secure.toml"

    def test_the_usual_four_keep_the_settings_file_in_its_place(self, tmp_path):
        """As pydantic-settings' documentation writes them: a file that was named still counts."""

        class Four(MilvusSettings):
            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls,
                init_settings,
                env_settings,
                dotenv_settings,
                file_secret_settings,
            ):
                vault = Vault(settings_cls)
                return init_settings, env_settings, dotenv_settings, file_secret_settings, vault

        (tmp_path / "m.toml").write_text('user = "toml"\ndb_name = "toml"\n')
        (tmp_path / "milvus_user").write_text("secret")
        places = {"config": "m.toml", "secrets_dir": tmp_path, "cwd": tmp_path}
        settings = Four(environ={"MILVUS_DB": "env"}, **places)
        assert (settings.user, settings.db_name) == ("toml", "env")
        assert settings.source_of("token") == "Vault"

    def test_the_settings_file_can_be_left_out(self, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('user = "toml"\n')
        assert sources_of(drop=SettingsFileSource)(environ={}, cwd=tmp_path).user is None

    def test_one_of_the_librarys_own_can_be_added(self, tmp_path):
        (tmp_path / "more.toml").write_text('user = "more"\n')

        class More(TomlConfigSettingsSource):
            pass

        settings = sources_of(lambda cls: More(cls, tmp_path / "more.toml"))(
            environ={}, cwd=tmp_path
        )
        assert (settings.user, settings.source_of("user")) == ("more", "More")

    def test_a_secret_manager_that_reads_variables_can_be_added(self, tmp_path):
        """As AWS's, Azure's and Google's do: an EnvSettingsSource with values from elsewhere."""

        class SecretManager(EnvSettingsSource):
            def _load_env_vars(self):
                return {"milvus_token": '"canary"', "milvus_uri": "https://h:1"}

        settings = sources_of(SecretManager)(environ={}, cwd=tmp_path)
        assert settings.token.get_secret_value() == '"canary"'
        assert settings.source_of("uri") == "SecretManager"
        assert settings.notes == ()

    @pytest.mark.skipif(
        not hasattr(pydantic_settings, "AWSSecretsManagerSettingsSource"),
        reason="this pydantic-settings has no source for AWS",
    )
    def test_the_one_for_aws_fits(self, tmp_path, monkeypatch):
        """The source is the library's; only Amazon's client is not the real one."""

        class Client:
            def get_secret_value(self, SecretId):  # noqa: N803 - as boto3 names it
                assert SecretId == "milvus"
                return {"SecretString": json.dumps({"token": "canary", "db_name": "d"})}

        boto3 = types.ModuleType("boto3")
        boto3.client = lambda *_, **__: Client()
        monkeypatch.setitem(sys.modules, "boto3", boto3)
        source = pydantic_settings.AWSSecretsManagerSettingsSource
        make = functools.partial(source, secret_id="milvus", env_prefix="")
        settings = sources_of(make)(environ={}, cwd=tmp_path)
        assert settings.token.get_secret_value() == "canary"
        assert settings.source_of("db_name") == "AWSSecretsManagerSettingsSource"


class App(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__")

    name: str = "app"
    milvus: MilvusSettings = Field(default_factory=MilvusSettings.from_arguments)


class TestNested:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)

    def test_an_applications_variables_reach_it(self, monkeypatch):
        monkeypatch.setenv("APP_MILVUS__URI", "https://u:p@h:1/db")
        monkeypatch.setenv("APP_MILVUS__CA_PEM_PATH", "ca.pem")
        monkeypatch.setenv("APP_MILVUS__TIMEOUT", "5")
        milvus = App().milvus
        assert (milvus.uri, milvus.user, milvus.timeout) == ("https://h:1", "u", 5.0)
        assert milvus.ca_pem_path == Path.cwd() / "ca.pem"

    def test_json_and_instances_do_too(self, monkeypatch):
        monkeypatch.setenv("APP_MILVUS", json.dumps({"token": "canary"}))
        app = App()
        assert app.milvus.token.get_secret_value() == "canary"
        assert "canary" not in repr(app)
        assert App(milvus=app.milvus).milvus is app.milvus

    def test_a_mistake_is_a_settings_error(self, monkeypatch):
        monkeypatch.setenv("APP_MILVUS__TIMEOUT", "soon")
        with pytest.raises(SettingsError, match="timeout"):
            App()
