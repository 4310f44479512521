"""Where settings come from: precedence, provenance, variables and their aliases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from milvus_secure.settings.model import VARIABLES, declarations


class TestPrecedence:
    """Strongest first: argument, environment, .env, file, secrets directory, default."""

    LAYERS = (
        "argument",
        "env MILVUS_DB_NAME",
        ".env:1",
        "milvus-secure.toml",
        "secret {tmp}/secrets/MILVUS_DB_NAME",
        "default",
    )

    @pytest.mark.parametrize("strongest", range(6))
    def test_the_strongest_source_given_wins(self, strongest, load, tmp_path):
        environ = {"MILVUS_SECRETS_DIR": "secrets"} if strongest <= 4 else {}
        values = {}
        if strongest <= 4:
            (tmp_path / "secrets").mkdir()
            (tmp_path / "secrets" / "MILVUS_DB_NAME").write_text("layer4\n")
        if strongest <= 3:
            (tmp_path / "milvus-secure.toml").write_text('db_name = "layer3"\n')
        if strongest <= 2:
            (tmp_path / ".env").write_text("MILVUS_DB_NAME=layer2\n")
        if strongest <= 1:
            environ["MILVUS_DB_NAME"] = "layer1"
        if strongest == 0:
            values["db_name"] = "layer0"

        settings = load(environ, **values)

        assert settings.db_name == (f"layer{strongest}" if strongest < 5 else None)
        assert settings.source_of("db_name") == self.LAYERS[strongest].format(tmp=tmp_path)

    @pytest.mark.parametrize("empty", ["", "  "])
    def test_an_empty_variable_is_not_set(self, empty, load, tmp_path):
        (tmp_path / ".env").write_text("MILVUS_DB_NAME=from_env_file\n")
        assert load({"MILVUS_DB_NAME": empty}).db_name == "from_env_file"

    def test_none_as_an_argument_is_not_given(self, load):
        assert load({"MILVUS_USER": "root"}, user=None).user == "root"

    def test_env_file_lines_are_counted_past_blanks_and_comments(self, load, tmp_path):
        (tmp_path / ".env").write_text("# hello\n\nexport OTHER=1\n\nMILVUS_USER='root'\n")
        assert load().source_of("user") == ".env:5"

    def test_variables_in_an_env_file_are_filled_in_as_pymilvus_does(self, load, tmp_path):
        """`import pymilvus` loads the same file with python-dotenv's rules."""
        (tmp_path / ".env").write_text(
            "HERE=milvus\nMILVUS_URI=https://${HERE}.${DOMAIN:-example.com}:1\nMILVUS_USER='$x'\n"
        )
        settings = load({"DOMAIN": "test"})
        assert (settings.uri, settings.user) == ("https://milvus.test:1", "$x")

    @pytest.mark.parametrize(
        "line", ["MILVUS_PASSWORD=pa${canary}x", "MILVUS_PASSWORD='pa${canary}x'"]
    )
    def test_a_variable_that_is_not_set_is_noted_without_its_name(self, line, load, tmp_path):
        (tmp_path / ".env").write_text(line)
        settings = load()
        (note,) = settings.notes
        assert settings.password.get_secret_value() == "pax"
        assert (note.code, note.setting, note.source) == ("value-cleaned", "password", ".env:1")
        assert "canary" not in repr(note)

    @pytest.mark.parametrize("text", ["x${NAME}", "x${NONE:-d}", "$${", "a$b$NONE"])
    def test_other_dollar_signs_are_not_noted(self, text, load, tmp_path):
        (tmp_path / ".env").write_text(f"MILVUS_PASSWORD={text}")
        assert load({"NAME": "n"}).notes == ()

    @pytest.mark.parametrize("quote", ["'", '"', " "])
    @pytest.mark.parametrize("name", ["CONFIG", "PROFILE", "SECRETS_DIR"])
    def test_quotes_around_what_says_where_to_look_are_removed(self, name, quote, load, tmp_path):
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "milvus_user").write_text("u")
        (tmp_path / "milvus-secure.toml").write_text("[profiles.prod]\nuser = 'u'\n")
        (tmp_path / "other.toml").write_text("user = 'u'\n")
        value = {"CONFIG": "other.toml", "PROFILE": "prod", "SECRETS_DIR": "secrets"}[name]
        settings = load({f"MILVUS_{name}": f"{quote}{value}{quote}"})
        assert settings.user == "u"
        assert [note.code for note in settings.notes] == ["value-cleaned"]

    def test_a_given_environment_replaces_that_of_the_process(self, load):
        os.environ["MILVUS_USER"] = "from the machine"
        try:
            assert load({}).user is None
        finally:
            del os.environ["MILVUS_USER"]


