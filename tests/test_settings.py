"""`MilvusSettings`: sources and their precedence, aliases, provenance, cleaning, masking."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from milvus_secure.errors import SettingsError
from milvus_secure.mode import TLSMode
from milvus_secure.settings import VARIABLES, MilvusSettings, declarations


@pytest.fixture
def load(tmp_path: Path):
    """Load settings in an empty folder, with an environment of one's own."""

    def make(environ: dict[str, str] | None = None, **more):
        return MilvusSettings(environ=environ or {}, cwd=tmp_path, **more)

    return make


def codes(error: pytest.ExceptionInfo[SettingsError]) -> list[str]:
    return [found.code for found in error.value.findings]


class TestPrecedence:
    """Strongest first: argument, environment, .env, file, secrets directory, default."""

    LAYERS = ("argument", "env MILVUS_DB_NAME", ".env:1", "milvus-secure.toml",
              "secret {tmp}/secrets/MILVUS_DB_NAME", "default")  # fmt: skip

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

    def test_the_machine_is_not_looked_at(self, load):
        os.environ["MILVUS_USER"] = "from the machine"
        try:
            assert load({}).user is None
        finally:
            del os.environ["MILVUS_USER"]


class TestVariables:
    @pytest.mark.parametrize("row", declarations(), ids=lambda row: row.name)
    def test_every_setting_has_a_variable_named_after_it(self, row):
        assert VARIABLES[f"MILVUS_{row.name.upper()}"] == row.name

    @pytest.mark.parametrize(("variable", "name", "text", "value"), [
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
    ])  # fmt: skip
    def test_aliases_of_other_projects(self, variable, name, text, value, load):
        settings = load({variable: text})
        assert getattr(settings, name) == value
        assert settings.source_of(name) == f"env {variable}"

    def test_a_settings_own_name_beats_its_alias(self, load):
        assert load({"MILVUS_DB": "alias", "MILVUS_DB_NAME": "own"}).db_name == "own"

    @pytest.mark.trips("env-unknown")
    @pytest.mark.parametrize(("name", "meant"), [
        ("MILVUS_CA_PEM_PTH", "MILVUS_CA_PEM_PATH"), ("MILVUS_TOKN", "MILVUS_TOKEN"),
        ("MILVUS_URL", "MILVUS_URI"), ("milvus_uri", "MILVUS_URI"),
        ("MILVUS_PROFIL", "MILVUS_PROFILE"),
    ])  # fmt: skip
    def test_a_misspelled_variable_is_named(self, name, meant, load):
        (note,) = load({name: "x"}).notes
        assert (note.code, note.presented, note.expected) == ("env-unknown", name, meant)

    @pytest.mark.trips("env-unknown")
    def test_a_misspelled_variable_in_an_env_file_is_named(self, load, tmp_path):
        (tmp_path / ".env").write_text("MILVUS_TOKN=x\n")
        (note,) = load().notes
        assert (note.code, note.source) == ("env-unknown", ".env:1")

    @pytest.mark.passes("env-unknown")
    @pytest.mark.parametrize("name", [
        "MILVUS_CONF_TLS_MODE", "MILVUS_CONF_TOKEN", "MILVUS_CONN_ALIAS", "MILVUS_DATA",
        "MILVUS_SERVICE_HOST", "MILVUS_PORT_19530_TCP", "MILVUS_HOST", "NOT_MILVUS_TOKN",
    ])  # fmt: skip
    def test_other_variables_are_left_alone(self, name, load):
        assert load({name: "x"}).notes == ()

    def test_the_servers_own_prefix_is_never_read(self, load):
        settings = load({"MILVUS_CONF_URI": "https://h:1", "MILVUS_CONF_TOKEN": "x"})
        assert settings.source_of("uri") == "default"
        assert settings.token is None


