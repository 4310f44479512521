"""The releases of what is installed, read without a search of all distributions."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from milvus_secure._common import versions

installed_version = versions.installed_version.__wrapped__  # as if asked for the first time


@pytest.fixture
def distribution(tmp_path):
    """Makes the metadata of a release in a directory."""

    def make(directory: str, release: str, *, name: str = "pymilvus") -> str:
        info = tmp_path / directory / f"{name}-{release}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n\nVersion: in the text\n"
        )
        return str(tmp_path / directory)

    return make


@pytest.mark.parametrize("name", ["pymilvus", "grpcio", "cryptography"])
def test_it_is_what_the_metadata_of_python_says(name):
    assert installed_version(name) == metadata.version(name)


def test_the_first_directory_of_the_path_counts(distribution, monkeypatch):
    path = [distribution("first", "9.1.0"), distribution("second", "9.2.0")]
    monkeypatch.setattr(sys, "path", [*path, *sys.path])
    assert installed_version("pymilvus") == "9.1.0"


def test_a_distribution_whose_name_only_starts_alike_is_another(distribution, monkeypatch):
    path = distribution("first", "1.0", name="pymilvus_model")
    monkeypatch.setattr(sys, "path", [path, *sys.path])
    assert installed_version("pymilvus") == metadata.version("pymilvus")


def test_what_an_uninstalled_release_left_behind_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "pymilvus-9.0.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/nonexistent", *sys.path])
    assert installed_version("pymilvus") != "9.0"


def test_what_is_not_installed_raises_as_the_metadata_of_python_does():
    with pytest.raises(metadata.PackageNotFoundError):
        installed_version("nosuchdistribution")


def test_a_candidate_for_a_release_has_the_numbers_of_the_release(monkeypatch):
    monkeypatch.setattr(versions, "installed_version", lambda _: "1.86.0rc1")
    versions._numbers.cache_clear()
    try:
        assert versions.installed_grpc() == (1, 86)
    finally:
        versions._numbers.cache_clear()
