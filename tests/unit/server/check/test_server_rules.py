"""Each fault of a server's configuration has its code; healthy ones are silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure import Severity
from milvus_secure.cli import main
from milvus_secure.server.check import check_server


def severities_in(path: Path) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in check_server(path).findings}


@pytest.mark.passes("server-config-missing")
@pytest.mark.passes("server-tls-mode-invalid")
@pytest.mark.passes("server-tls-off")
@pytest.mark.passes("server-key-ignored")
def test_a_generated_configuration_is_healthy(compose: Path):
    assert not severities_in(compose)


@pytest.mark.passes("server-path-unmounted")
@pytest.mark.parametrize("target", ["helm", "operator"])
def test_generated_kubernetes_files_are_healthy(certs: Path, tmp_path: Path, target: str):
    main(["server", "config", "--certs", str(certs), "--target", target, "--out", str(tmp_path)])
    [path] = [*tmp_path.glob("values.yaml"), *tmp_path.glob("milvus-operator.yaml")]
    report = check_server(path)
    # The Secret is in a file of its own.
    assert {item.code for item in report.findings} == {"server-not-judged"}
    assert (report.ok, report.mode.number) == (True, 1)


@pytest.mark.trips("server-config-missing")
def test_a_mounted_configuration_that_is_not_there(compose: Path):
    compose.with_name("milvus.yaml").unlink()
    [missing, off] = check_server(compose).findings
    assert missing.code == "server-config-missing"
    assert "milvus.yaml" in missing.message
    assert off.code == "server-tls-off"


@pytest.mark.trips("server-tls-mode-invalid")
@pytest.mark.parametrize("value", ["3", "-1", "mutual", "true", "''"])
def test_tls_mode_must_be_one_of_three_numbers(compose: Path, change, value: str):
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", f"tlsMode: {value}")
    expected = {"server-tls-off"} if value == "''" else {"server-tls-mode-invalid"}
    assert set(severities_in(compose)) == expected | {"server-tls-off"}


@pytest.mark.trips("server-tls-off")
def test_plaintext_is_reported_but_no_error(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "tlsMode: 2", "tlsMode: 0")
    assert severities_in(compose) == {"server-tls-off": Severity.INFO}


@pytest.fixture
def whole_file(compose: Path, change) -> Path:
    """The set-up with its milvus.yaml in the place of the image's."""
    return change(compose, "configs/user.yaml", "configs/milvus.yaml")


@pytest.mark.trips("server-tls-incomplete")
def test_mutual_mode_needs_a_ca(whole_file: Path, change):
    change(whole_file.with_name("milvus.yaml"), "  caPemPath: /milvus/tls/ca.pem\n", "")
    [finding] = check_server(whole_file).findings
    assert finding.code == "server-tls-incomplete"
    assert finding.setting == "tls.caPemPath"


@pytest.mark.trips("known-public-key")
def test_an_overlay_without_a_ca_trusts_the_public_one_of_the_image(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "  caPemPath: /milvus/tls/ca.pem\n", "")
    [finding] = check_server(compose).findings
    assert (finding.code, finding.setting) == ("known-public-key", "tls.caPemPath")


def test_a_key_of_the_image_does_not_belong_to_a_mounted_certificate(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "/milvus/tls/server.key", "configs/cert/server.key")
    [finding] = check_server(compose).findings
    assert (finding.code, finding.setting) == ("known-public-key", "tls.serverKeyPath")
    assert "does not belong to the certificate" in finding.message


@pytest.mark.passes("server-tls-incomplete")
def test_one_way_mode_needs_none(compose: Path, change):
    config = compose.with_name("milvus.yaml")
    change(config, "  caPemPath: /milvus/tls/ca.pem\n", "")
    change(config, "tlsMode: 2", "tlsMode: 1")
    assert not severities_in(compose)


@pytest.mark.trips("server-path-unmounted")
def test_a_path_that_nothing_mounts_is_named_with_its_line(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "/milvus/tls/ca.pem", "/etc/certs/ca.pem")
    [finding] = check_server(compose).findings
    assert finding.code == "server-path-unmounted"
    assert finding.source == "milvus.yaml:5"
    assert "/milvus/tls" in finding.presented