class TestFiles:
    def test_a_profile_lies_over_the_base(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(
            'user = "base"\ndb_name = "base"\n[profiles.prod]\nuser = "prod"\n'
        )
        settings = load(profile="prod")
        assert (settings.user, settings.db_name) == ("prod", "base")
        assert settings.source_of("user") == "milvus-secure.toml [profiles.prod]"
        assert settings.source_of("db_name") == "milvus-secure.toml"

    def test_without_a_profile_the_base_counts_alone(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.prod]\nuser = "prod"\n')
        assert load().user is None

    @pytest.mark.parametrize("where", ["argument", "environment", "env file"])
    def test_a_file_and_a_profile_can_be_named_anywhere(self, where, load, tmp_path):
        (tmp_path / "other.toml").write_text('[profiles.dev]\nuser = "dev"\n')
        named = {"MILVUS_CONFIG": "other.toml", "MILVUS_PROFILE": "dev"}
        if where == "argument":
            settings = load(config="other.toml", profile="dev")
        elif where == "environment":
            settings = load(named)
        else:
            (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in named.items()))
            settings = load()
        assert settings.source_of("user") == "other.toml [profiles.dev]"

    @pytest.mark.parametrize(("name", "text"), [
        ("s.toml", 'timeout = 3\n[profiles.p]\nsecure = true\n'),
        ("s.yaml", "timeout: 3\nprofiles:\n  p:\n    secure: yes\n"),
        ("s.yml", "timeout: 3\nprofiles: {p: {secure: true}}\n"),
        ("s.json", '{"timeout": 3, "profiles": {"p": {"secure": true}}}'),
        ("bom.toml", '\ufefftimeout = 3\r\n[profiles.p]\r\nsecure = true\r\n'),
    ])  # fmt: skip
    def test_every_format_says_the_same(self, name, text, load, tmp_path):
        (tmp_path / name).write_bytes(text.encode())
        settings = load(config=name, profile="p")
        assert (settings.timeout, settings.secure) == (3.0, True)

    @pytest.mark.parametrize("name", ["empty.toml", "empty.yaml"])
    def test_an_empty_file_sets_nothing(self, name, load, tmp_path):
        (tmp_path / name).write_text("")
        assert load(config=name).source_of("uri") == "default"

    @pytest.mark.trips("config-file-missing")
    @pytest.mark.parametrize("given", [
        {"config": "nowhere.toml"}, {"secrets_dir": "nowhere"}, {"env_file": "nowhere.env"},
    ])  # fmt: skip
    def test_a_named_place_that_is_missing_is_an_error(self, given, load):
        with pytest.raises(SettingsError, match="does not exist") as error:
            load(**given)
        assert codes(error) == ["config-file-missing"]

    @pytest.mark.passes("config-file-missing")
    def test_places_that_nobody_named_may_be_missing(self, load):
        assert load().notes == ()

    @pytest.mark.trips("profile-missing")
    def test_a_profile_that_is_missing_is_an_error_with_the_nearest(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.prod]\nuser = "prod"\n')
        with pytest.raises(SettingsError, match="Did you mean 'prod'") as error:
            load({"MILVUS_PROFILE": "prd"})
        assert codes(error) == ["profile-missing"]
        assert error.value.findings[0].source == "env MILVUS_PROFILE"

    @pytest.mark.trips("profile-missing")
    def test_a_profile_without_any_file_is_an_error(self, load):
        with pytest.raises(SettingsError, match=r"no milvus-secure\.toml"):
            load(profile="prod")

    @pytest.mark.passes("profile-missing")
    def test_an_empty_profile_is_a_profile(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text("[profiles.prod]\n")
        assert load(profile="prod").source_of("uri") == "default"

    @pytest.mark.trips("config-unknown-key")
    @pytest.mark.parametrize(("key", "meant"), [
        ("ca_pem_pat", "ca_pem_path"), ("url", "uri"), ("MILVUS_TOKEN", "token"),
    ])  # fmt: skip
    @pytest.mark.parametrize("section", ["", "[profiles.other]\n"])
    def test_an_unknown_key_is_an_error_with_the_nearest(self, key, meant, section, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(f'{section}{key} = "x"\n')
        with pytest.raises(SettingsError, match=f"Did you mean '{meant}'") as error:
            load()
        assert codes(error) == ["config-unknown-key"]

    @pytest.mark.passes("config-unknown-key")
    def test_every_setting_is_a_known_key(self, load, tmp_path):
        lines = "".join(f'{row.name} = "1"\n' for row in declarations() if row.type != "mode")
        (tmp_path / "milvus-secure.toml").write_text(lines)
        assert load().source_of("client_key") == "milvus-secure.toml"

    def test_an_unknown_argument_is_an_error_with_the_nearest(self, load):
        with pytest.raises(SettingsError, match="Did you mean 'ca_pem_path'"):
            load(ca_pem_pth="x")

    def test_a_secrets_directory_is_read_by_variable_in_any_case(self, load, tmp_path):
        (tmp_path / "milvus_token").write_text("root:Milvus\n")
        (tmp_path / "MILVUS_USERNAME").write_text("root\n")
        (tmp_path / "unrelated").write_bytes(b"\xff\xfe")
        settings = load(secrets_dir=tmp_path)
        assert settings.token.get_secret_value() == "root:Milvus"
        assert settings.source_of("user") == f"secret {tmp_path}/MILVUS_USERNAME"
        assert settings.notes == ()


class TestPaths:
    def test_relative_paths_in_a_file_start_at_that_file(self, load, tmp_path):
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / "m.toml").write_text('ca_pem_path = "certs/../ca.pem"\n')
        assert load(config="etc/m.toml").ca_pem_path == tmp_path / "etc" / "ca.pem"

    def test_relative_paths_elsewhere_start_at_the_working_directory(self, load, tmp_path):
        settings = load({"MILVUS_CA_PEM_PATH": "ca.pem"}, client_pem_path=Path("c.pem"))
        assert settings.ca_pem_path == tmp_path / "ca.pem"
        assert settings.client_pem_path == tmp_path / "c.pem"

    @pytest.mark.parametrize("text", ["~/ca.pem", "$HOME/ca.pem", "${HOME}/ca.pem", "$D/ca.pem"])
    def test_home_and_variables_expand(self, text, load):
        environ = {"HOME": "/home/me", "D": "~", "MILVUS_CA_PEM_PATH": text}
        assert load(environ).ca_pem_path == Path("/home/me/ca.pem")

    @pytest.mark.parametrize("text", ["/$UNKNOWN/ca.pem", "/~/ca.pem", "/a$/ca.pem"])
    def test_what_cannot_be_expanded_stays(self, text, load):
        assert load({"MILVUS_CA_PEM_PATH": text}).ca_pem_path == Path(text)

    def test_system_is_a_word_and_not_a_path(self, load):
        assert load({"MILVUS_CA_PEM_PATH": "system"}).ca_pem_path == "system"

    def test_a_path_that_is_not_utf8_is_kept(self, load):
        name = os.fsdecode(b"/\xff.pem")
        settings = load({"MILVUS_CA_PEM_PATH": name})
        assert os.fspath(settings.ca_pem_path) == name
        assert settings.shown()["ca_pem_path"]["value"] == "/\\xff.pem"


class TestCleaning:
    @pytest.mark.trips("value-cleaned")
    @pytest.mark.parametrize(
        "text", ['"root"', "'root'", " root ", "root\r", "\ufeffroot", '"root" ']
    )
    def test_stray_characters_are_stripped_and_mentioned(self, text, load):
        settings = load({"MILVUS_USER": text})
        (note,) = settings.notes
        assert settings.user == "root"
        assert (note.code, note.setting, note.source) == (
            "value-cleaned", "user", "env MILVUS_USER",
        )  # fmt: skip

    @pytest.mark.passes("value-cleaned")
    @pytest.mark.parametrize("text", ["root", "ro'ot", "it's", '"', "a b"])
    def test_characters_inside_belong_to_the_value(self, text, load):
        settings = load({"MILVUS_USER": text})
        assert (settings.user, settings.notes) == (text, ())

    def test_a_cleaned_secret_is_not_quoted(self, load):
        (note,) = load({"MILVUS_TOKEN": " canary "}).notes
        assert "canary" not in repr(note)


class TestUri:
    """Verified against MilvusClient of pymilvus 2.6.17 and 3.0.2; see test_endpoint."""

    def test_credentials_and_database_move_into_their_settings(self, load):
        settings = load({"MILVUS_URI": "https://root:pass@h:1/db"})
        assert settings.uri == "https://h:1"
        assert (settings.user, settings.db_name) == ("root", "db")
        assert settings.password.get_secret_value() == "pass"
        assert settings.source_of("password") == "uri of env MILVUS_URI"

    def test_a_lone_user_is_a_token(self, load):
        settings = load(uri="https://apikey@h:1")
        assert settings.token.get_secret_value() == "apikey"
        assert settings.user is None

    def test_a_lone_user_beside_a_password_is_the_user(self, load):
        settings = load({"MILVUS_PASSWORD": "pw"}, uri="https://root@h:1")
        assert (settings.user, settings.token) == ("root", None)

    def test_a_token_of_its_own_wins(self, load):
        settings = load({"MILVUS_TOKEN": "t"}, uri="https://root:pass@h:1")
        assert (settings.user, settings.password) == (None, None)

    def test_user_and_password_of_their_own_win(self, load):
        settings = load(uri="https://root:pass@h:1", user="a", password="b")
        assert (settings.user, settings.password.get_secret_value()) == ("a", "b")

    def test_half_a_pair_of_its_own_does_not(self, load):
        settings = load(uri="https://root:pass@h:1", user="a")
        assert (settings.user, settings.password.get_secret_value()) == ("root", "pass")

    def test_a_database_of_its_own_wins(self, load):
        assert load(uri="https://h:1/one", db_name="two").db_name == "two"

    def test_nothing_is_percent_decoded(self, load):
        assert load(uri="https://u:p%40q@h:1").password.get_secret_value() == "p%40q"


class TestValues:
    @pytest.mark.passes("value-invalid")
    @pytest.mark.parametrize(("text", "value"), [
        ("true", True), ("1", True), ("yes", True), ("on", True), ("TRUE", True),
        ("false", False), ("0", False), ("no", False), ("off", False),
    ])  # fmt: skip
    def test_truth_as_text(self, text, value, load):
        assert load({"MILVUS_SECURE": text}).secure is value

    @pytest.mark.parametrize(("value", "mode"), [
        ("auto", TLSMode.AUTO), ("0", TLSMode.PLAINTEXT), (1, TLSMode.ONE_WAY),
        ("2", TLSMode.MUTUAL), ("One_Way", TLSMode.ONE_WAY), (TLSMode.MUTUAL, TLSMode.MUTUAL),
    ])  # fmt: skip
    def test_modes_by_name_and_number(self, value, mode, load):
        assert load(tls_mode=value).tls_mode is mode

    @pytest.mark.trips("value-invalid")
    @pytest.mark.parametrize(("name", "value"), [
        ("timeout", "soon"), ("timeout", "0"), ("timeout", "-1"), ("timeout", "nan"),
        ("timeout", "1e9"), ("timeout", True), ("timeout", []), ("secure", "maybe"), ("secure", 2),
        ("tls_mode", "3"), ("tls_mode", True), ("tls_mode", {}), ("expiry_warning_days", "1.5"),
        ("expiry_warning_days", "-1"), ("uri", 5), ("user", ["a"]), ("token", 12345),
        ("ca_pem_path", 5), ("client_key", {"a": 1}), ("db_name", "\ud800"),
    ])  # fmt: skip
    def test_a_value_of_the_wrong_type_names_setting_and_source(self, name, value, load):
        with pytest.raises(SettingsError, match=name) as error:
            load(**{name: value})
        (found,) = error.value.findings
        assert (found.code, found.setting, found.source) == ("value-invalid", name, "argument")

    @pytest.mark.trips("value-invalid")
    def test_a_wrong_value_in_a_file_names_the_profile(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.prod]\ntimeout = "soon"\n')
        with pytest.raises(SettingsError, match=r"milvus-secure\.toml \[profiles\.prod\]"):
            load(profile="prod")

    def test_all_wrong_values_are_told_at_once(self, load):
        with pytest.raises(SettingsError) as error:
            load(timeout="soon", secure="maybe")
        assert {found.setting for found in error.value.findings} == {"timeout", "secure"}


class TestReplace:
    def test_arguments_win_and_the_rest_keeps_its_source(self, load):
        changed = load({"MILVUS_USER": "root", "MILVUS_DB": "one"}).replace(db_name="two")
        assert (changed.user, changed.source_of("user")) == ("root", "env MILVUS_USER")
        assert (changed.db_name, changed.source_of("db_name")) == ("two", "argument")

    def test_the_original_stays_as_it_was(self, load):
        settings = load(db_name="one")
        settings.replace(db_name="two")
        assert settings.db_name == "one"

    def test_none_takes_a_setting_back_to_its_default(self, load):
        changed = load(timeout=3, user="u").replace(timeout=None, user=None)
        assert (changed.timeout, changed.user) == (10.0, None)
        assert changed.source_of("timeout") == "default"

    def test_relative_paths_start_at_the_working_directory(self, load):
        assert load().replace(ca_pem_path="ca.pem").ca_pem_path == Path.cwd() / "ca.pem"

    def test_a_new_uri_takes_the_old_ones_credentials_along(self, load):
        changed = load(uri="https://u:p@h:1/db").replace(uri="https://other:1")
        assert (changed.user, changed.password, changed.db_name) == (None, None, None)

    def test_an_unknown_name_is_an_error(self, load):
        with pytest.raises(SettingsError, match="Did you mean 'uri'"):
            load().replace(url="x")

    def test_instances_are_immutable(self, load):
        with pytest.raises(ValueError, match="frozen"):
            load().uri = "https://h:1"


class TestCopies:
    @pytest.mark.parametrize("make", [
        copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s)),
    ], ids=["copy", "deepcopy", "pickle"])  # fmt: skip
    def test_a_copy_says_the_same_and_serves_its_own_paths(self, make, load):
        settings = load({"MILVUS_CA_PEM": "text", "MILVUS_TOKEN": "t"})
        path = settings.spool.path_for(b"text")
        again = make(settings)
        assert again.shown() == settings.shown()
        assert again.token.get_secret_value() == "t"
        assert Path(again.spool.path_for(b"text")).read_bytes() == b"text"
        assert Path(path).read_bytes() == b"text"


