"""The kind of a file is recognized by its content and name; other kinds are not judged."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure import TLSMode
from milvus_secure.cli import main
from milvus_secure.server.check import check_server

BITNAMI = """\
proxy:
  tls:
    mode: 1
    existingSecret: milvus-tls
    cert: server.pem
    key: server.key
"""


def foreign_resource(group: str, kind: str) -> str:
    return k8s.stream(
        {
            "apiVersion": f"{group}/v1alpha2",
            "kind": kind,
            "metadata": {"name": "mine"},
            "spec": {"tls": {"external": {"mode": "mTLS"}}},
        }
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("milvus.yaml", foreign_resource("kubedb.com", "Milvus"), "KubeDB"),
        ("ops.yaml", foreign_resource("ops.kubedb.com", "MilvusOpsRequest"), "KubeDB"),
        ("milvus.yaml", foreign_resource("example.org", "Milvus"), "example.org"),
        ("app.yaml", foreign_resource("argoproj.io", "Application"), "Argo CD"),
        ("release.yaml", foreign_resource("helm.toolkit.fluxcd.io", "HelmRelease"), "Flux"),
        ("k.yaml", foreign_resource("kustomize.config.k8s.io", "Kustomization"), "kustomize build"),
        ("values.yaml", BITNAMI, "Bitnami"),
        ("prod.yaml", BITNAMI, "Bitnami"),
        ("values.yaml", "milvus: {auth: {enabled: true}, extraConfig: {}}\n", "Bitnami"),
        (
            "values.yaml",
            "milvus: {cluster: {enabled: true}, extraConfigFiles: {}}\n",
            "contains Milvus's chart",
        ),
        ("values.yaml", "image: {tag: a}\nservice: {port: 80}\n", "a chart that is not Milvus's"),
    ],
)
def test_other_kinds_are_not_judged_by_name(tmp_path: Path, capsys, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    assert main(["server", "check", str(path)]) == 2
    shown = "".join(capsys.readouterr())
    assert shown.startswith("not judged:")
    assert words in shown
    assert "spec.config" not in shown
    assert "user.yaml" not in shown
    assert "plaintext" not in shown


def test_bitnamis_image_is_not_judged(tmp_path: Path, capsys):
    path = tmp_path / "rendered.yaml"
    made = k8s.workload(
        image="docker.io/bitnami/milvus:2.5.11", command=["milvus"], args=["run", "proxy"]
    )
    path.write_text(k8s.stream(made))
    assert main(["server", "check", str(path)]) == 2
    assert "Bitnami" in "".join(capsys.readouterr())


def test_another_operators_workload_is_judged_too(tmp_path: Path):
    path = tmp_path / "all.yaml"
    owner = {"ownerReferences": [{"kind": "Milvus", "name": "mine"}]}
    objects = k8s.stream(k8s.workload(metadata=owner), k8s.config_map())
    path.write_text(f"{foreign_resource('kubedb.com', 'Milvus')}\n---\n{objects}")
    assert check_server(path).mode is TLSMode.ONE_WAY


@pytest.mark.parametrize(
    "name", ["values.yaml", "values-prod.yaml", "my.values.yml", "Values.yaml"]
)
def test_values_are_recognized_by_their_name_where_the_content_fits_both(tmp_path: Path, name: str):
    text = "common: {security: {tlsMode: 1}}\ntls: {serverPemPath: /certs/server.pem}\n"
    (tmp_path / name).write_text(text)
    (tmp_path / "milvus.yaml").write_text(text)
    assert check_server(tmp_path / name).mode is TLSMode.PLAINTEXT
    assert check_server(tmp_path / "milvus.yaml").mode is TLSMode.ONE_WAY


def test_one_key_of_a_chart_makes_no_values_of_a_milvus_yaml(tmp_path: Path):
    path = tmp_path / "milvus.yaml"
    path.write_text("standalone: {}\ncommon: {security: {tlsMode: 1}}\netcd: {endpoints: [a]}\n")
    assert check_server(path).mode is TLSMode.ONE_WAY


def test_manifests_come_from_standard_input(monkeypatch, capsys, certs: Path):
    objects = (k8s.workload(), k8s.config_map(), k8s.secret(k8s.server_files(certs)))
    stdin = io.TextIOWrapper(io.BytesIO(k8s.stream(*objects).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["server", "check", "-"]) == 0
    assert "Checked standard input (Deployment milvus), one-way TLS" in capsys.readouterr().out


def test_findings_about_standard_input_name_it(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(k8s.stream(k8s.workload(volumeMounts=[])).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    [finding] = check_server(Path("-")).findings
    assert (finding.code, finding.origin) == ("server-tls-off", "standard input")
