"""Contradictions between settings, found without opening a file, and sound ones left alone."""

from __future__ import annotations

import pytest

from milvus_secure._common.versions import installed_pymilvus
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.rules import SETTINGS as RULES

PAIR = {"client_pem_path": "client.pem", "client_key_path": "client.key"}
MUTUAL = {**PAIR, "ca_pem_path": "ca.pem"}
URI = {"uri": "https://h:19530"}
PLAIN = {"uri": "http://h:19530", "allow_plaintext": True}


@pytest.fixture
def settings_findings(settings):
    """The findings of the settings' rules alone."""

    def make(**values):
        return judge(Context(settings(**values), {}), RULES).findings

    return make


def finding_codes(findings):
    return [f.code for f in findings if f.code != "value-cleaned"]


class TestHealthy:
    """Each is a common way to connect; none may cause a finding."""

    @pytest.mark.passes("uri-invalid")
    @pytest.mark.passes("uri-port-implicit")
    @pytest.mark.passes("ipv6-literal")
    @pytest.mark.passes("plaintext-not-allowed")
    @pytest.mark.passes("plaintext-credentials")
    @pytest.mark.passes("secure-contradiction")
    @pytest.mark.passes("tls-mode-conflict")
    @pytest.mark.passes("client-pair-incomplete")
    @pytest.mark.passes("mutual-ca-missing")
    @pytest.mark.passes("server-pem-unused")
    @pytest.mark.passes("server-name-malformed")
    @pytest.mark.passes("server-name-unused")
    @pytest.mark.passes("inline-and-path")
    @pytest.mark.parametrize(
        "values",
        [
            {},
            URI,
            {**URI, "ca_pem_path": "ca.pem"},
            {**URI, "ca_pem_path": "system", "token": "t"},
            {**URI, "server_pem": "text", "server_name": "milvus.example.com"},
            # The guide's own way: http:// with secure=True and PEM files is TLS.
            {"uri": "http://h:19530", "secure": True, "server_pem_path": "server.pem"},
            {"uri": "http://h:19530", "secure": True, **MUTUAL, "server_name": "localhost"},
            {"uri": "tcp://h:19530", "server_pem_path": "server.pem"},
            {"uri": "http://h:19530", **MUTUAL},
            {**URI, **MUTUAL, "tls_mode": "mutual"},
            {**URI, **PAIR, "ca_pem": "text"},
            {**URI, **PAIR, "ca_pem_path": "system"},
            {**URI, **MUTUAL, "tls_mode": "one-way"},
            {**URI, "tls_mode": "one-way"},
            {"uri": "https://in01-x.aws-us-west-2.vectordb.zillizcloud.com", "token": "t"},
            {"uri": "https://127.0.0.1:19530", "server_name": "127.0.0.1"},
            {"uri": "https://h:19530", "server_name": "::1"},
            PLAIN,
            {**PLAIN, "secure": False},
            {**PLAIN, "tls_mode": "plaintext"},
            {"secure": False, "allow_plaintext": True},
            {"uri": "http://u:p@h:19530/db", "ca_pem_path": "ca.pem"},
        ],
        ids=str,
    )
    def test_a_sound_combination_yields_nothing(self, values, settings_findings):
        assert finding_codes(settings_findings(**values)) == []


