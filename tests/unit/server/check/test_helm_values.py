"""Values of the Milvus chart: judged as the pod that the chart makes of them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from milvus_secure import Severity, TLSMode
from milvus_secure.reporting.report import Report
from milvus_secure.server.check import check_server
from verdicts import errors, severities

RENDERED = sorted((Path(__file__).parents[3] / "data" / "helm-rendered").iterdir())
USER_YAML = """\
extraConfigFiles:
  user.yaml: |
    common:
      security:
        tlsMode: 1
    tls:
      serverPemPath: /certs/tls.crt
      serverKeyPath: /certs/tls.key
    proxy:
      http:
        port: 8080
"""
VOLUMES = "volumes: [{name: certs, secret: {secretName: certs}}]\n"
MOUNTS = "volumeMounts: [{name: certs, mountPath: /certs}]\n"
STANDALONE = "cluster: {enabled: false}\n"


def ignored(report: Report) -> set[str | None]:
    return {item.setting for item in report.findings if item.code == "server-key-ignored"}


@pytest.mark.parametrize("folder", RENDERED, ids=lambda folder: folder.name)
def test_values_and_their_rendered_manifests_get_the_same_verdict(folder: Path):
    values, rendered = check_server(folder / "values.yaml"), check_server(folder / "rendered.yaml")
    assert (values.ok, values.mode) == (rendered.ok, rendered.mode)
    # What the chart does not read is not in its output.
    assert set(severities(values)) - {"server-key-ignored"} == set(severities(rendered))


class TestVolumes:
    @pytest.mark.parametrize("cluster", ["", STANDALONE, "cluster: {enabled: no}\n"])
    def test_at_the_top_reach_both_kinds_of_pod(self, check_text, cluster: str):
        report = check_text(cluster, VOLUMES, MOUNTS, USER_YAML)
        assert (report.mode, severities(report)) == (
            TLSMode.ONE_WAY,
            {"server-not-judged": Severity.INFO},
        )

    def test_of_the_proxy_reach_the_pod_of_a_cluster(self, check_text):
        report = check_text(f"proxy:\n  {VOLUMES}  {MOUNTS}", USER_YAML)
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])

    def test_of_the_proxy_do_not_reach_the_standalone_pod(self, check_text):
        report = check_text(STANDALONE, f"proxy:\n  {VOLUMES}  {MOUNTS}", USER_YAML)
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert ignored(report) == {"proxy.volumes", "proxy.volumeMounts"}

    def test_of_the_standalone_component_reach_no_pod(self, check_text):
        report = check_text(STANDALONE, f"standalone:\n  {VOLUMES}  {MOUNTS}", USER_YAML)
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert ignored(report) == {"standalone.volumes", "standalone.volumeMounts"}

    def test_mounted_without_a_volume_are_refused(self, check_text):
        report = check_text(STANDALONE, f"proxy:\n  {VOLUMES}", MOUNTS, USER_YAML)
        assert errors(report) == ["server-manifest-refused"]

    def test_in_both_places_are_two_of_one_name(self, check_text):
        report = check_text(f"proxy:\n  {VOLUMES}  {MOUNTS}", VOLUMES, MOUNTS, USER_YAML)
        assert set(errors(report)) == {"server-manifest-refused"}

    def test_a_false_in_quotes_is_true_to_a_template(self, check_text):
        report = check_text(
            'cluster: {enabled: "false"}\n', f"proxy:\n  {VOLUMES}  {MOUNTS}", USER_YAML
        )
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])


class TestTheEnvironment:
    def test_of_the_proxy_switches_tls_on(self, check_text):
        env = (
            "  extraEnv:\n"
            '    - {name: COMMON_SECURITY_TLSMODE, value: "1"}\n'
            "    - {name: TLS_SERVERPEMPATH, value: /certs/tls.crt}\n"
            "    - {name: TLS_SERVERKEYPATH, value: /certs/tls.key}\n"
            '    - {name: PROXY_HTTP_PORT, value: "8080"}\n'
        )
        report = check_text("proxy:\n", env, VOLUMES, MOUNTS)
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])
        report = check_text(STANDALONE, "proxy:\n", env, VOLUMES, MOUNTS)
        assert report.mode is TLSMode.PLAINTEXT
        assert ignored(report) == {"proxy.extraEnv"}
        report = check_text(STANDALONE, "standalone:\n", env, VOLUMES, MOUNTS)
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, [])

    def test_as_a_mapping_is_refused(self, check_text):
        report = check_text("proxy: {extraEnv: {COMMON_SECURITY_TLSMODE: '1'}}\n", USER_YAML)
        assert "server-manifest-refused" in errors(report)

    def test_without_quotes_is_refused(self, check_text):
        report = check_text("proxy: {extraEnv: [{name: COMMON_SECURITY_TLSMODE, value: 1}]}\n")
        assert "server-manifest-refused" in errors(report)


class TestUserYaml:
    def test_names_the_line_of_the_values(self, check_text):
        report = check_text(VOLUMES, MOUNTS, USER_YAML)
        assert report.settings["common.security.tlsMode"]["source"] == "values.yaml:7"

    @pytest.mark.parametrize("value", ["{common: {security: {tlsMode: 1}}}", "[a]", "1", "true"])
    def test_is_text_or_the_chart_fails_to_render(self, check_text, value: str):
        report = check_text(VOLUMES, MOUNTS, f"extraConfigFiles:\n  user.yaml: {value}\n")
        assert "server-manifest-refused" in errors(report)
        assert "user.yaml: |" in report.errors[0].remedy

    def test_as_a_mapping_is_judged_as_the_text_that_was_meant(self, check_text):
        report = check_text(VOLUMES, MOUNTS, USER_YAML.replace("|", ""))
        assert (report.mode, errors(report)) == (TLSMode.ONE_WAY, ["server-manifest-refused"])
        assert report.settings["common.security.tlsMode"]["source"] == "values.yaml:7"

    @pytest.mark.parametrize("files", ["extraConfigFiles: text\n", "extraConfigFiles: [a]\n"])
    def test_is_an_entry_of_a_mapping_of_files(self, check_text, files: str):
        assert "server-manifest-refused" in errors(check_text(files, "attu: {}\n"))

    def test_set_without_a_backslash_before_its_dot_is_two_keys(self, check_text):
        report = check_text("extraConfigFiles: {user: {yaml: 'a: 1'}}\n")
        assert "server-manifest-refused" in errors(report)
        assert "backslash" in report.errors[0].remedy

    def test_is_ignored_with_a_custom_config_map(self, check_text):
        report = check_text("customConfigMap: mine\n", VOLUMES, MOUNTS, USER_YAML)
        assert report.mode is not TLSMode.ONE_WAY
        assert ignored(report) == {'extraConfigFiles."user.yaml"'}
        assert "ConfigMap mine" in str(report)
        assert "server-not-judged" in severities(report)

    def test_is_merged_by_the_charts_of_older_releases(self, check_text):
        image = "image: {all: {tag: v2.3.21}}\n"
        assert check_text(image, VOLUMES, MOUNTS, USER_YAML).mode is TLSMode.ONE_WAY

    def test_is_read_from_what_helm_prints(self, check_text):
        text = f"USER-SUPPLIED VALUES:\n{USER_YAML}{VOLUMES}{MOUNTS}"
        assert check_text(text, name="printed").mode is TLSMode.ONE_WAY

    def test_is_the_only_file_that_is_mounted(self, check_text):
        report = check_text(VOLUMES, MOUNTS, USER_YAML.replace("user.yaml", "milvus.yaml"))
        assert report.mode is TLSMode.PLAINTEXT
        assert ignored(report) == {'extraConfigFiles."milvus.yaml"'}

    def test_another_file_may_be_mounted_by_hand(self, check_text):
        mount = (
            "volumeMounts:\n"
            "  - {name: certs, mountPath: /certs}\n"
            "  - name: milvus-config\n"
            "    mountPath: /milvus/configs/milvus.yaml\n"
            "    subPath: milvus.yaml\n"
        )
        report = check_text(VOLUMES, mount, USER_YAML.replace("user.yaml", "milvus.yaml"))
        assert (report.mode, ignored(report)) == (TLSMode.ONE_WAY, set())


class TestTheSecretOfTheChart:
    TLS = "proxy:\n  tls: {{enabled: true, secretName: certs, crt: {crt}, key: {key}}}\n"

    def values(self, certs: Path, crt: str = "server.pem", key: str = "server.key") -> str:
        encoded = {
            name: base64.b64encode((certs / file).read_bytes()).decode()
            for name, file in (("crt", crt), ("key", key))
        }
        return self.TLS.format(**encoded) + VOLUMES + MOUNTS

    def test_has_tls_crt_and_tls_key(self, check_text, certs: Path):
        assert severities(check_text(self.values(certs), USER_YAML)) == {}

    def test_has_no_other_names(self, check_text, certs: Path):
        user_yaml = USER_YAML.replace("tls.crt", "server.pem").replace("tls.key", "server.key")
        report = check_text(self.values(certs), user_yaml)
        assert errors(report) == ["server-path-unmounted", "server-path-unmounted"]
        assert report.errors[0].presented == "tls.crt, tls.key"

    def test_is_judged(self, check_text, certs: Path):
        report = check_text(self.values(certs, key="client.key"), USER_YAML)
        assert errors(report) == ["key-mismatch"]

    def test_with_placeholders_is_not_judged(self, check_text):
        report = check_text(self.TLS.format(crt="AAAA", key="AAAA"), VOLUMES, MOUNTS, USER_YAML)
        assert (report.mode, severities(report)) == (
            TLSMode.ONE_WAY,
            {"server-not-judged": Severity.INFO},
        )

    def test_holds_one_line_of_base64(self, check_text, certs: Path):
        pem = "\n".join(f"      {line}" for line in (certs / "server.pem").read_text().splitlines())
        text = f"proxy:\n  tls:\n    enabled: true\n    secretName: certs\n    crt: |\n{pem}\n"
        report = check_text(f"{text}    key: AAAA\n", VOLUMES, MOUNTS, USER_YAML)
        assert "server-manifest-refused" in errors(report)

    def test_does_not_switch_tls_on(self, check_text, certs: Path):
        report = check_text(self.values(certs))
        assert report.mode is TLSMode.PLAINTEXT
        assert ignored(report) == {"proxy.tls.enabled"}


class TestKeysThatNothingReads:
    @pytest.mark.trips("server-key-ignored")
    @pytest.mark.parametrize(
        ("text", "setting", "place"),
        [
            ("common: {security: {tlsMode: 1}}\n", "common", "user.yaml"),
            ("tls: {serverPemPath: /certs/tls.crt}\n", "tls", "user.yaml"),
            ("internaltls: {sni: milvus}\n", "internaltls", "user.yaml"),
            ("proxy: {http: {port: 8080}}\n", "proxy.http.port", "user.yaml"),
            ("proxy: {http: {enabled: false}}\n", "proxy.http.enabled", "user.yaml"),
            ("proxy: {tlsMode: 1}\n", "proxy.tlsMode", "user.yaml"),
            ("extraEnv: [{name: TLS_MODE, value: x}]\n", "extraEnv", "proxy.extraEnv"),
            ("env: [{name: TLS_MODE, value: x}]\n", "env", "proxy.extraEnv"),
            ("proxy: {extraEnvVars: [{name: A}]}\n", "proxy.extraEnvVars", "proxy.extraEnv"),
            ("common.security.tlsMode: 1\n", "common.security.tlsMode", "user.yaml"),
            ("cluster.enabled: false\n", "cluster.enabled", "below cluster"),
            ("extraVolumes: [{name: certs}]\n", "extraVolumes", "volumes"),
        ],
    )
    def test_are_named_with_their_right_place(self, check_text, text, setting, place):
        report = check_text("customConfigMap: ''\n", text)
        [finding] = [item for item in report.findings if item.code == "server-key-ignored"]
        assert finding.setting == setting
        assert place in finding.remedy
        assert finding.severity is Severity.WARNING

    @pytest.mark.passes("server-key-ignored")
    def test_are_not_in_the_charts_own_values(self, check_text):
        text = (Path(__file__).parents[3] / "support/helm_chart/values.yaml").read_text()
        assert ignored(check_text(text)) == set()


def test_a_proxy_that_is_switched_off_is_not_judged(check_text):
    report = check_text("proxy: {enabled: false}\n", USER_YAML)
    assert "server-not-judged" in severities(report)