@pytest.mark.trips("server-manifest-refused")
def test_a_volume_mount_without_its_volume_is_refused(certs: Path, tmp_path: Path, change):
    flags = ["--certs", str(certs), "--target", "operator", "--out", str(tmp_path)]
    main(["server", "config", *flags])
    path = change(
        tmp_path / "milvus-operator.yaml",
        "      - name: certs\n        secret",
        ("      - name: other\n        secret"),
    )
    assert [item.code for item in check_server(path).errors] == ["server-manifest-refused"]


@pytest.mark.trips("server-port-invalid")
@pytest.mark.parametrize("port", ["tcp://10.0.0.1:19530", "'19530 '", "grpc"])
def test_a_port_that_is_no_number_is_a_random_one(compose: Path, change, port: str):
    change(compose, "    environment:", f"    environment:\n      PROXY_PORT: {port}")
    assert severities_in(compose) == {"server-port-invalid": Severity.ERROR}


@pytest.mark.passes("server-port-invalid")
@pytest.mark.parametrize("port", ["19531", "'19531'", "0x4c4a", ""])
def test_another_port_is_fine(compose: Path, port: str):
    path = compose.with_name("milvus.yaml")
    path.write_text(path.read_text().replace("proxy:\n", f"proxy:\n  port: {port}\n"))
    assert not severities_in(compose)


def test_a_volume_over_the_configuration_is_not_judged_once(tmp_path: Path):
    path = tmp_path / "docker-compose.yml"
    service = "{image: 'milvusdb/milvus:v2.6.15', volumes: ['data:/milvus/configs']}"
    path.write_text(f"services:\n  milvus: {service}\nvolumes:\n  data:\n")
    skipped = [item for item in check_server(path).findings if item.code == "server-not-judged"]
    assert len(skipped) == 1
    assert "/milvus/configs, because" in skipped[0].message


@pytest.mark.trips("server-rest-port-shared")
@pytest.mark.parametrize("port", ["19530", "''", "null"])
def test_rest_may_not_share_the_grpc_port(compose: Path, change, port: str):
    change(compose.with_name("milvus.yaml"), "port: 8080", f"port: {port}")
    assert severities_in(compose) == {"server-rest-port-shared": Severity.ERROR}


@pytest.mark.passes("server-rest-port-shared")
def test_without_the_restful_api_there_is_nothing_to_share(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "port: 8080", "enabled: false")
    assert not severities_in(compose)


def test_milvus_2_3_tolerates_the_shared_port(compose: Path, change):
    change(compose.with_name("milvus.yaml"), "port: 8080", "port:")
    change(compose, "milvusdb/milvus:v2.5.16", "milvusdb/milvus:v2.3.5")
    change(compose, "configs/user.yaml", "configs/milvus.yaml")
    assert severities_in(compose) == {"server-rest-port-shared": Severity.WARNING}


def test_milvus_2_3_does_not_read_a_user_yaml(compose: Path, change):
    change(compose, "milvusdb/milvus:v2.5.16", "milvusdb/milvus:v2.3.5")
    assert set(severities_in(compose)) == {"server-config-unread", "server-tls-off"}


@pytest.mark.trips("server-config-unread")
@pytest.mark.parametrize("target", ["/etc/milvus/user.yaml", "/milvus/configs/user.yml"])
def test_a_configuration_that_milvus_does_not_read_is_named(compose: Path, change, target: str):
    change(compose, "/milvus/configs/user.yaml", target)
    report = check_server(compose)
    assert report.mode.number == 0
    [finding] = report.warnings
    assert (finding.code, finding.presented) == ("server-config-unread", target)


@pytest.mark.trips("server-key-repeated")
def test_a_section_that_occurs_twice_is_named(compose: Path):
    path = compose.with_name("milvus.yaml")
    path.write_text(f"{path.read_text()}tls:\n  serverPemPath: /milvus/tls/server.pem\n")
    repeated = [f for f in check_server(compose).findings if f.code == "server-key-repeated"]
    assert [finding.setting for finding in repeated] == ["tls"]


@pytest.mark.trips("server-key-conflict")
def test_two_spellings_of_one_key_with_two_values_are_named(compose: Path):
    path = compose.with_name("milvus.yaml")
    path.write_text(f"{path.read_text()}common_security_tlsmode: 0\n")
    assert severities_in(compose)["server-key-conflict"] is Severity.ERROR


