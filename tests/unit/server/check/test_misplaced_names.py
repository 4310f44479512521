"""A setting for TLS under a name that Milvus does not read is reported with the right name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure import Severity, TLSMode
from milvus_secure.reporting.report import Report
from milvus_secure.server.check import check_server

MODE = "common.security.tlsMode"
PEM, KEY, CA = "tls.serverPemPath", "tls.serverKeyPath", "tls.caPemPath"

KEYS = [
    ("tls.tlsMode", 1, MODE),
    ("tls.mode", 1, MODE),
    ("tls.enabled", True, MODE),
    ("security.tlsMode", 1, MODE),
    ("proxy.tlsMode", 1, MODE),
    ("common.tlsMode", 1, MODE),
    ("common.tls.tlsMode", 1, MODE),
    ("common.security.tlsEnabled", True, MODE),
    ("common.security.enableTls", True, MODE),
    ("common.security.mtls", True, MODE),
    ("tls.mutualTLS", True, MODE),
    ("tls.clientAuth", True, MODE),
    ("proxy.http.https", True, MODE),
    ("common.tls.serverPemPath", "/certs/server.pem", PEM),
    ("common.security.serverPemPath", "/certs/server.pem", PEM),
    ("common.tls.serverKeyPath", "/certs/server.key", KEY),
    ("common.tls.caPemPath", "/certs/ca.pem", CA),
    ("tls.certFile", "/certs/server.pem", PEM),
    ("tls.keyFile", "/certs/server.key", KEY),
    ("tls.caFile", "/certs/ca.pem", CA),
]
VARIABLES = [
    ("MILVUS_TLS_ENABLED", "true", MODE),
    ("TLS_ENABLED", "1", MODE),
    ("ENABLE_TLS", "yes", MODE),
    ("REQUIRE_TLS", "true", MODE),
    ("MTLS_ENABLED", "true", MODE),
    ("MILVUS_SECURE", "true", MODE),
    ("MILVUS_TLS_MODE", "1", MODE),
    ("TLS_MODE", "2", MODE),
    ("MILVUS_COMMON_SECURITY_TLSMODE", "1", MODE),
    ("TLS_CERT", "/certs/server.pem", PEM),
    ("TLS_CERT_PATH", "/certs/server.pem", PEM),
    ("SSL_CERT_PATH", "/certs/server.pem", PEM),
    ("MILVUS_TLS_SERVERPEMPATH", "/certs/server.pem", PEM),
    ("TLS_KEY", "/certs/server.key", KEY),
    ("TLS_CA", "/certs/ca.pem", CA),
    ("TLS_CA_CERT", "/certs/ca.pem", CA),
    ("SSL_CA_CERTS", "/certs/ca.pem", CA),
]
OFF = ["0", "false", "off", ""]


def nested(dotted: str, value: object) -> dict[str, object]:
    first, _, rest = dotted.partition(".")
    return {first: nested(rest, value) if rest else value}


def written(tmp_path: Path, kind: str, config: dict[str, object]) -> Path:
    """A file of a kind with this configuration of Milvus."""
    values = {"extraConfigFiles": {"user.yaml": json.dumps(config)}}
    resource = {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "spec": {"config": config}}
    texts = {
        "milvus.yaml": json.dumps(config),
        "values.yaml": json.dumps(values),
        "operator.yaml": json.dumps(resource),
    }
    path = tmp_path / kind
    path.write_text(texts[kind])
    return path


def assert_named(report: Report, code: str, name: str, right: str) -> None:
    assert report.mode is TLSMode.PLAINTEXT
    [finding] = [item for item in report.findings if item.code == code]
    assert finding.severity is not Severity.INFO
    assert name in finding.message
    assert right in finding.remedy or right.replace(".", "_").upper() in finding.remedy


@pytest.mark.parametrize("kind", ["milvus.yaml", "values.yaml", "operator.yaml"])
@pytest.mark.parametrize(("key", "value", "right"), KEYS, ids=[key for key, *_ in KEYS])
def test_a_key_is_named_with_the_right_one(tmp_path: Path, kind, key, value, right):
    report = check_server(written(tmp_path, kind, nested(key, value)))
    assert_named(report, "server-key-ignored", key, right)


@pytest.mark.parametrize(
    ("name", "value", "right"), VARIABLES, ids=[name for name, *_ in VARIABLES]
)
def test_a_variable_is_named_with_the_right_one(tmp_path: Path, name, value, right):
    compose = {"services": {"standalone": {"image": "milvusdb/milvus:v2.6.15"}}}
    compose["services"]["standalone"] |= {
        "command": ["milvus", "run", "standalone"],
        "environment": {name: value},
    }
    path = tmp_path / "docker-compose.yml"
    path.write_text(json.dumps(compose))
    assert_named(check_server(path), "server-env-ignored", name, right)
    path = tmp_path / "manifests.yaml"
    env = [{"name": name, "value": value}]
    path.write_text(k8s.stream(k8s.workload(env=env, volumeMounts=[])))
    assert_named(check_server(path), "server-env-ignored", name, right)


@pytest.mark.parametrize("value", OFF)
def test_a_name_that_switches_tls_off_is_no_mistake(tmp_path: Path, value: str):
    path = tmp_path / "manifests.yaml"
    env = [{"name": "TLS_ENABLED", "value": value}]
    path.write_text(k8s.stream(k8s.workload(env=env, volumeMounts=[])))
    assert {item.code for item in check_server(path).findings} == {"server-tls-off"}


@pytest.mark.parametrize(
    "name", ["SSL_CERT_FILE", "ETCD_TRUSTED_CA_FILE", "MINIO_USE_SSL", "ETCD_SSL_ENABLED"]
)
def test_a_name_of_another_program_is_no_mistake(tmp_path: Path, name: str):
    path = tmp_path / "manifests.yaml"
    made = k8s.workload(env=[{"name": name, "value": "true"}], volumeMounts=[])
    path.write_text(k8s.stream(made))
    codes = {item.code for item in check_server(path).findings}
    assert "server-env-ignored" not in codes


def test_tls_towards_etcd_is_distinguished_from_tls_for_clients(tmp_path: Path):
    path = written(tmp_path, "milvus.yaml", {"etcd": {"ssl": {"enabled": True}}})
    report = check_server(path)
    assert_named(report, "server-key-ignored", "etcd.ssl", MODE)