class TestUri:
    @pytest.mark.trips("uri-invalid")
    @pytest.mark.parametrize("uri", ["localhost", "h:19530", "ftp://h", "https://h:x", "./m.db"])
    def test_a_uri_that_cannot_be_dialled(self, uri, settings_findings):
        findings = settings_findings(uri=uri, allow_plaintext=True)
        assert finding_codes(findings) == ["uri-invalid"]
        assert (findings[0].setting, findings[0].source) == ("uri", "argument")

    @pytest.mark.parametrize(
        ("uri", "fix"),
        [
            ("localhost:19530", "Write it as https://localhost:19530."),
            ("grpcs://h:1", "Write it as https://h:1."),
            ("https:/h:1", "Write it as https://h:1."),
            ("grpc://u:canary@h:1", "Write it as https://HOST:19530."),
            ("https://::1:1", "Write it as https://HOST:19530."),
        ],
    )
    def test_the_remedy_names_the_uri_that_was_meant(self, uri, fix, settings_findings):
        (finding,) = settings_findings(uri=uri)
        assert (finding.code, finding.remedy) == ("uri-invalid", fix)

    @pytest.mark.trips("uri-invalid")
    @pytest.mark.parametrize("character", ["\u200b", "\ufeff", "\u202e", "\u00ad"])
    def test_an_invisible_character_is_named(self, character, settings_findings):
        (finding,) = settings_findings(uri=f"https://h{character}:19530")
        assert f"invisible character U+{ord(character):04X}" in finding.message

    @pytest.mark.trips("server-name-malformed")
    def test_one_in_a_server_name_too(self, settings_findings):
        (finding,) = settings_findings(**URI, server_name="h.example\u200b")
        assert "invisible character U+200B" in finding.message

    @pytest.mark.trips("uri-invalid")
    def test_its_password_is_masked(self, settings_findings):
        assert "canary" not in repr(settings_findings(uri="https://root:canary@h:x"))

    @pytest.mark.trips("uri-port-implicit")
    def test_https_without_a_port(self, settings_findings):
        (finding,) = settings_findings(uri="https://milvus.example.com")
        assert (finding.code, finding.severity.value, finding.presented) == (
            "uri-port-implicit",
            "warning",
            "port 443",
        )

    @pytest.mark.trips("ipv6-literal")
    def test_an_ipv6_literal(self, settings_findings):
        assert finding_codes(settings_findings(uri="https://[::1]:19530")) == ["ipv6-literal"]


class TestCredentials:
    @pytest.mark.trips("credentials-unused")
    @pytest.mark.parametrize("setting", ["user", "password"])
    def test_half_of_a_pair_is_sent_by_no_pymilvus(self, setting, settings_findings):
        (finding,) = settings_findings(**URI, **{setting: "canary"})
        assert (finding.code, finding.severity.value) == ("credentials-unused", "info")
        assert finding.setting == setting
        assert "canary" not in repr(finding)

    @pytest.mark.passes("credentials-unused")
    @pytest.mark.parametrize("values", [{"user": "u", "password": "p"}, {"token": "t"}])
    def test_whole_credentials_are_used(self, values, settings_findings):
        assert finding_codes(settings_findings(**URI, **values)) == []


class TestPlaintext:
    @pytest.mark.trips("plaintext-not-allowed")
    @pytest.mark.parametrize(
        "values",
        [
            {"uri": "http://h"},
            {"uri": "tcp://h"},
            {"secure": False},
            {"tls_mode": "plaintext"},
            {"uri": "http://h", "tls_mode": 0},
        ],
    )
    def test_plaintext_that_nobody_allowed(self, values, settings_findings):
        assert finding_codes(settings_findings(**values)) == ["plaintext-not-allowed"]

    @pytest.mark.trips("plaintext-credentials")
    @pytest.mark.parametrize("values", [{"token": "t"}, {"user": "u", "password": "p"}])
    def test_allowed_plaintext_with_credentials(self, values, settings_findings):
        (finding,) = settings_findings(**PLAIN, **values)
        assert (finding.code, finding.severity.value) == ("plaintext-credentials", "warning")

    @pytest.mark.trips("secure-contradiction")
    @pytest.mark.parametrize(
        "values",
        [
            {**URI, "secure": False},
            {**URI, "tls_mode": "plaintext"},
            {"uri": "http://h", "secure": False, "ca_pem_path": "ca.pem"},
            {"uri": "http://h", "tls_mode": "plaintext", **MUTUAL},
            {"uri": "http://h", "tls_mode": "plaintext", "secure": True},
            {"uri": "http://h", "secure": False, "client_key": "text"},
            {**URI, "secure": False, "tls_mode": "one-way"},
        ],
    )
    @pytest.mark.parametrize("allowed", [True, False])
    def test_plaintext_next_to_tls_settings(self, values, allowed, settings_findings):
        assert finding_codes(settings_findings(**values, allow_plaintext=allowed)) == [
            "secure-contradiction"
        ]

    @pytest.mark.trips("server-name-unused")
    def test_a_server_name_without_tls(self, settings_findings):
        assert finding_codes(settings_findings(**PLAIN, server_name="h")) == ["server-name-unused"]


