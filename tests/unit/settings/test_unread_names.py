"""Advice on variables and secret files that nothing reads."""

from __future__ import annotations

import pytest

from milvus_secure import Severity


class TestVerification:
    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("MILVUS_SSL_VERIFY", "false"),
            ("MILVUS_VERIFY_SSL", "0"),
            ("MILVUS_TLS_VERIFY", "no"),
            ("MILVUS_INSECURE", "1"),
            ("MILVUS_TLS_SKIP_VERIFY", "true"),
            ("MILVUS_TLS_INSECURE_SKIP_VERIFY", "yes"),
        ],
    )
    def test_a_variable_that_turns_it_off_names_the_ca_instead(self, variable, value, load):
        (note,) = load({variable: value}).notes
        assert (note.code, note.setting, note.expected) == (
            "env-unknown",
            "ca_pem_path",
            "MILVUS_CA_PEM_PATH",
        )
        assert "always verified" in note.message

    @pytest.mark.parametrize(
        ("variable", "value"),
        [("MILVUS_SSL_VERIFY", "true"), ("MILVUS_INSECURE", "0"), ("MILVUS_VERIFY", "1")],
    )
    def test_a_variable_that_asks_for_it_yields_no_note(self, variable, value, load):
        assert load({variable: value}).notes == ()


class TestFileVariables:
    @pytest.mark.parametrize(
        ("variable", "setting"),
        [
            ("MILVUS_PASSWORD_FILE", "password"),
            ("MILVUS_TOKEN_FILE", "token"),
            ("MILVUS_USERNAME_FILE", "user"),
            ("MILVUS_CLIENT_KEY_PASSWORD_FILE", "client_key_password"),
        ],
    )
    def test_the_form_of_docker_secrets_names_the_secrets_directory(self, variable, setting, load):
        (note,) = load({variable: "/run/secrets/x"}).notes
        assert (note.setting, note.expected) == (setting, "MILVUS_SECRETS_DIR")
        assert f"milvus_{setting}," in note.remedy

    def test_a_file_of_pem_text_is_advised_as_a_path(self, load):
        (note,) = load({"MILVUS_CA_PEM_FILE": "/ca.pem"}).notes
        assert note.expected == "MILVUS_CA_PEM_PATH"


class TestSecretFiles:
    @pytest.fixture
    def notes(self, load, tmp_path):
        def make(name):
            (tmp_path / "secrets").mkdir()
            (tmp_path / "secrets" / "milvus_uri").write_text("https://h:1")
            (tmp_path / "secrets" / name).write_text("x")
            return load(secrets_dir="secrets").notes

        return make

    @pytest.mark.parametrize("name", ["milvus-token", "milvus_token.txt", "MILVUS.TOKEN"])
    def test_another_separator_or_suffix_gets_the_right_name(self, name, notes):
        (note,) = notes(name)
        assert (note.severity, note.expected) == (Severity.WARNING, "MILVUS_TOKEN")

    def test_a_misspelled_one_is_called_a_file(self, notes):
        (note,) = notes("milvus_tokn")
        assert note.message.startswith("The file ")
        assert note.remedy == "Rename it to MILVUS_TOKEN."

    def test_a_name_without_the_prefix_may_be_another_programs(self, notes):
        (note,) = notes("token")
        assert (note.severity, note.expected) == (Severity.INFO, "MILVUS_TOKEN")

    @pytest.mark.parametrize("name", ["postgres_password", "namespace", "..data", "ca.pem"])
    def test_files_of_other_programs_yield_no_note(self, name, notes):
        assert notes(name) == ()
