"""The arguments of ``milvus-secure certs``: directories, times, servers, the next step."""

from __future__ import annotations

import json
import shlex
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certificate_judges import contents
from milvus_secure import CertificateSet, EmbeddedMilvus
from milvus_secure.cli import main


@pytest.fixture
def fresh_directory(tmp_path: Path) -> CertificateSet:
    made = CertificateSet.create(tmp_path / "certs")
    made.renew("client", days=20)
    return made


def certs_command(*words: object) -> int:
    return main(["certs", *map(str, words)])


class TestDirectory:
    @pytest.mark.parametrize("command", ["init", "csr"])
    def test_it_may_be_given_by_flag(self, tmp_path, command):
        assert certs_command(command, "--dir", tmp_path / "new", "--name", "localhost") == 0
        assert (tmp_path / "new" / "server.key").exists()

    @pytest.mark.parametrize("command", ["renew", "repair"])
    def test_an_existing_set_may_be_given_by_flag(self, fresh_directory, command):
        assert certs_command(command, "--dir", fresh_directory.directory, "--dry-run") == 0

    @pytest.mark.parametrize("command", ["init", "csr", "renew", "repair", "export"])
    def test_it_is_needed(self, command, capsys):
        with pytest.raises(SystemExit):
            certs_command(command)
        assert "DIR" in capsys.readouterr().err

    def test_an_export_takes_it_by_flag(self, fresh_directory, tmp_path):
        (tmp_path / "password").write_text("opensesame\n")
        flags = ("--dir", fresh_directory.directory, "--password-file", tmp_path / "password")
        assert certs_command("export", *flags) == 0
        assert (fresh_directory.directory / "client.p12").exists()


class TestInit:
    def test_it_says_when_the_certificates_end(self, tmp_path, capsys):
        assert certs_command("init", tmp_path / "certs", "--days", 90) == 0
        printed = capsys.readouterr().out
        end = (datetime.now(timezone.utc) + timedelta(days=90)).date()
        for name in ("server.pem", "client.pem"):
            assert f"{name} is valid until {end}" in printed
        assert "ca.pem is valid until" in printed

    def test_for_a_described_set_too(self, tmp_path, capsys):
        (tmp_path / "set.toml").write_text("[server]\ndays = 90\n")
        assert certs_command("init", tmp_path / "certs", "--config", tmp_path / "set.toml") == 0
        end = (datetime.now(timezone.utc) + timedelta(days=90)).date()
        assert f"server.pem is valid until {end}" in capsys.readouterr().out


class TestRenewIfExpiring:
    def test_nothing_happens_while_nothing_is_due(self, fresh_directory, capsys):
        before = contents(fresh_directory.directory)
        assert certs_command("renew", fresh_directory.directory, "--if-expiring", "10d") == 0
        assert contents(fresh_directory.directory) == before
        assert "Nothing is due: client.pem ends first" in capsys.readouterr().out

    @pytest.mark.parametrize("time", ["30d", "30", "4w"])
    def test_it_renews_what_is_due(self, fresh_directory, time):
        before = contents(fresh_directory.directory)
        assert certs_command("renew", fresh_directory.directory, "--if-expiring", time) == 0
        assert contents(fresh_directory.directory)["client.pem"] != before["client.pem"]

    def test_what_is_not_due_is_kept(self, fresh_directory):
        before = contents(fresh_directory.directory)
        assert certs_command("renew", fresh_directory.directory, "--if-expiring", "30d") == 0
        after = contents(fresh_directory.directory)
        assert {name for name in after if after[name] != before[name]} == {
            "ca.srl",
            "client.csr",
            "client.key",
            "client.pem",
        }

    def test_a_certificate_whose_key_is_elsewhere_is_named_and_triggers_no_renewal(
        self, fresh_directory, capsys
    ):
        fresh_directory.renew("server", days=5)
        fresh_directory.renew("client", days=300)
        (fresh_directory.directory / "node.pem").write_bytes(
            fresh_directory.server_pem.read_bytes()
        )
        fresh_directory.renew("server", days=300)
        before = contents(fresh_directory.directory)
        assert certs_command("renew", fresh_directory.directory, "--if-expiring", "30d") == 0
        assert contents(fresh_directory.directory) == before
        assert "node.pem ends on" in capsys.readouterr().out

    def test_it_says_when_only_a_new_ca_helps(self, tmp_path, capsys):
        """Otherwise a timer would renew at each run, without effect on the expiry."""
        made = CertificateSet.create(tmp_path / "short", days=20, ca_days=20)
        before = contents(made.directory)
        assert certs_command("renew", made.directory, "--if-expiring", "30d") == 1
        assert f"certs renew {made.directory} --ca" in capsys.readouterr().err
        assert contents(made.directory) == before

    def test_it_waits_while_the_new_ca_is_not_deployed(self, fresh_directory, capsys):
        fresh_directory.renew_ca()
        before = contents(fresh_directory.directory)
        assert certs_command("renew", fresh_directory.directory, "--if-expiring", "30d") == 1
        assert "the new ca.pem is not deployed yet" in capsys.readouterr().err
        assert contents(fresh_directory.directory) == before

    def test_a_ca_that_expires_soon_is_named(self, tmp_path, capsys):
        made = CertificateSet.create(tmp_path / "short", days=40, ca_days=80)
        assert certs_command("renew", made.directory, "--if-expiring", "30d") == 0
        capsys.readouterr()
        assert certs_command("renew", made.directory, "--if-expiring", "100d", "--dry-run") == 0
        assert "ca.pem ends on" in capsys.readouterr().out

    def test_it_cannot_be_combined_with_retire(self, fresh_directory, capsys):
        with pytest.raises(SystemExit):
            certs_command("renew", fresh_directory.directory, "--retire", "--if-expiring", "30d")
        assert "--if-expiring" in capsys.readouterr().err

    def test_only_the_named_certificate_decides(self, fresh_directory, capsys):
        assert (
            certs_command(
                "renew", fresh_directory.directory, "--only", "server", "--if-expiring", "30d"
            )
            == 0
        )
        assert "Nothing is due: server.pem" in capsys.readouterr().out

    def test_the_ca_decides_about_the_ca(self, fresh_directory, capsys):
        assert (
            certs_command("renew", fresh_directory.directory, "--ca", "--if-expiring", "30d") == 0
        )
        assert "Nothing is due: ca.pem" in capsys.readouterr().out

    @pytest.mark.parametrize("time", ["", "soon", "-1d", "30m"])
    def test_an_invalid_time_is_refused(self, fresh_directory, time):
        with pytest.raises(SystemExit):
            certs_command("renew", fresh_directory.directory, "--if-expiring", time)

    def test_a_missing_set_is_an_error(self, tmp_path, capsys):
        assert certs_command("renew", tmp_path, "--if-expiring", "30d") == 1
        assert "certs init" in capsys.readouterr().err


