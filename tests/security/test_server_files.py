"""A server's files contain keys and passwords; no object made from them and no report shows one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure.cli import main
from milvus_secure.server.check import check_server
from milvus_secure.server.check.kubernetes import read_kubernetes
from milvus_secure.server.check.kubernetes.objects import objects_of
from milvus_secure.server.check.milvus.config_layers import config_of
from milvus_secure.server.check.server_context import server_context
from milvus_secure.server.check.yaml.yaml_tree import documents

PASSWORD = "correct-horse-battery"


@pytest.fixture
def text(certs: Path) -> str:
    """Manifests with a key, a password in a variable, and one in the configuration."""
    files = k8s.server_files(certs)
    config = k8s.config_map(user_yaml=f"{k8s.USER_YAML}minio:\n  secretAccessKey: {PASSWORD}\n")
    env = [{"name": "MINIO_SECRET_ACCESS_KEY", "value": PASSWORD}]
    return k8s.stream(k8s.workload(env=env), config, k8s.secret(files))


def test_no_object_on_the_way_shows_a_secret(text: str, certs: Path):
    trees = documents(text, "all.yaml")
    objects = [item for tree in trees for item in objects_of(tree, "all.yaml")]
    deployment = read_kubernetes([("all.yaml", tree) for tree in trees], Path("all.yaml"))
    config = config_of(deployment.containers[0])
    shown = repr((objects, deployment, config, server_context(config)))
    key = (certs / "server.key").read_text()
    assert "Deployment milvus" in shown
    assert PASSWORD not in shown
    assert key.splitlines()[1] not in shown
    assert base64.b64encode(key.encode()).decode()[:40] not in shown


@pytest.mark.parametrize("output", ["text", "json", "junit"])
def test_no_report_shows_a_secret(tmp_path: Path, text: str, certs: Path, capsys, output: str):
    path = tmp_path / "all.yaml"
    path.write_text(text)
    assert main(["server", "check", str(path), "--format", output]) == 0
    shown = "".join(capsys.readouterr()) + repr(check_server(path))
    assert PASSWORD not in shown
    assert (certs / "server.key").read_text().splitlines()[1] not in shown
