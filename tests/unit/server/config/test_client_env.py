"""client.env, sourced by a shell and read by python-dotenv and by this library."""

from __future__ import annotations

from pathlib import Path

import pytest

import minting
from milvus_secure import Severity, TLSMode
from milvus_secure.server.config import ServerPlan
from milvus_secure.server.config.client_env import client_env, name_warning


def test_unneeded_quotes_are_left_out_since_docker_keeps_them(certs: Path):
    text = client_env(ServerPlan(certs, TLSMode.MUTUAL))
    assert not set(text) & set("'\"")


@pytest.mark.parametrize(
    ("names", "host"),
    [
        (["localhost"], None),
        (["db.example.com", "localhost"], "localhost"),
        (["*.example.com"], "db.example.com"),
        (["localhost", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_a_host_that_the_certificate_contains_is_no_warning(tmp_path: Path, names, host):
    minting.trio(sans=names).write(tmp_path)
    assert name_warning(ServerPlan(tmp_path, TLSMode.ONE_WAY, host=host)) is None


@pytest.mark.parametrize(("host", "flag"), [("other.example.com", "--name"), ("10.0.0.1", "--ip")])
def test_any_other_host_is_a_warning_with_the_command_that_adds_it(
    trio, tmp_path: Path, host, flag
):
    certs = trio.write(tmp_path / "c s")
    warning = name_warning(ServerPlan(certs, TLSMode.ONE_WAY, host=host))
    assert (warning.code, warning.severity) == ("name-mismatch", Severity.WARNING)
    assert warning.command == f"milvus-secure certs repair '{certs}' {flag} {host}"