@pytest.mark.passes("server-key-repeated")
@pytest.mark.passes("server-key-conflict")
@pytest.mark.passes("server-config-unread")
@pytest.mark.passes("server-file-refused")
@pytest.mark.passes("server-variable-unset")
@pytest.mark.passes("server-not-judged")
def test_a_generated_set_up_has_none_of_these(compose: Path):
    assert not check_server(compose).findings


@pytest.mark.trips("server-file-refused")
def test_what_compose_refuses_is_an_error(compose: Path, change):
    change(compose, "container_name: milvus-standalone", "env_file: missing.env")
    assert severities_in(compose)["server-file-refused"] is Severity.ERROR


@pytest.mark.trips("server-variable-unset")
def test_a_variable_without_a_value_is_named(compose: Path, change):
    change(compose, "container_name: milvus-standalone", "hostname: ${NO_SUCH_NAME}")
    assert severities_in(compose) == {"server-variable-unset": Severity.WARNING}


def test_a_value_is_reported_with_the_file_that_contains_it(tmp_path: Path):
    base = "  base:\n    environment: [TLS_SERVERPEMPATH=/no/server.pem]\n"
    over = "  m:\n\n\n    environment: {COMMON_SECURITY_TLSMODE: '2 '}\n"
    main = "  m:\n    image: milvusdb/milvus:v2.5.4\n    extends: {file: base.yml, service: base}\n"
    for name, text in (("base", base), ("compose", main), ("compose.override", over)):
        (tmp_path / f"{name}.yml").write_text(f"services:\n{text}")
    settings = check_server(tmp_path / "compose.yml").settings
    sources = {key: settings[key]["source"].split()[-1] for key in settings}
    assert sources["common.security.tlsMode"] == "compose.override.yml:5"
    assert sources["tls.serverPemPath"] == "base.yml:3"


@pytest.mark.trips("server-not-judged")
def test_what_needs_the_real_compose_is_not_judged(compose: Path, change):
    change(compose, "container_name: milvus-standalone", "profiles: [tls]")
    report = check_server(compose)
    assert [item.code for item in report.findings] == ["server-not-judged"]
    assert main(["server", "check", str(compose)]) == 2


@pytest.mark.trips("server-env-ignored")
@pytest.mark.parametrize("name", ["MILVUS_TLS_MODE", "TLS_MODE", "MILVUS_TLS_SERVERPEMPATH"])
def test_a_variable_that_milvus_does_not_read(compose: Path, change, name: str):
    change(compose, "ETCD_ENDPOINTS: etcd:2379", f"ETCD_ENDPOINTS: etcd:2379\n      {name}: '1'")
    [finding] = check_server(compose).findings
    assert finding.code == "server-env-ignored"
    assert finding.presented == name


@pytest.mark.passes("server-env-ignored")
@pytest.mark.parametrize("prefix", ["", "MILVUS_CONF_"])
def test_a_variable_that_milvus_does_read_overrides_the_file(compose: Path, change, prefix: str):
    name = f"{prefix}COMMON_SECURITY_TLSMODE"
    change(compose, "ETCD_ENDPOINTS: etcd:2379", f"ETCD_ENDPOINTS: etcd:2379\n      {name}: '1'")
    report = check_server(compose)
    assert not report.findings
    assert report.mode.number == 1
    assert name in report.settings["common.security.tlsMode"]["source"]


@pytest.mark.trips("server-key-ignored")
def test_helm_ignores_a_tls_mode_at_the_top(tmp_path: Path):
    path = tmp_path / "values.yaml"
    path.write_text("extraConfigFiles: {}\ncommon:\n  security:\n    tlsMode: 1\n")
    assert severities_in(path)["server-key-ignored"] is Severity.WARNING


@pytest.fixture
def internal(certs: Path, tmp_path: Path) -> Path:
    """A healthy Compose set-up with internal TLS."""
    out = tmp_path / "internal"
    main(["server", "config", "--certs", str(certs), "--internal-tls", "--out", str(out)])
    return out / "docker-compose.yml"


