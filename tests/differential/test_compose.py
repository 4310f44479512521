"""The library's reader of Compose files, compared with Docker Compose itself.

Where Compose resolves a project, the reader must give the same image, environment and mounts for
the service that runs Milvus's proxy, or say that it does not judge it. Where Compose refuses one,
the reader must not judge it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compose_judge import (
    by_compose,
    by_reader,
    compose_says,
    needs_compose,
    random_project,
    read,
)
from milvus_secure.cli import main

pytestmark = needs_compose

CASES = Path(__file__).parents[1] / "data" / "server-cases"


def disagreements(folder: Path, environ: dict[str, str]) -> list[str]:
    """Where reader and Compose differ on the project in a folder; empty if they agree."""
    model = compose_says(folder, environ)
    deployment = read(folder / "docker-compose.yml")
    codes = [finding.code for finding in deployment.findings]
    if isinstance(model, str):
        judged = deployment.containers and "server-file-refused" not in codes
        return [f"Compose refuses: {model}"] if judged else []
    if "server-file-refused" in codes:
        return [f"only the reader refuses: {deployment.findings[0].message}"]
    different = []
    for container in deployment.containers:
        name = container.name.removeprefix("service ")
        expected, actual = by_compose(model, name), by_reader(container)
        different += [
            f"{name}.{part}: Compose {getattr(expected, part)!r}, reader {getattr(actual, part)!r}"
            for part in ("image", "environment", "mounts", "working_directory")
            if getattr(expected, part) != getattr(actual, part)
        ]
    return different


def random_disagreements(folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    project = folder / f"p{seed}"
    project.mkdir()
    environ = random_project(project, seed)
    for name in ("FROM_SHELL", "MODE", "UNSET", "QUOTED", "EMPTY", "TAG", "IMAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    differences = disagreements(project, environ)
    shutil.rmtree(project)
    return [f"seed {seed}: {line}" for line in differences]


def test_random_projects_are_read_as_compose_reads_them(tmp_path, monkeypatch):
    differences = [
        line for seed in range(25) for line in random_disagreements(tmp_path, seed, monkeypatch)
    ]
    assert differences == []


@pytest.mark.thorough
def test_a_thousand_random_projects_are_read_as_compose_reads_them(tmp_path, monkeypatch):
    differences = [
        line
        for seed in range(1000, 2000)
        for line in random_disagreements(tmp_path, seed, monkeypatch)
    ]
    assert differences == []


def compose_cases() -> list[str]:
    return sorted(
        folder.name
        for folder in CASES.iterdir()
        if (folder / "docker-compose.yml").is_file() and "windows" not in folder.name
    )


@pytest.mark.parametrize("name", compose_cases())
def test_the_reported_files_are_read_as_compose_reads_them(name, tmp_path):
    folder = tmp_path / name
    shutil.copytree(CASES / name, folder)
    assert disagreements(folder, {}) == []


@pytest.mark.parametrize("mode", ["1", "2"])
def test_compose_accepts_what_server_config_writes(certs: Path, tmp_path: Path, mode: str):
    out = tmp_path / "out"
    flags = ["--certs", str(certs), "--tls-mode", mode, "--out", str(out)]
    assert main(["server", "config", *flags]) == 0
    model = compose_says(out, {})
    assert isinstance(model, dict), model
    assert "standalone" in model["services"]