class TestStatus:
    def test_it_says_which_step_of_a_renewal_of_the_ca_is_next(self, fresh_directory, capsys):
        steps = (
            (["--ca"], "renew the certificates"),
            ([], "--retire"),
        )
        for flags, expected in steps:
            assert certs_command("renew", fresh_directory.directory, *flags) == 0
            capsys.readouterr()
            certs_command("status", fresh_directory.directory)
            printed = capsys.readouterr().out
            assert f"The CA of {fresh_directory.directory} is being renewed. Next: " in printed
            assert expected in printed
            command = shlex.join(
                ["milvus-secure", "certs", "renew", str(fresh_directory.directory)]
            )
            assert printed.splitlines()[-1].strip().startswith(command)

    def test_in_json_the_step_is_there_as_text_and_as_a_command(self, fresh_directory, capsys):
        directory = str(fresh_directory.directory)
        assert certs_command("renew", directory, "--ca") == 0
        capsys.readouterr()
        certs_command("status", directory, "--format", "json")
        [renewal] = json.loads(capsys.readouterr().out)["ca_renewals"]
        assert renewal["directory"] == directory
        assert "renew the certificates" in renewal["next_step"]
        assert renewal["command"] == shlex.join(["milvus-secure", "certs", "renew", directory])

    def test_it_names_no_step_otherwise(self, fresh_directory, capsys):
        certs_command("status", fresh_directory.directory, "--format", "json")
        assert json.loads(capsys.readouterr().out)["ca_renewals"] == []
        certs_command("status", fresh_directory.directory)
        assert "being renewed" not in capsys.readouterr().out


class TestShowServer:
    def test_the_presented_chain_is_shown(self, capsys):
        with EmbeddedMilvus() as server:
            assert certs_command("show", server.uri) == 0
        printed = capsys.readouterr().out
        assert "localhost" in printed
        assert "serverAuth" in printed

    def test_a_host_and_port_that_name_no_file_are_a_server(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with EmbeddedMilvus() as server:
            address = f"localhost:{server.port}"
            assert certs_command("show", address) == 0
        assert f"https://{address} (presented)" in capsys.readouterr().out

    def test_it_is_shown_as_json_too(self, capsys):
        with EmbeddedMilvus() as server:
            assert certs_command("show", server.uri, "--format", "json") == 0
        [file] = json.loads(capsys.readouterr().out)["files"]
        assert file["form"] == "presented"
        assert file["certificates"]

    def test_a_server_without_a_chain_is_named_with_the_command_that_explains_it(self, capsys):
        uri = "https://localhost:1"
        assert certs_command("show", uri) == 1
        assert f"milvus-secure check {uri}" in capsys.readouterr().err
