"""What other projects and Kubernetes call a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure import SettingsError
from milvus_secure.settings.other_names import meant_setting

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class TestEndpoints:
    @pytest.mark.parametrize(
        ("environ", "uri"),
        [
            ({"MILVUS_HOST": "h", "MILVUS_PORT": "1"}, "https://h:1"),
            ({"MILVUS_HOST": "h"}, "https://h:19530"),
            ({"MILVUS_HOST": '"h"', "MILVUS_PORT": "'1' "}, "https://h:1"),
            ({"MILVUS_HOST": "h:2", "MILVUS_PORT": "1"}, "https://h:2"),
            ({"MILVUS_HOST": "::1", "MILVUS_PORT": "1"}, "https://[::1]:1"),
            ({"MILVUS_HOST": "http://h:2", "MILVUS_ALLOW_PLAINTEXT": "1"}, "http://h:2"),
            ({"MILVUS_HOST": "h", "MILVUS_PORT": "tcp://10.0.0.1:19530"}, "https://h:19530"),
            ({"MILVUS_HOST": "https://h", "MILVUS_PORT": "1"}, "https://h:1"),
            ({"MILVUS_HOST": "https://h/db", "MILVUS_PORT": "1"}, "https://h:1"),
            ({"MILVUS_HOST": "https://h:2", "MILVUS_PORT": "1"}, "https://h:2"),
            ({"MILVUS_ADDRESS": "h:1"}, "https://h:1"),
            ({"MILVUS_ENDPOINT": "https://h:1/db"}, "https://h:1"),
            ({"MILVUS_HOST": "h", "MILVUS_USE_TLS": "false"}, "http://h:19530"),
            ({"MILVUS_HOST": "h", "MILVUS_TLS_MODE": "0"}, "http://h:19530"),
            ({"MILVUS_HOST": "h", "MILVUS_SECURE": "1"}, "https://h:19530"),
            ({"MILVUS_URI": "https://u:1", "MILVUS_HOST": "h"}, "https://u:1"),
        ],
    )
    def test_are_used_where_the_meaning_is_sure(self, environ, uri, load):
        settings = load(environ)
        assert (settings.uri, settings.notes) == (uri, ())
        assert settings.endpoint is not None

    @pytest.mark.parametrize("port", ["abc", "0", "99999", "19530/tcp"])
    def test_a_port_that_is_none_is_an_error_of_the_uri(self, port, load):
        settings = load({"MILVUS_HOST": "h", "MILVUS_PORT": port})
        assert settings.uri_fault == "its port is not a number from 1 to 65535"
        assert settings.source_of("uri") == "env MILVUS_HOST, env MILVUS_PORT"

    def test_host_and_port_name_both_variables_as_source(self, load):
        settings = load({"MILVUS_HOST": "h", "MILVUS_PORT": "1"})
        assert settings.source_of("uri") == "env MILVUS_HOST, env MILVUS_PORT"

    @pytest.mark.parametrize(
        ("environ", "env_file", "uri", "source"),
        [
            ({"MILVUS_PORT": "1"}, "MILVUS_HOST=h", "https://h:1", ".env:1, env MILVUS_PORT"),
            ({"MILVUS_HOST": "h"}, "MILVUS_PORT=1", "https://h:1", "env MILVUS_HOST, .env:1"),
            (
                {"MILVUS_PORT": "2"},
                "MILVUS_HOST=h\nMILVUS_PORT=1",
                "https://h:2",
                ".env:1, env MILVUS_PORT",
            ),
            (
                {"MILVUS_HOST": "h", "MILVUS_PORT": "tcp://10.0.0.1:19530"},
                "MILVUS_PORT=1",
                "https://h:1",
                "env MILVUS_HOST, .env:1",
            ),
        ],
    )
    def test_host_and_port_may_come_from_two_sources(
        self, environ, env_file, uri, source, load, tmp_path
    ):
        (tmp_path / ".env").write_text(env_file)
        settings = load(environ)
        assert (settings.uri, settings.source_of("uri")) == (uri, source)

    @pytest.mark.parametrize("port", ["env", "file"])
    def test_host_and_port_may_be_secret_files(self, port, load, tmp_path):
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "milvus_host").write_text("h\n")
        if port == "file":
            (secrets / "milvus_port").write_text("1\n")
        environ = {"MILVUS_PORT": "1"} if port == "env" else {}
        settings = load(environ, secrets_dir=secrets)
        assert (settings.uri, settings.notes) == ("https://h:1", ())

    @pytest.mark.parametrize(
        ("variable", "reason"),
        [
            ("MILVUS_PORT", "it is used only together with MILVUS_HOST"),
            ("MILVUS_ADDRESS", "a tcp:// address is what Kubernetes sets"),
            ("MILVUS_URL", "its name looks like MILVUS_URI"),
        ],
    )
    def test_the_reason_why_a_variable_is_not_read_is_reported(self, variable, reason, load):
        value = "1" if variable == "MILVUS_PORT" else "tcp://10.0.0.1:19530"
        assert reason in load({variable: value}).notes[0].message

    @pytest.mark.trips("env-unknown")
    @pytest.mark.parametrize(
        "environ",
        [
            {"MILVUS_PORT": "tcp://10.0.0.1:19530"},
            {"MILVUS_HOST": "tcp://10.0.0.1:19530"},
            {"MILVUS_ADDRESS": "tcp://10.0.0.1:19530"},
            {"MILVUS_ENDPOINT": "TCP://10.0.0.1:19530"},
            {"MILVUS_SERVICE_HOST": "10.0.0.1"},
            {"MILVUS_PORT_19530_TCP": "tcp://10.0.0.1:19530"},
            {"MILVUS_URL": "https://h:1"},
            {"MILVUS_SERVER": "h"},
            {"MILVUS_PORT": "19530"},
            {"MILVUS_GRPC_ENDPOINT": "h:1"},
        ],
    )
    def test_falling_back_to_localhost_is_reported(self, environ, load):
        settings = load(environ)
        [note] = settings.notes
        assert (note.code, note.severity.value, note.setting) == ("env-unknown", "warning", "uri")
        assert "the default https://localhost:19530 is used" in note.message
        assert settings.source_of("uri") == "default"

    def test_the_service_of_kubernetes_is_named(self, load):
        environ = {
            "MILVUS_PROD_SERVICE_HOST": "10.0.0.1",
            "MILVUS_PROD_SERVICE_PORT": "19531",
            "MILVUS_PROD_PORT": "tcp://10.0.0.1:19531",
        }
        [note] = load(environ).notes
        assert "MILVUS_URI=https://milvus-prod:19531" in note.remedy

    @pytest.mark.passes("env-unknown")
    @pytest.mark.parametrize(
        "name",
        [
            "MILVUS_PORT",
            "MILVUS_HOST",
            "MILVUS_SERVICE_HOST",
            "MILVUS_SERVICE_PORT_METRICS",
        ],
    )
    def test_kubernetes_is_not_mentioned_where_a_uri_is_set(self, name, load):
        assert load({name: "tcp://10.0.0.1:1", "MILVUS_URI": "https://h:1"}).notes == ()


class TestMaterial:
    @pytest.mark.parametrize(
        ("variable", "setting"),
        [
            ("MILVUS_TLS_ROOT_CERT", "ca_pem"),
            ("MILVUS_CA_CERT", "ca_pem"),
            ("MILVUS_TLS_CERT_CHAIN", "client_pem"),
            ("MILVUS_TLS_PRIVATE_KEY", "client_key"),
        ],
    )
    def test_a_variable_may_hold_a_path_or_a_text(self, variable, setting, load):
        by_path = load({variable: "/x.pem", "MILVUS_URI": "https://h:1"})
        assert getattr(by_path, f"{setting}_path") == Path("/x.pem")
        by_text = load({variable: PEM, "MILVUS_URI": "https://h:1"})
        assert by_text.pem_sources[setting].text.strip() == PEM.strip()
        assert by_text.source_of(setting) == f"env {variable}"
        assert by_path.notes == by_text.notes == ()

    @pytest.mark.parametrize(
        ("variable", "setting", "value"),
        [
            ("MILVUS_TLS_ROOT_CERT_PATH", "ca_pem_path", Path("/x")),
            ("MILVUS_TLS_CERT_CHAIN_PATH", "client_pem_path", Path("/x")),
            ("MILVUS_TLS_PRIVATE_KEY_PATH", "client_key_path", Path("/x")),
            ("MILVUS_TLS_SERVER_NAME", "server_name", "/x"),
        ],
    )
    def test_attus_names(self, variable, setting, value, load):
        assert getattr(load({variable: "/x"}), setting) == value

    @pytest.mark.trips("value-invalid")
    def test_a_text_where_only_a_path_can_be_is_refused(self, load):
        with pytest.raises(SettingsError, match="ca_pem_path"):
            load({"MILVUS_CA_PEM_PATH": PEM})

    @pytest.mark.parametrize("proper", ["MILVUS_CA_PEM", "MILVUS_CA_PEM_PATH"])
    @pytest.mark.parametrize("value", ["/other.pem", PEM])
    def test_a_settings_own_name_has_precedence(self, proper, value, load):
        settings = load({proper: "x", "MILVUS_CA_CERT": value, "MILVUS_URI": "https://h:1"})
        assert settings.pem_sources["ca_pem"].source == f"env {proper}"


class TestMeaning:
    @pytest.mark.trips("env-unknown")
    @pytest.mark.parametrize(
        ("name", "setting"),
        [
            ("CA_FILE", "ca_pem_path"),
            ("CACERT", "ca_pem_path"),
            ("ROOT_CA", "ca_pem_path"),
            ("SSL_CA", "ca_pem_path"),
            ("TLS_CA_CERT_FILE", "ca_pem_path"),
            ("CA_BUNDLE", "ca_pem_path"),
            ("ROOT_CERT_PATH", "ca_pem_path"),
            ("SSL_CERT_FILE", "ca_pem_path"),
            ("TLS_CERT", "client_pem_path"),
            ("CLIENT_CERT_PATH", "client_pem_path"),
            ("SSL_CERTFILE", "client_pem_path"),
            ("MTLS_CERT", "client_pem_path"),
            ("TLS_KEY", "client_key_path"),
            ("SSL_KEYFILE", "client_key_path"),
            ("CLIENT_PRIVATE_KEY", "client_key_path"),
            ("MTLS_KEY", "client_key_path"),
            ("SERVER_CERT", "server_pem_path"),
            ("TLS_SERVER_CERT_FILE", "server_pem_path"),
            ("KEY_PASSWORD", "client_key_password"),
            ("TLS_KEY_PASSPHRASE", "client_key_password"),
            ("PASS", "password"),
            ("API_KEY", "token"),
            ("AUTH_TOKEN", "token"),
            ("LOGIN", "user"),
            ("SNI", "server_name"),
            ("SERVER_NAME_OVERRIDE", "server_name"),
            ("DBNAME", "db_name"),
            ("CONNECT_TIMEOUT", "timeout"),
            ("TLS", "secure"),
            ("ENABLE_TLS", "secure"),
        ],
    )
    def test_the_advice_on_an_unknown_variable_follows_it(self, name, setting, load):
        [note] = load({f"MILVUS_{name}": "x", "MILVUS_URI": "https://h:1"}).notes
        assert note.expected == f"MILVUS_{setting.upper()}"

    @pytest.mark.passes("env-unknown")
    @pytest.mark.parametrize(
        "name",
        [
            "PARTITION_KEY",
            "PRIMARY_KEY",
            "ROOT_PATH",
            "MODE",
            "NAME",
            "DATA",
            "VERSION",
            "HOME",
            "COLLECTION",
            "LOG_FILE",
            "ROOT_PASSWORD",
            "SERVER_KEY",
            "IMAGE",
            "DATA_PATH",
            "NAMESPACE",
        ],
    )
    def test_a_name_of_another_meaning_gets_no_advice(self, name, load):
        assert load({f"MILVUS_{name}": "x", "MILVUS_URI": "https://h:1"}).notes == ()

    @pytest.mark.trips("config-unknown-key")
    @pytest.mark.parametrize(
        ("key", "meant"),
        [
            ("port", "uri"),
            ("ca_file", "ca_pem_path"),
            ("caFile", "ca_pem_path"),
            ("ssl_ca", "ca_pem_path"),
            ("root_cert", "ca_pem_path"),
            ("certfile", "client_pem_path"),
            ("key", "client_key_path"),
            ("host", "uri"),
            ("username", "user"),
            ("database", "db_name"),
            ("api_key", "token"),
            ("ca_certs", "ca_pem_path"),
            ("client_cert", "client_pem_path"),
        ],
    )
    def test_the_advice_on_an_unknown_key_follows_it(self, key, meant, load, tmp_path):
        (tmp_path / "milvus-secure.toml").write_text(f'{key} = "x"\n')
        with pytest.raises(SettingsError, match=f"Did you mean '{meant}'"):
            load()
        with pytest.raises(SettingsError, match=f"Did you mean '{meant}'"):
            load(config=False, **{key: "x"})

    def test_a_path_key_names_the_one_for_text_too(self, load):
        with pytest.raises(SettingsError, match="or 'ca_pem' for the text itself"):
            load(ca_file="x")

    @pytest.mark.parametrize("name", ["", "_", "TOKN", "ca_pem_pth"])
    def test_no_meaning_is_made_up(self, name):
        assert meant_setting(name) is None


class TestSecretsDirectory:
    @pytest.fixture
    def secret(self, tmp_path) -> Path:
        """A volume as Kubernetes mounts one: links to links."""
        folder = tmp_path / "secret"
        data = folder / "..2026_11_26"
        data.mkdir(parents=True)
        (folder / "..data").symlink_to(data.name)
        for name in ("ca.crt", "tls.crt", "tls.key"):
            (data / name).write_text("text")
            (folder / name).symlink_to(f"..data/{name}")
        return folder

    @pytest.mark.passes("secrets-dir-unused")
    def test_a_kubernetes_tls_secret_gives_the_paths_of_its_files(self, secret, load):
        settings = load(secrets_dir=secret)
        paths = [str(source.path) for source in settings.pem_sources.values()]
        assert paths == [f"{secret}/ca.crt", f"{secret}/tls.crt", f"{secret}/tls.key"]
        assert settings.source_of("client_pem_path") == f"secret {secret}/tls.crt"
        assert settings.notes == ()

    def test_half_a_pair_is_not_used(self, secret, load):
        (secret / "tls.key").unlink()
        assert list(load(secrets_dir=secret).pem_sources) == ["ca_pem"]

    @pytest.mark.parametrize(
        ("values", "remaining"),
        [
            ({"ca_pem": PEM}, {"ca_pem", "client_pem_path", "client_key_path"}),
            ({"client_pem_path": "/c"}, {"ca_pem_path", "client_pem_path"}),
            ({"client_key": "k"}, {"ca_pem_path", "client_key"}),
        ],
    )
    def test_what_is_set_elsewhere_has_precedence(self, values, remaining, secret, load):
        settings = load(secrets_dir=secret, **values)
        assert {source.setting for source in settings.pem_sources.values()} == remaining

    @pytest.mark.trips("secrets-dir-unused")
    @pytest.mark.parametrize("names", [[], ["token", "ca.pem"]])
    def test_a_directory_without_any_setting_is_reported(self, names, load, tmp_path):
        folder = tmp_path / "secret"
        folder.mkdir()
        for name in names:
            (folder / name).write_text("canary")
        [note] = load(secrets_dir=folder).notes
        assert (note.code, note.setting) == ("secrets-dir-unused", "secrets_dir")
        assert all(name in note.message for name in names)
        assert "canary" not in repr(note)


class TestEnvFile:
    @pytest.mark.trips("config-file-malformed")
    @pytest.mark.parametrize("body", ["MIIBcanary+/x\nMIIC", "MIIBcanary==", "MIIBcanary"])
    def test_an_unquoted_text_of_several_lines_gets_the_fix(self, body, load, tmp_path):
        text = (
            f"A=1\nMILVUS_CA_PEM=-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
        )
        (tmp_path / ".env").write_text(text)
        with pytest.raises(SettingsError) as caught:
            load()
        [finding] = caught.value.findings
        assert (finding.code, finding.source) == ("config-file-malformed", ".env:2")
        assert "double quotes" in finding.remedy
        assert "canary" not in str(caught.value)

    def test_the_text_of_another_variable_is_ignored(self, load, tmp_path):
        text = "OTHER=-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nMILVUS_USER=u\n"
        (tmp_path / ".env").write_text(text)
        assert load().user == "u"

    def test_a_quoted_text_is_read(self, load, tmp_path):
        (tmp_path / ".env").write_text(f'MILVUS_CA_PEM="{PEM}"\nMILVUS_USER=u\n')
        assert (load().ca_pem, load().user) == (PEM.strip(), "u")
