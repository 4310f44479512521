"""Settings in files: formats, profiles, a secrets directory, and what is wrong with them."""

from __future__ import annotations

import sys

import pytest

from milvus_secure.errors import SettingsError
from milvus_secure.settings.model import declarations


def codes_of_error(error: pytest.ExceptionInfo[SettingsError]) -> list[str]:
    return [finding.code for finding in error.value.findings]


class TestFiles:
    def test_a_profile_overrides_the_base(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(
            'user = "base"\ndb_name = "base"\n[profiles.prod]\nuser = "prod"\n'
        )
        settings = load(profile="prod")
        assert (settings.user, settings.db_name) == ("prod", "base")
        assert settings.source_of("user") == "milvus-secure.toml [profiles.prod]"
        assert settings.source_of("db_name") == "milvus-secure.toml"

    @pytest.mark.trips("config-unknown-key")
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("s.toml", '[milvus]\nuri = "https://h:1"\n'),
            ("s.toml", '[profile.prod]\nuri = "https://h:1"\n'),
            ("s.toml", '[tls]\nca = "ca.pem"\n'),
            ("s.yaml", "prod:\n  uri: https://h:1\n"),
            ("s.json", '{"default": {"uri": "https://h:1"}}'),
        ],
    )
    def test_a_table_that_is_no_profile_is_refused_with_the_place_for_it(
        self, name, text, load, tmp_path
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(SettingsError, match=r"profiles as \[profiles\.NAME\]"):
            load(config=name)

    def test_without_a_profile_only_the_base_is_used(self, load, tmp_path):
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

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("s.toml", "timeout = 3\n[profiles.p]\nsecure = true\n"),
            ("s.yaml", "timeout: 3\nprofiles:\n  p:\n    secure: yes\n"),
            ("s.yml", "timeout: 3\nprofiles: {p: {secure: true}}\n"),
            ("s.json", '{"timeout": 3, "profiles": {"p": {"secure": true}}}'),
            ("bom.toml", "\ufefftimeout = 3\r\n[profiles.p]\r\nsecure = true\r\n"),
        ],
    )
    def test_every_format_says_the_same(self, name, text, load, tmp_path):
        (tmp_path / name).write_bytes(text.encode())
        settings = load(config=name, profile="p")
        assert (settings.timeout, settings.secure) == (3.0, True)

    @pytest.mark.parametrize("name", ["empty.toml", "empty.yaml"])
    def test_an_empty_file_sets_nothing(self, name, load, tmp_path):
        (tmp_path / name).write_text("")
        assert load(config=name).source_of("uri") == "default"

    @pytest.mark.trips("config-file-missing")
    @pytest.mark.parametrize(
        "values",
        [
            {"config": "nowhere.toml"},
            {"secrets_dir": "nowhere"},
            {"env_file": "nowhere.env"},
        ],
    )
    def test_a_named_place_that_is_missing_is_an_error(self, values, load):
        with pytest.raises(SettingsError, match="does not exist") as error:
            load(**values)
        assert codes_of_error(error) == ["config-file-missing"]

    @pytest.mark.passes("config-file-missing")
    def test_implicit_places_may_be_missing(self, load):
        assert load().notes == ()

    @pytest.mark.trips("profile-missing")
    def test_a_profile_that_is_missing_is_an_error_with_the_nearest(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.prod]\nuser = "prod"\n')
        with pytest.raises(SettingsError, match="Did you mean 'prod'") as error:
            load({"MILVUS_PROFILE": "prd"})
        assert codes_of_error(error) == ["profile-missing"]
        assert error.value.findings[0].source == "env MILVUS_PROFILE"

    @pytest.mark.trips("profile-missing")
    def test_a_profile_without_any_file_is_an_error(self, load):
        with pytest.raises(SettingsError, match=r"no settings file .*milvus-secure\.toml"):
            load(profile="prod")

    @pytest.mark.passes("profile-missing")
    def test_an_empty_profile_is_a_profile(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text("[profiles.prod]\n")
        assert load(profile="prod").source_of("uri") == "default"

    @pytest.mark.trips("config-unknown-key")
    @pytest.mark.parametrize(
        ("key", "meant"),
        [
            ("ca_pem_pat", "ca_pem_path"),
            ("url", "uri"),
            ("MILVUS_TOKEN", "token"),
        ],
    )
    @pytest.mark.parametrize("section", ["", "[profiles.other]\n"])
    def test_an_unknown_key_is_an_error_with_the_nearest(self, key, meant, section, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(f'{section}{key} = "x"\n')
        with pytest.raises(SettingsError, match=f"Did you mean '{meant}'") as error:
            load()
        assert codes_of_error(error) == ["config-unknown-key"]

    @pytest.mark.passes("config-unknown-key")
    def test_every_setting_is_a_known_key(self, load, tmp_path):
        lines = "".join(f'{row.name} = "1"\n' for row in declarations() if row.type != "mode")
        (tmp_path / "milvus-secure.toml").write_text(lines)
        assert load().source_of("client_key") == "milvus-secure.toml"

    @pytest.mark.parametrize("key", ["verify", "ssl_verify", "insecure", "tls_skip_verify"])
    def test_a_key_that_turns_verification_off_names_the_ca_instead(self, key, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(f"{key} = false\n")
        with pytest.raises(SettingsError, match="always verified: set ca_pem_path"):
            load()

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("s.toml", "user = 'a'\nuser = 'b'\n", r"contains a key twice \(at line 2"),
            ("s.toml", "[profiles.a]\n[profiles.a]\n", "contains a key twice"),
            ("s.yaml", "user: a\nuser: b\n", r"contains a key twice \(at line 2"),
            ("s.json", '{"user": "a", "user": "b"}', "contains a key twice"),
            ("s.yaml", "user: a\n---\nuser: b\n", "more than one YAML document"),
            ("s.yaml", "user: a\n\tdb_name: b\n", "a tab, which YAML does not allow"),
            ("s.json", f'{{"timeout": {"1" * 5000}}}', "number with too many digits"),
            ("s.toml", "user = 'a'\n".encode("utf-16"), "it is UTF-16 text; save it as UTF-8"),
        ],
    )
    def test_the_reason_why_a_file_cannot_be_read_is_plain(
        self, name, text, reason, load, tmp_path
    ):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SettingsError, match=reason):
            load(config=name)

    @pytest.mark.parametrize("value", ["0123", "2026-01-01", "1.5"])
    def test_a_number_in_place_of_text_is_to_be_quoted(self, value, load, tmp_path):
        (tmp_path / "s.yaml").write_text(f"password: {value}\n")
        with pytest.raises(SettingsError, match=r"between quotes in s\.yaml"):
            load(config="s.yaml")

    def test_a_secrets_directory_that_is_a_file_is_said_to_be_one(self, load, tmp_path):
        (tmp_path / "secrets").write_text("x")
        with pytest.raises(SettingsError, match="it is not a directory"):
            load(secrets_dir="secrets")

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

    @pytest.mark.trips("env-unknown")
    def test_a_misspelled_secret_is_reported(self, load, tmp_path):
        (tmp_path / "milvus_tokn").write_text("canary")
        (note,) = load(secrets_dir=tmp_path).notes
        assert (note.code, note.expected) == ("env-unknown", "MILVUS_TOKEN")
        assert note.source == f"secret {tmp_path}/milvus_tokn"

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem is of Linux")
    def test_an_unreadable_file_is_not_called_malformed(self, load):
        with pytest.raises(SettingsError, match="Give this user permission") as caught:
            load(config="/proc/self/mem")
        assert caught.value.command == "ls -ld /proc/self/mem"