@pytest.mark.passes("server-internal-name")
def test_internal_tls_as_generated_is_healthy(internal: Path):
    assert not severities_in(internal)


@pytest.mark.trips("server-internal-name")
@pytest.mark.parametrize("sni", ["other", "127.0.0.2", "''"])
def test_an_internal_name_that_the_certificate_does_not_contain(internal: Path, change, sni: str):
    change(internal.with_name("milvus.yaml"), "sni: localhost", f"sni: {sni}")
    assert severities_in(internal) == {"server-internal-name": Severity.ERROR}


def test_internal_tls_without_a_certificate_presents_the_images(internal: Path, change):
    config = internal.with_name("milvus.yaml")
    head, _, tail = config.read_text().partition("internaltls:\n  serverPemPath:")
    config.write_text(head + "internaltls:\n  other:" + tail)
    [finding] = check_server(internal).findings
    assert (finding.code, finding.setting) == ("known-public-key", "internaltls.serverPemPath")


def test_a_certificate_without_a_mode_gets_a_warning(tmp_path: Path):
    """Articles show such a file as the way to turn TLS on."""
    path = tmp_path / "milvus.yaml"
    path.write_text("tls: {serverPemPath: /certs/server.pem, serverKeyPath: /certs/server.key}\n")
    [off] = check_server(path).findings
    assert (off.code, off.severity) == ("server-tls-off", Severity.WARNING)
    assert "tls.serverPemPath alone does not turn TLS on" in off.message
    path.write_text(f"{path.read_text()}common: {{security: {{tlsMode: 0}}}}\n")
    assert check_server(path).findings[0].severity is Severity.INFO


@pytest.mark.parametrize(
    "command",
    [
        "[bash, -c, 'sed -i s/x/y/ /milvus/configs/milvus.yaml && milvus run standalone']",
        "[sh, -c, 'export COMMON_SECURITY_TLSMODE=1; exec milvus run proxy']",
        "[env, COMMON_SECURITY_TLSMODE=1, milvus, run, standalone]",
        "[/start.sh]",
    ],
)
def test_a_command_that_may_change_the_configuration_is_not_judged(tmp_path: Path, command: str):
    path = tmp_path / "docker-compose.yml"
    image = "image: 'milvusdb/milvus:v2.6.15'"
    path.write_text(f"services: {{milvus: {{{image}, command: {command}}}}}\n")
    assert [item.code for item in check_server(path).findings] == ["server-not-judged"]
    pod = f"{{name: milvus, {image}, command: {command}}}"
    path.write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: m}}\nspec: {{containers: [{pod}]}}\n"
    )
    assert [item.code for item in check_server(path).findings] == ["server-not-judged"]


def test_a_command_that_only_waits_is_judged(tmp_path: Path):
    path = tmp_path / "docker-compose.yml"
    command = "[bash, -c, 'sleep 5; ls /milvus/tls; exec milvus run standalone']"
    path.write_text(f"services: {{milvus: {{image: milvusdb/milvus, command: {command}}}}}\n")
    assert [item.code for item in check_server(path).findings] == ["server-tls-off"]


@pytest.mark.parametrize(
    "start",
    [
        "build: .\n    command: milvus run standalone",
        "image: registry.example.com/vectors:1\n    command: [bash, -c, exec milvus run proxy]",
        "image: vectors:1\n    entrypoint: [/tini, --, milvus, run, standalone]",
    ],
)
def test_any_image_that_runs_the_proxy_is_judged_by_what_is_mounted(
    compose: Path, change, start: str
):
    change(
        compose,
        "image: milvusdb/milvus:v2.5.16\n    command:\n      - milvus\n      - run\n"
        "      - standalone",
        start,
    )
    change(compose, "configs/user.yaml", "configs/milvus.yaml")
    report = check_server(compose)
    assert not report.findings
    assert report.mode.number == 2


def test_the_configuration_in_an_image_that_is_built_is_not_judged(tmp_path: Path):
    path = tmp_path / "compose.yaml"
    path.write_text("services: {m: {build: ., command: milvus run standalone}}\n")
    [finding] = check_server(path).findings
    assert finding.code == "server-not-judged"
    assert "/milvus/configs/milvus.yaml in the image" in finding.message