class TestCredentials:
    """pymilvus would use a token before user and password, wherever they come from."""

    TOKEN = {"MILVUS_TOKEN": "root:Milvus"}  # noqa: RUF012

    @staticmethod
    def used(settings) -> tuple[str | None, str | None, str | None]:
        """User, password and token, without user and password if there is a token."""
        if settings.token:
            return None, None, settings.token.get_secret_value()
        return settings.user, settings.password and settings.password.get_secret_value(), None

    @pytest.mark.trips("credentials-unused")
    @pytest.mark.parametrize(
        ("values", "unused"),
        [
            ({"user": "alice", "password": "pw"}, "token"),
            ({"uri": "https://alice:pw@h:1"}, "token"),
            ({"uri": "https://alice@h:1", "password": "pw"}, "token"),
        ],
    )
    def test_a_stronger_source_replaces_a_token(self, values, unused, load):
        settings = load(self.TOKEN, **values)
        assert self.used(settings) == ("alice", "pw", None)
        assert [note.setting for note in settings.notes] == [unused]
        assert "pw" not in repr(settings.notes)

    def test_in_a_copy_new_credentials_replace_a_token(self, load):
        for values in ({"user": "alice", "password": "pw"}, {"uri": "https://alice:pw@h:1"}):
            assert self.used(load(self.TOKEN).replace(**values)) == ("alice", "pw", None)

    @pytest.mark.parametrize(
        "values",
        [
            {"user": "alice"},
            {"token": "root:Milvus"},
            {"user": "", "password": ""},
            {"user": "a", "password": "b", "token": "root:Milvus"},
            {"user": "a", "password": ""},
            {"token": "root:Milvus", "uri": "https://alice:pw@h:1"},
        ],
    )
    def test_incomplete_or_weaker_credentials_keep_the_token(self, values, load):
        assert self.used(load(self.TOKEN, **values)) == (None, None, "root:Milvus")

    @pytest.mark.trips("credentials-unused")
    @pytest.mark.parametrize(
        ("environ", "values", "used", "unused"),
        [
            (
                {"TOKEN": "t", "USER": "u", "PASSWORD": "p"},
                {},
                (None, None, "t"),
                ["user", "password"],
            ),
            ({"TOKEN": "t", "URI": "https://a:b@h:1"}, {}, (None, None, "t"), ["uri"]),
            (
                {"USER": "u", "PASSWORD": "p", "URI": "https://a:b@h:1"},
                {},
                ("u", "p", None),
                ["uri"],
            ),
            (
                {"USER": "u", "PASSWORD": "p"},
                {"uri": "https://a:b@h:1"},
                ("a", "b", None),
                ["user", "password"],
            ),
            ({"USER": "u", "PASSWORD": "p"}, {"uri": "https://key@h:1"}, ("u", "p", None), ["uri"]),
            ({"USER": "u"}, {"uri": "https://a:b@h:1"}, ("a", "b", None), ["user"]),
            ({"TOKEN": "t"}, {"uri": "https://key@h:1"}, (None, None, "key"), ["token"]),
            ({"TOKEN": "t"}, {"user": "u"}, (None, None, "t"), ["user"]),
        ],
    )
    def test_unused_credentials_are_noted(self, environ, values, used, unused, load):
        settings = load({f"MILVUS_{name}": text for name, text in environ.items()}, **values)
        assert self.used(settings) == used
        assert [note.setting for note in settings.notes] == unused
        assert {note.code for note in settings.notes} == {"credentials-unused"}

    @pytest.mark.passes("credentials-unused")
    @pytest.mark.parametrize(
        "values",
        [
            {"token": "t"},
            {"user": "u", "password": "p"},
            {"uri": "https://u:p@h:1"},
            {"uri": "https://u@h:1", "password": "p"},
            {"uri": "https://key@h:1"},
            {"user": "u"},
        ],
    )
    def test_a_single_set_of_credentials_is_not_noted(self, values, load):
        assert load(**values).notes == ()


