"""What people type after ``milvus-secure certs``: directories, times, servers, the next step."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from milvus_secure import CertificateSet, EmbeddedMilvus
from milvus_secure.cli import main


@pytest.fixture
def fresh_directory(tmp_path: Path) -> CertificateSet:
    made = CertificateSet.create(tmp_path / "certs")
    made.renew("client", days=20)
    return made


def certs(*words: object) -> int:
    return main(["certs", *map(str, words)])


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


class TestDirectory:
    @pytest.mark.parametrize("command", ["init", "csr"])
    def test_it_may_be_given_by_flag(self, tmp_path, command):
        assert certs(command, "--dir", tmp_path / "new", "--name", "localhost") == 0
        assert (tmp_path / "new" / "server.key").exists()

    @pytest.mark.parametrize("command", ["renew", "repair"])
    def test_an_existing_set_may_be_given_by_flag(self, fresh_directory, command):
        assert certs(command, "--dir", fresh_directory.directory, "--dry-run") == 0

    def test_it_is_needed(self, capsys):
        with pytest.raises(SystemExit):
            certs("renew")
        assert "DIR" in capsys.readouterr().err


class TestInit:
    def test_it_says_when_the_certificates_end(self, tmp_path, capsys):
        assert certs("init", tmp_path / "certs", "--days", 90) == 0
        printed = capsys.readouterr().out
        end = (datetime.now(timezone.utc) + timedelta(days=90)).date()
        for name in ("server.pem", "client.pem"):
            assert f"{name} is valid until {end}" in printed
        assert "ca.pem is valid until" in printed


class TestRenewIfExpiring:
    def test_nothing_happens_while_nothing_is_due(self, fresh_directory, capsys):
        before = contents(fresh_directory.directory)
        assert certs("renew", fresh_directory.directory, "--if-expiring", "10d") == 0
        assert contents(fresh_directory.directory) == before
        assert "Nothing is due: client.pem ends first" in capsys.readouterr().out

    @pytest.mark.parametrize("time", ["30d", "30", "4w"])
    def test_it_renews_what_is_due(self, fresh_directory, time):
        before = contents(fresh_directory.directory)
        assert certs("renew", fresh_directory.directory, "--if-expiring", time) == 0
        assert contents(fresh_directory.directory)["client.pem"] != before["client.pem"]

    def test_only_the_named_certificate_decides(self, fresh_directory, capsys):
        assert (
            certs("renew", fresh_directory.directory, "--only", "server", "--if-expiring", "30d")
            == 0
        )
        assert "Nothing is due: server.pem" in capsys.readouterr().out

    def test_the_ca_decides_about_the_ca(self, fresh_directory, capsys):
        assert certs("renew", fresh_directory.directory, "--ca", "--if-expiring", "30d") == 0
        assert "Nothing is due: ca.pem" in capsys.readouterr().out

    @pytest.mark.parametrize("time", ["", "soon", "-1d", "30m"])
    def test_what_is_no_time_is_refused(self, fresh_directory, time):
        with pytest.raises(SystemExit):
            certs("renew", fresh_directory.directory, "--if-expiring", time)

    def test_a_missing_set_is_an_error(self, tmp_path, capsys):
        assert certs("renew", tmp_path, "--if-expiring", "30d") == 1
        assert "certs init" in capsys.readouterr().err


class TestStatus:
    def test_it_says_which_step_of_a_renewal_of_the_ca_is_next(self, fresh_directory, capsys):
        steps = (
            (["--ca"], "renew the certificates"),
            ([], "--retire"),
        )
        for flags, expected in steps:
            assert certs("renew", fresh_directory.directory, *flags) == 0
            capsys.readouterr()
            certs("status", fresh_directory.directory)
            printed = capsys.readouterr().out
            assert f"The CA of {fresh_directory.directory} is being renewed. Next: " in printed
            assert expected in printed

    def test_it_says_nothing_of_it_otherwise(self, fresh_directory, capsys):
        certs("status", fresh_directory.directory)
        assert "being renewed" not in capsys.readouterr().out


class TestShowServer:
    def test_the_presented_chain_is_shown(self, capsys):
        with EmbeddedMilvus() as server:
            assert certs("show", server.uri) == 0
        printed = capsys.readouterr().out
        assert "localhost" in printed
        assert "serverAuth" in printed

    def test_it_is_shown_as_json_too(self, capsys):
        with EmbeddedMilvus() as server:
            assert certs("show", server.uri, "--format", "json") == 0
        [file] = json.loads(capsys.readouterr().out)["files"]
        assert file["form"] == "presented"
        assert file["certificates"]

    def test_a_server_that_presents_none_is_named_with_the_command_that_says_why(self, capsys):
        uri = "https://localhost:1"
        assert certs("show", uri) == 1
        assert f"milvus-secure check {uri}" in capsys.readouterr().err
