"""Server configurations in the form in which people keep them; a pytest plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import manifests as k8s
from milvus_secure.cli import main
from milvus_secure.reporting.report import Report
from milvus_secure.server.check import check_server


@pytest.fixture
def compose(certs: Path, tmp_path: Path) -> Path:
    """A healthy Compose set-up in tlsMode 2, as `server config` writes it."""
    out = tmp_path / "out"
    flags = ["--certs", str(certs), "--tls-mode", "2", "--out", str(out)]
    assert main(["server", "config", *flags]) == 0
    return out / "docker-compose.yml"


@pytest.fixture
def change():
    """Replace a text that must be there, in a file."""

    def make(path: Path, before: str, after: str) -> Path:
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        return path

    return make


@pytest.fixture
def server_files(certs: Path) -> dict[str, bytes]:
    return k8s.server_files(certs)


@pytest.fixture
def check_text(tmp_path: Path) -> k8s.Judge:
    """Judge a file with the parts of a text."""

    def make(*parts: str, name: str = "values.yaml") -> Report:
        path = tmp_path / name
        path.write_text("".join(parts))
        return check_server(path)

    return make


@pytest.fixture
def check_manifests(check_text: k8s.Judge) -> k8s.Judge:
    """Judge a stream of objects, each as it is or as a text."""

    def make(*objects: k8s.Object | str, name: str = "manifests.yaml") -> Report:
        return check_text(k8s.stream(*objects), name=name)

    return make


@pytest.fixture
def check_workload(check_manifests: k8s.Judge, server_files: dict[str, bytes]) -> k8s.Judge:
    """Judge a workload with its user.yaml, its certificates, and further objects."""

    def make(
        workload: k8s.Object, *others: k8s.Object, files: Mapping[str, bytes] = server_files
    ) -> Report:
        return check_manifests(workload, k8s.config_map(), k8s.secret(files), *others)

    return make