class TestVariables:
    @pytest.mark.parametrize("row", declarations(), ids=lambda row: row.name)
    def test_every_setting_has_a_variable_named_after_it(self, row):
        assert VARIABLES[f"MILVUS_{row.name.upper()}"] == row.name

    @pytest.mark.parametrize(
        ("variable", "name", "text", "value"),
        [
            ("MILVUS_DATABASE", "db_name", "d", "d"),
            ("MILVUS_DB", "db_name", "d", "d"),
            ("MILVUS_DB_NAME", "db_name", "d", "d"),
            ("MILVUS_USERNAME", "user", "u", "u"),
            ("MILVUS_SSL", "secure", "yes", True),
            ("MILVUS_USE_SSL", "secure", "0", False),
            ("MILVUS_CA_CERT_PATH", "ca_pem_path", "/a", Path("/a")),
            ("MILVUS_MTLS_CERT_PATH", "client_pem_path", "/a", Path("/a")),
            ("MILVUS_MTLS_KEY_PATH", "client_key_path", "/a", Path("/a")),
            ("MILVUS_CONN_TIMEOUT", "timeout", "2.5", 2.5),
        ],
    )
    def test_aliases_of_other_projects(self, variable, name, text, value, load):
        settings = load({variable: text})
        assert getattr(settings, name) == value
        assert settings.source_of(name) == f"env {variable}"

    def test_a_settings_own_name_beats_its_alias(self, load):
        assert load({"MILVUS_DB": "alias", "MILVUS_DB_NAME": "own"}).db_name == "own"

    @pytest.mark.parametrize("name", ["milvus_uri", "Milvus_Uri", "milvus_host"])
    def test_a_variable_is_read_in_any_case(self, name, load, tmp_path):
        settings = load({name: "https://h:1"})
        assert (settings.uri, settings.source_of("uri")) == ("https://h:1", f"env {name}")
        (tmp_path / ".env").write_text(f"{name}=https://f:1\n")
        settings = load()
        assert (settings.uri, settings.source_of("uri")) == ("https://f:1", ".env:1")
        assert settings.notes == ()

    def test_of_names_that_differ_in_case_the_one_in_upper_case_counts(self, load):
        assert load({"MILVUS_URI": "https://a:1", "milvus_uri": "https://b:1"}).uri == "https://a:1"
        assert load({"milvus_uri": "https://b:1", "MILVUS_URI": "https://a:1"}).uri == "https://a:1"

    def test_a_variable_that_says_where_to_look_is_read_in_any_case(self, load, tmp_path):
        (tmp_path / "c.toml").write_text('[profiles.p]\nuri = "https://p:1"\n')
        assert load({"milvus_config": "c.toml", "milvus_profile": "p"}).uri == "https://p:1"

    @pytest.mark.trips("env-unknown")
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("MILVUS_CA_PEM_PTH", "MILVUS_CA_PEM_PATH"),
            ("MILVUS_TOKN", "MILVUS_TOKEN"),
            ("MILVUS_URL", "MILVUS_URI"),
            ("milvus_url", "MILVUS_URI"),
            ("MILVUS_PROFIL", "MILVUS_PROFILE"),
        ],
    )
    def test_a_misspelled_variable_is_named(self, name, meant, load):
        (note,) = load({name: "x"}).notes
        assert (note.code, note.presented, note.expected) == ("env-unknown", name, meant)

    @pytest.mark.trips("env-unknown")
    def test_a_misspelled_variable_in_an_env_file_is_named(self, load, tmp_path):
        (tmp_path / ".env").write_text("MILVUS_TOKN=x\n")
        (note,) = load().notes
        assert (note.code, note.source) == ("env-unknown", ".env:1")

    @pytest.mark.passes("env-unknown")
    @pytest.mark.parametrize(
        "name",
        [
            "MILVUS_CONF_TLS_MODE",
            "MILVUS_CONF_TOKEN",
            "MILVUS_CONN_ALIAS",
            "MILVUS_DATA",
            "MILVUS_SERVICE_HOST",
            "MILVUS_PORT_19530_TCP",
            "MILVUS_HOST",
            "NOT_MILVUS_TOKN",
        ],
    )
    def test_other_variables_cause_no_finding(self, name, load):
        assert load({name: "x"}, uri="https://h:1").notes == ()

    def test_the_servers_own_prefix_is_never_read(self, load):
        settings = load({"MILVUS_CONF_URI": "https://h:1", "MILVUS_CONF_TOKEN": "x"})
        assert settings.source_of("uri") == "default"
        assert settings.token is None
