"""Commands of findings name the certificate set whose files the settings name."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from milvus_secure import Report, check
from milvus_secure.certs import CertificateSet
from milvus_secure.cli import main


@pytest.fixture
def named_directory(tmp_path: Path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "my certs", ["db.example"])


@pytest.fixture
def checked(settings, named_directory):
    """Check for a name that the set's server certificate does not contain at first."""

    def check_again() -> Report:
        values = {
            "uri": "https://other.example:19530",
            "server_pem_path": named_directory.server_pem,
        }
        return check(settings(**values), online=False)

    return check_again


def test_the_printed_command_repairs_the_set(checked):
    command = checked().root_cause.command
    assert main(shlex.split(command)[1:]) == 0
    assert checked().ok


def test_a_directory_below_the_working_directory_is_named_from_there(
    checked, named_directory, monkeypatch
):
    monkeypatch.chdir(named_directory.directory.parent)
    assert "certs repair 'my certs' --name" in checked().root_cause.command


def test_without_the_key_of_the_ca_no_directory_is_named(checked, named_directory):
    named_directory.ca_key.unlink()
    assert "certs repair DIR --name" in checked().root_cause.command
