"""The printed lines make a client that the server accepts, and name what is not known."""

from __future__ import annotations

import ipaddress
import shlex
import shutil
import socket
from pathlib import Path

import pytest

import minting
from milvus_secure import MilvusSettings, check
from milvus_secure.server.embedded.client_settings import exports
from milvus_secure.server.embedded.server import EmbeddedMilvus


def exported(lines: list[str]) -> dict[str, str]:
    words = [shlex.split(line, comments=True) for line in lines]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    return dict(word[1].split("=", 1) for word in words)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "localhost"])
def test_each_address_is_dialled_as_it_is_bound_and_named_as_certified(server_pair, host):
    with EmbeddedMilvus(**server_pair, host=host) as server:
        lines = exports(server.uri, server_pair["server_pem_path"], None, Path("none"))
        report = check(MilvusSettings(environ=exported(lines), env_file=None))
    assert report.ok, str(report)


def test_another_name_than_localhost_is_printed_as_server_name(tmp_path: Path):
    certs = minting.trio(sans=["*.example.com"]).write(tmp_path / "certs")
    pair = {"server_pem_path": certs / "server.pem", "server_key_path": certs / "server.key"}
    with EmbeddedMilvus(**pair) as server:
        variables = exported(exports(server.uri, certs / "server.pem", None, Path("none")))
        assert variables["MILVUS_SERVER_NAME"] == "milvus.example.com"
        report = check(MilvusSettings(environ=variables, env_file=None))
    assert report.ok, str(report)


def test_ipv6_loopback_is_printed_as_a_name_that_resolves_to_it_or_as_address(server_pair):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with EmbeddedMilvus(**server_pair, host="::1") as server:
        host = server.uri.removeprefix("https://").rpartition(":")[0]
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host.strip("[]"), server.port)}
        assert ipaddress.ip_address("::1") in map(ipaddress.ip_address, addresses)


def test_another_ca_is_not_printed(server_pair, certs: Path, foreign_ca: Path):
    shutil.copy(foreign_ca, certs / "ca.pem")
    lines = exports("https://localhost:1", server_pair["server_pem_path"], None, Path("none"))
    assert lines[-1] == "export MILVUS_CA_PEM_PATH=...  # the CA that issued server.pem"


def test_a_client_pair_that_the_server_refuses_is_not_printed(server_pair, foreign_ca: Path):
    lines = exports("https://localhost:1", server_pair["server_pem_path"], foreign_ca, Path("none"))
    assert lines[-2:] == [
        f"export MILVUS_CLIENT_PEM_PATH=...  # issued by the CA in {foreign_ca.name}",
        "export MILVUS_CLIENT_KEY_PATH=...  # its key",
    ]


@pytest.mark.parametrize("text", ["", "MILVUS_TLS_MODE=nonsense", "MILVUS_CA_PEM_PATH=/none"])
def test_an_unrelated_env_file_is_ignored(server_pair, certs: Path, tmp_path: Path, text):
    env = tmp_path / "client.env"
    env.write_text(text)
    variables = exported(exports("https://localhost:1", server_pair["server_pem_path"], None, env))
    assert variables["MILVUS_CA_PEM_PATH"] == str(certs / "ca.pem")