class TestMasking:
    SECRETS = ("password", "token", "client_key_password", "client_key")

    @pytest.mark.parametrize("name", SECRETS)
    def test_secrets_are_in_nothing_that_is_printed(self, name, load):
        settings = load(**{name: "canary"})
        printed = f"{settings!r}{settings}{settings.shown()}{settings.model_dump()}"
        assert "canary" not in printed + settings.model_dump_json()

    @pytest.mark.parametrize("uri", [
        "https://root:canary@h:1", "https://root:canary/1@h:1", "https://root:ca#canary@h",
        "root:canary@h", "http:/root:canary//x@h", "https://root:canary@[::1", "https://a:canary@",
        "https://root:canary@h:notaport", "https://canary@h:1", " https://root:canary@h:1 ",
    ])  # fmt: skip
    def test_a_password_in_a_uri_is_in_nothing_that_is_printed(self, uri, load):
        settings = load(uri=uri)
        printed = f"{settings!r}{settings}{settings.shown()}{settings.model_dump()}{settings.notes}"
        assert "canary" not in printed + settings.model_dump_json()

    def test_pem_text_is_not_printed(self, load):
        settings = load(client_pem="canary", ca_pem="canary")
        assert "canary" not in f"{settings!r}{settings.shown()}{settings.model_dump()}"
