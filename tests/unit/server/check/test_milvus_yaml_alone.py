"""A milvus.yaml names paths in a container; only its Compose file maps them to this machine."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import pytest

from milvus_secure.server.check import check_server
from milvus_secure.server.check.milvus.milvus_yaml import parse_file


def is_not_judged(path: Path) -> bool:
    """Whether the certificate paths, which only a container has, are not judged."""
    report = check_server(path)
    return report.ok and {skip.code for skip in report.skipped} == {"server-path-unmounted"}


@pytest.fixture
def alone(compose: Path, tmp_path: Path) -> Path:
    """The generated milvus.yaml in a folder of its own."""
    (tmp_path / "alone").mkdir()
    return Path(shutil.copy(compose.with_name("milvus.yaml"), tmp_path / "alone"))


def test_the_compose_file_that_mounts_it_is_followed(compose: Path):
    report = check_server(compose.with_name("milvus.yaml"))
    assert not report.findings
    assert report.mode.number == 2
    assert report.settings["server"]["value"].startswith(str(compose))


def test_faults_behind_its_mounts_are_found(compose: Path):
    (compose.parent / "tls/server.key").unlink()
    [finding] = check_server(compose.with_name("milvus.yaml")).errors
    assert finding.origin == f"file:{compose.parent / 'tls/server.key'}"
    assert "docker-compose.yml" not in finding.remedy


def test_a_folder_of_configurations_may_be_mounted(compose: Path, change):
    change(compose, "milvus.yaml:/milvus/configs/user.yaml:ro", "configs:/milvus/configs:ro")
    (compose.parent / "configs").mkdir()
    config = compose.with_name("milvus.yaml").rename(compose.parent / "configs/user.yaml")
    assert not check_server(compose).findings
    assert is_not_judged(config)  # the Compose file is in another directory


@pytest.mark.parametrize("beside", [None, "services: {web: {image: nginx}}", "- x", "a:\n\t- b"])
def test_without_one_its_paths_are_not_judged(alone: Path, beside: str | None):
    if beside is not None:
        alone.with_name("compose.yaml").write_text(beside)
    assert is_not_judged(alone)
    assert "Compose file" in check_server(alone).findings[0].remedy


def test_a_compose_file_that_mounts_another_is_not_followed(compose: Path):
    unmounted = Path(shutil.copy(compose.with_name("milvus.yaml"), compose.with_name("other.yaml")))
    assert is_not_judged(unmounted)


def test_other_files_with_such_names_are_ignored(alone: Path):
    for name in ("compose.yaml", "docker-compose.yml"):
        shutil.copy(alone, alone.with_name(name))
    assert is_not_judged(alone.with_name("compose.yaml"))


def test_a_mount_that_is_named_is_followed(alone: Path, compose: Path):
    mounts = [(compose.parent / "tls", PurePosixPath("/milvus/tls"))]
    report = check_server(alone, mounts=mounts)
    assert (report.ok, report.skipped) == (True, ())
    (compose.parent / "tls/ca.pem").unlink()
    assert [item.code for item in check_server(alone, mounts=mounts).errors] == ["file-missing"]


@pytest.mark.parametrize("separator", [".", "/", "_"])
def test_flat_keys_are_read_whatever_separates_their_parts(tmp_path: Path, separator: str):
    keys = {"common security tlsMode": 0, "proxy http enabled": "no"}
    config = tmp_path / "flat.yaml"
    config.write_text(
        "".join(f"{key.replace(' ', separator)}: {value}\n" for key, value in keys.items())
    )
    [finding] = check_server(config).findings
    assert (finding.code, finding.source) == ("server-tls-off", "flat.yaml:1")


@pytest.mark.parametrize(
    ("name", "code"),
    [("user.yaml", "known-public-key"), ("milvus.yaml", "server-tls-incomplete")],
)
def test_a_mode_without_paths_uses_the_images_certificate_in_a_user_yaml_only(
    tmp_path: Path, name: str, code: str
):
    config = tmp_path / name
    config.write_text("common: {security: {tlsMode: 1}}\nproxy: {http: {port: 8080}}\n")
    assert {finding.code for finding in check_server(config).errors} == {code}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("_1", "_1"),
        ("1_", "1"),
        ("1_000", "1000"),
        ("0x_1", "1"),
        ("+1", "1"),
        ("'1 '", "1 "),
        ("0b1", "1"),
        ("01", "1"),
        ("1_0.0", "10"),
        ("1e0", "1"),
        ("yes", "true"),
    ],
)
def test_a_plain_value_is_typed_as_go_types_it(written: str, text: str):
    """``gopkg.in/yaml.v2`` resolve.go: what begins with an underscore is no number."""
    [entry] = parse_file(f"a: {written}\n", "milvus.yaml").entries
    assert entry.value == text