class TestMutual:
    @pytest.mark.trips("client-pair-incomplete")
    @pytest.mark.parametrize(
        ("have", "lack"),
        [
            ("client_pem_path", "client_key_path"),
            ("client_key_path", "client_pem_path"),
            ("client_key", "client_pem_path"),
        ],
    )
    def test_half_a_pair(self, have, lack, settings_findings):
        (finding,) = settings_findings(**URI, ca_pem_path="ca.pem", **{have: "x"})
        assert (finding.code, finding.setting) == ("client-pair-incomplete", have)
        assert lack in finding.message

    @pytest.mark.trips("mutual-ca-missing")
    def test_a_pair_without_an_anchor(self, settings_findings):
        assert finding_codes(settings_findings(**URI, **PAIR)) == ["mutual-ca-missing"]

    @pytest.mark.trips("mutual-ca-missing")
    def test_a_pair_with_server_pem_gets_the_remedy_to_set_the_ca(self, settings_findings):
        (finding,) = settings_findings(**URI, **PAIR, server_pem_path="server.pem")
        assert finding.code == "mutual-ca-missing"
        assert "ca_pem_path to the file of server_pem_path" in finding.remedy

    @pytest.mark.trips("tls-mode-conflict")
    @pytest.mark.parametrize("values", [{}, {"ca_pem_path": "ca.pem"}, {"server_pem_path": "s"}])
    def test_mutual_asked_for_without_a_pair(self, values, settings_findings):
        assert finding_codes(settings_findings(**URI, tls_mode="mutual", **values)) == [
            "tls-mode-conflict"
        ]

    @pytest.mark.trips("server-pem-unused")
    def test_server_pem_with_complete_mutual_settings(self, settings_findings):
        (finding,) = settings_findings(**URI, **MUTUAL, server_pem_path="server.pem")
        assert (finding.code, finding.severity.value) == ("server-pem-unused", "warning")


class TestServerName:
    """Severities as real handshakes judge the name, measured with grpcio 1.67 and 1.85."""

    @pytest.mark.trips("server-name-malformed")
    @pytest.mark.parametrize(
        ("name", "severity"),
        [
            ("https://h", "error"),
            ("h/", "error"),
            ("a b", "error"),
            ("[::1]", "error"),
            ("h:19530", "warning"),
            ("127.0.0.1:1", "warning"),
        ],
    )
    def test_a_value_that_is_not_a_bare_name(self, name, severity, settings_findings):
        (finding,) = settings_findings(**URI, server_name=name)
        assert (finding.code, finding.severity.value) == ("server-name-malformed", severity)


class TestInline:
    @pytest.mark.trips("inline-and-path")
    @pytest.mark.parametrize("slot", ["server_pem", "ca_pem"])
    def test_one_piece_given_twice(self, slot, settings_findings):
        (finding,) = settings_findings(**URI, **{slot: "text", f"{slot}_path": "x.pem"})
        assert (finding.code, finding.severity.value, finding.setting) == (
            "inline-and-path",
            "error",
            slot,
        )

    @pytest.mark.trips("inline-and-path")
    def test_loading_does_not_refuse_it(self, settings):
        assert settings(ca_pem="text", ca_pem_path="x.pem").ca_pem == "text"


class TestGlobalCluster:
    """A host name that makes pymilvus connect to clusters that it trusts by public roots."""

    URI = {"uri": "https://in03-Global-Cluster.example.com:19530"}  # noqa: RUF012
    reads = pytest.mark.skipif(installed_pymilvus() < (2, 6, 10), reason="from 2.6.10 on")

    @reads
    @pytest.mark.trips("global-cluster-trust")
    @pytest.mark.parametrize(
        "anchor",
        [
            {"ca_pem_path": "ca.pem"},
            {"server_pem_path": "s.pem"},
            {"ca_pem": "PEM"},
            MUTUAL,
        ],
    )
    def test_with_a_private_anchor_is_an_error(self, anchor, settings_findings):
        assert finding_codes(settings_findings(**self.URI, **anchor)) == ["global-cluster-trust"]

    @pytest.mark.passes("global-cluster-trust")
    @pytest.mark.parametrize("roots", [{}, {"ca_pem_path": "system"}])
    def test_with_public_roots_it_is_what_zilliz_cloud_needs(self, roots, settings_findings):
        assert finding_codes(settings_findings(**self.URI, **roots)) == []

    @pytest.mark.passes("global-cluster-trust")
    def test_another_host_may_have_any_anchor(self, settings_findings):
        assert (
            finding_codes(
                settings_findings(uri="https://global.cluster:19530", ca_pem_path="ca.pem")
            )
            == []
        )
