"""How a value is processed: paths, cleaning, the parts of a URI, types."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from milvus_secure import MilvusSettings
from milvus_secure._common.tls_mode import TLSMode
from milvus_secure.errors import SettingsError
from milvus_secure.settings.model import declarations


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
            "value-cleaned",
            "user",
            "env MILVUS_USER",
        )

    def test_what_was_stripped_is_shown_as_it_was(self, load):
        (note,) = load({"MILVUS_USER": "root\r"}).notes
        assert (note.expected, note.presented) == ("root", "'root\\r'")
        assert "line end" in note.message

    @pytest.mark.passes("value-cleaned")
    @pytest.mark.parametrize("text", ["root", "ro'ot", "it's", '"', "a b"])
    def test_characters_inside_belong_to_the_value(self, text, load):
        settings = load({"MILVUS_USER": text})
        assert (settings.user, settings.notes) == (text, ())

    @pytest.mark.passes("value-cleaned")
    @pytest.mark.parametrize("secret", [" pw ", '"pw"', "'pw'", "pw\r", " "])
    @pytest.mark.parametrize("name", ["password", "token", "client_key_password"])
    @pytest.mark.parametrize("place", ["argument", "s.toml", "s.yaml", "s.json", "secret"])
    def test_a_secret_in_code_or_a_file_is_not_changed(self, place, name, secret, load, tmp_path):
        if place == "argument":
            settings = load(**{name: secret})
        elif place == "secret":
            (tmp_path / f"milvus_{name}").write_text(f"{secret}\n", newline="")
            if secret.endswith("\r"):
                return  # a line end of Windows belongs to the file
            settings = load(secrets_dir=tmp_path)
        else:
            text = json.dumps(secret)
            form = {"toml": f"{name} = {text}", "yaml": f"{name}: {text}"}
            text = form.get(place[2:], f'{{"{name}": {text}}}')
            (tmp_path / place).write_text(text)
            settings = load(config=place)
        assert getattr(settings, name).get_secret_value() == secret
        assert settings.notes == ()

    def test_other_values_in_code_are_cleaned(self, load):
        assert load(uri=' "https://h:1" ').uri == "https://h:1"

    @pytest.mark.trips("value-cleaned")
    def test_a_comment_that_cuts_a_secret_in_an_env_file_is_noted(self, load, tmp_path):
        (tmp_path / ".env").write_text("\nMILVUS_PASSWORD=canary #1\nMILVUS_USER=u # me\n")
        settings = load()
        [note] = settings.notes
        assert settings.password.get_secret_value() == "canary"
        assert (note.code, note.setting, note.source) == ("value-cleaned", "password", ".env:2")
        assert "canary" not in repr(note)

    @pytest.mark.passes("value-cleaned")
    @pytest.mark.parametrize("text", ["#pw", "p#w", "'p #w'", '"p #w"', "'p' #w"])
    def test_a_hash_that_cuts_nothing_is_not(self, text, load, tmp_path):
        (tmp_path / ".env").write_text(f"MILVUS_PASSWORD={text}\n")
        assert load().notes == ()

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

    def test_a_lone_user_with_a_separate_password_is_the_user(self, load):
        settings = load({"MILVUS_PASSWORD": "pw"}, uri="https://root@h:1")
        assert (settings.user, settings.token) == ("root", None)

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
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("true", True),
            ("1", True),
            ("yes", True),
            ("on", True),
            ("TRUE", True),
            ("false", False),
            ("0", False),
            ("no", False),
            ("off", False),
        ],
    )
    def test_truth_as_text(self, text, value, load):
        assert load({"MILVUS_SECURE": text}).secure is value

    @pytest.mark.parametrize(
        ("value", "mode"),
        [
            ("auto", TLSMode.AUTO),
            ("0", TLSMode.PLAINTEXT),
            (1, TLSMode.ONE_WAY),
            ("2", TLSMode.MUTUAL),
            ("One_Way", TLSMode.ONE_WAY),
            (TLSMode.MUTUAL, TLSMode.MUTUAL),
        ],
    )
    def test_modes_by_name_and_number(self, value, mode, load):
        assert load(tls_mode=value).tls_mode is mode

    @pytest.mark.trips("value-invalid")
    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"timeout": 0}, "it must be greater than 0"),
            ({"timeout": "10s"}, "it is not a number"),
            ({"expiry_warning_days": "1.5"}, "it is not a whole number"),
            ({"secure": "maybe"}, "it is not true or false"),
            ({"uri": 5}, "it is not text"),
        ],
    )
    def test_the_reason_is_said_without_words_of_pydantic(self, values, reason, load):
        with pytest.raises(SettingsError, match=f"cannot be used: {reason}"):
            load(**values)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("timeout", "soon"),
            ("timeout", "0"),
            ("timeout", "-1"),
            ("timeout", "nan"),
            ("timeout", "1e9"),
            ("timeout", True),
            ("timeout", []),
            ("secure", "maybe"),
            ("secure", 2),
            ("tls_mode", "3"),
            ("tls_mode", True),
            ("tls_mode", {}),
            ("expiry_warning_days", "1.5"),
            ("expiry_warning_days", "-1"),
            ("uri", 5),
            ("user", ["a"]),
            ("token", 12345),
            ("ca_pem_path", 5),
            ("client_key", {"a": 1}),
            ("db_name", "\ud800"),
        ],
    )
    def test_a_value_of_the_wrong_type_names_setting_and_source(self, name, value, load):
        with pytest.raises(SettingsError, match=name) as error:
            load(**{name: value})
        (finding,) = error.value.findings
        assert (finding.code, finding.setting, finding.source) == (
            "value-invalid",
            name,
            "argument",
        )
        assert finding.remedy == "Correct the argument."

    @pytest.mark.trips("value-invalid")
    def test_a_wrong_value_in_a_file_names_the_profile(self, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text('[profiles.prod]\ntimeout = "soon"\n')
        with pytest.raises(SettingsError, match=r"milvus-secure\.toml \[profiles\.prod\]"):
            load(profile="prod")

    def test_all_wrong_values_are_reported_together(self, load):
        with pytest.raises(SettingsError) as error:
            load(timeout="soon", secure="maybe")
        assert {finding.setting for finding in error.value.findings} == {"timeout", "secure"}


NAMES = [
    row.name.upper() for row in declarations() if row.type in {"text", "path", "path or `system`"}
]


class TestMaterial:
    """A certificate or key where a path or a name belongs: it must not be shown."""

    KEY = "-----BEGIN PRIVATE KEY-----\nMIGHcanary\n-----END PRIVATE KEY-----\n"

    @pytest.mark.trips("value-invalid")
    @pytest.mark.parametrize(
        "name", ["client_key_path", "ca_pem_path", "server_name", "uri", "user"]
    )
    @pytest.mark.parametrize(
        "text",
        [
            KEY,
            base64.b64encode(KEY.encode()).decode(),
            "MIGH" + "canary" * 40,
        ],
        ids=["PEM", "base64 of PEM", "base64 of DER"],
    )
    def test_is_refused_without_being_shown(self, name, text, load):
        with pytest.raises(SettingsError) as caught:
            load({f"MILVUS_{name.upper()}": text})
        [finding] = caught.value.findings
        assert (finding.code, finding.setting, finding.presented) == (
            "value-invalid",
            name,
            "<PEM text>",
        )
        for secret in ("canary", text[:40], "LS0t"):
            assert secret not in f"{caught.value}{finding}"

    @pytest.mark.trips("value-invalid")
    @pytest.mark.parametrize("form", ["base64", "hex", "no dashes", "data", "base64 of PEM"])
    @pytest.mark.parametrize("place", [*NAMES, "CONFIG", "PROFILE", "SECRETS_DIR"])
    def test_is_in_no_outcome_of_any_place_in_any_form(self, place, form, load, tmp_path):
        key = ed25519.Ed25519PrivateKey.generate()
        pem, der = (
            key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
            for encoding in (Encoding.PEM, Encoding.DER)
        )
        body = base64.b64encode(der).decode()
        text = {
            "base64": body,
            "hex": der.hex(),
            "no dashes": pem.decode().replace("-", ""),
            "data": f"data:;base64,{body}",
            "base64 of PEM": base64.b64encode(pem).decode(),
        }[form]
        (tmp_path / "milvus-secure.toml").write_text("[profiles.prod]\n")
        with pytest.raises(SettingsError) as caught:
            load({f"MILVUS_{place}": text})
        [finding] = caught.value.findings
        assert (finding.code, finding.presented) == ("value-invalid", "<PEM text>")
        assert not any(part in f"{caught.value}{finding}" for part in (text[:30], text[-30:], body))

    @pytest.mark.parametrize("place", ["config", "profile", "secrets_dir", "env_file"])
    def test_is_not_shown_as_an_argument_that_names_a_place(self, place, load):
        with pytest.raises(SettingsError) as caught:
            load(**{place: "MC4C" + "canary" * 10})
        assert "canary" not in str(caught.value)

    def test_an_endpoint_that_is_a_key_is_refused_too(self):
        key = base64.b64encode(bytes.fromhex("302e020100300506032b6570") + bytes(36)).decode()
        with pytest.raises(SettingsError, match="text of a certificate or key"):
            MilvusSettings.from_arguments(uri=f"https://{key.rstrip('=')}:19530")

    def test_the_setting_it_belongs_in_is_named(self, load):
        with pytest.raises(SettingsError, match="which belongs in client_key"):
            load(client_key_path=self.KEY)

    @pytest.mark.passes("value-invalid")
    @pytest.mark.parametrize("text", ["MIB/ca.pem", "/etc/BEGIN/ca.pem", "LS0/ca.pem"])
    def test_a_path_that_begins_like_it_is_a_path(self, text, load):
        assert load(ca_pem_path=text).ca_pem_path.name == "ca.pem"
