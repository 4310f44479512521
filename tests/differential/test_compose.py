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


@pytest.mark.parametrize(
    "listed",
    [
        "COMPOSE_FILE=docker-compose.yml:sub/tls.yml",
        "COMPOSE_FILE=docker-compose.yml;sub/tls.yml\nCOMPOSE_PATH_SEPARATOR=;",
        "COMPOSE_FILE=sub/tls.yml:docker-compose.yml",
        "COMPOSE_FILE=docker-compose.yml:missing.yml",
        "COMPOSE_FILE=docker-compose.yml",
    ],
)
def test_the_files_of_compose_file_are_read_as_compose_reads_them(tmp_path: Path, listed: str):
    (tmp_path / "sub").mkdir()
    service = "services: {m: {image: milvusdb/milvus, command: milvus run proxy}}"
    tls = "services: {m: {environment: {COMMON_SECURITY_TLSMODE: 1}, volumes: ['./certs:/c']}}"
    override = "services: {m: {environment: {COMMON_SECURITY_TLSMODE: 2}}}"
    (tmp_path / "docker-compose.yml").write_text(service)
    (tmp_path / "docker-compose.override.yml").write_text(override)
    (tmp_path / "sub" / "tls.yml").write_text(tls)
    (tmp_path / ".env").write_text(listed)
    assert disagreements(tmp_path, {}) == []


SCALARS = (
    "0X1F 0B1 0o7 0O7 1__0 0_7 0x1_F 08 010 +1 -0 99999999999999999999 -9223372036854775809 "
    "18446744073709551615 1e3 1e5 1e6 1E+3 1e-4 1e-5 1e20 1e400 -1e-7 .5 1. -1.50 0.0 1_000.5 "
    "123456.7 123456789.125 0.1234567890123456789 1234567.0 1:30 yes on True tRue 0b102 _1 1_"
)


def test_plain_scalars_reach_the_container_as_compose_writes_them(tmp_path: Path):
    variables = "".join(f"\n      V{n}: {text}" for n, text in enumerate(SCALARS.split()))
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n  m:\n    image: milvusdb/milvus:v2.6.15\n    command: milvus run proxy\n"
        f"    environment:{variables}\n"
    )
    assert disagreements(tmp_path, {}) == []


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
