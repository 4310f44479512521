"""``milvus-secure certs``: what each command does to a directory, and what it says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from certificate_judges import contents
from milvus_secure.cli import main


@pytest.fixture
def run_certs(tmp_path: Path):
    """Run a ``certs`` command on DIR, which is a fresh set."""
    folder = tmp_path / "tls"
    assert main(["certs", "init", str(folder)]) == 0

    def run(command: str, *arguments: object) -> int:
        return main(["certs", command, *map(str, arguments)])

    run.folder = folder
    return run


def test_init_makes_the_nine_files_of_the_guide(run_certs):
    pairs = {f"{role}.{kind}" for role in ("server", "client") for kind in ("key", "pem", "csr")}
    assert set(contents(run_certs.folder)) == {"ca.key", "ca.pem", "ca.srl"} | pairs


def test_init_replaces_a_set_only_when_forced(run_certs, capsys):
    before = contents(run_certs.folder)
    assert run_certs("init", run_certs.folder) == 1
    assert "--force" in capsys.readouterr().err
    assert contents(run_certs.folder) == before
    assert run_certs("init", run_certs.folder, "--force") == 0
    assert contents(run_certs.folder)["ca.pem"] != before["ca.pem"]


@pytest.fixture
def foreign_folder(tmp_path: Path) -> Path:
    """A directory with a key and a request that a company's CA is to sign."""
    assert main(["certs", "csr", str(tmp_path / "asked"), "--name", "db.example.com"]) == 0
    return tmp_path / "asked"


@pytest.mark.parametrize("flags", [[], ["--force"], ["--force", "--dry-run"]], ids=" ".join)
def test_init_never_replaces_what_belongs_to_no_set(foreign_folder: Path, capsys, flags: list[str]):
    before = contents(foreign_folder)
    assert main(["certs", "init", str(foreign_folder), *flags]) == 1
    assert "server.csr, server.key" in capsys.readouterr().err
    assert contents(foreign_folder) == before


def test_a_forced_init_makes_the_set_next_to_foreign_files(tmp_path: Path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["certs", "init", str(tmp_path)]) == 1
    assert main(["certs", "init", str(tmp_path), "--force"]) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "notes.txt" not in capsys.readouterr().out


def test_a_dry_run_lists_what_a_forced_init_replaces_and_removes(run_certs, capsys):
    assert run_certs("client", "alice", "--dir", run_certs.folder) == 0
    before = contents(run_certs.folder)
    capsys.readouterr()
    assert run_certs("init", run_certs.folder, "--force", "--dry-run") == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "ca.key ca.pem" in output
    assert "server.pem: replaced" in output
    assert "alice.csr alice.key alice.pem: removed" in output
    assert contents(run_certs.folder) == before


def test_a_described_set_replaces_no_foreign_pair(run_certs, foreign_folder: Path, capsys):
    for suffix in ("key", "csr"):
        shutil.copy(foreign_folder / f"server.{suffix}", run_certs.folder / f"ingest.{suffix}")
    before = contents(run_certs.folder)
    (foreign_folder / "set.toml").write_text("[clients.ingest]\n")
    assert run_certs("init", run_certs.folder, "--config", foreign_folder / "set.toml") == 1
    assert "ingest.key, ingest.csr" in capsys.readouterr().err
    assert contents(run_certs.folder) == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--name", "a b"],
        ["--name", "https://h"],
        ["--ip", "999.1.1.1"],
        ["--days", "-1"],
        ["--days", "99999999"],
        ["--key-type", "p521"],
        ["--key-type", "ed25519"],
        ["--country", "Germany"],
    ],
    ids=" ".join,
)
def test_init_names_what_no_certificate_may_contain(tmp_path: Path, capsys, flags: list[str]):
    folder = tmp_path / "new"
    assert main(["certs", "init", str(folder), *flags]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not folder.exists()


def test_client_adds_one_and_leaves_the_rest(run_certs):
    before = contents(run_certs.folder)
    assert run_certs("client", "alice", "--dir", run_certs.folder) == 0
    added = contents(run_certs.folder)
    assert set(added) - set(before) == {"alice.pem", "alice.key", "alice.csr"}
    assert {name: added[name] for name in before if name != "ca.srl"} == {
        name: data for name, data in before.items() if name != "ca.srl"
    }


def test_a_dry_run_changes_nothing_and_says_what_would_break(run_certs, capsys):
    before = contents(run_certs.folder)
    for arguments in (
        ["renew", run_certs.folder],
        ["renew", run_certs.folder, "--ca"],
        ["client", "alice", "--dir", run_certs.folder],
    ):
        capsys.readouterr()
        assert run_certs(*arguments, "--dry-run") == 0
        assert capsys.readouterr().out
    assert contents(run_certs.folder) == before


def test_renew_keeps_the_ca_and_makes_new_leaves(run_certs):
    before = contents(run_certs.folder)
    assert run_certs("renew", run_certs.folder) == 0
    after = contents(run_certs.folder)
    assert after["ca.pem"] == before["ca.pem"]
    assert after["server.pem"] != before["server.pem"]
    assert after["client.pem"] != before["client.pem"]


def test_renewing_the_ca_takes_three_steps_and_retire_is_the_last(run_certs, capsys):
    def anchors() -> int:
        return (run_certs.folder / "ca.pem").read_text().count("BEGIN CERTIFICATE")

    assert run_certs("renew", run_certs.folder, "--ca") == 0
    assert anchors() == 2
    assert (
        run_certs("renew", run_certs.folder, "--retire") == 1
    )  # the leaves still need the old one
    capsys.readouterr()
    assert run_certs("renew", run_certs.folder) == 0
    assert run_certs("renew", run_certs.folder, "--retire") == 0
    assert anchors() == 1


def test_a_directory_that_holds_no_set_is_named(tmp_path: Path, capsys):
    for command in ("renew", "repair"):
        assert main(["certs", command, str(tmp_path)]) == 1
        assert str(tmp_path) in capsys.readouterr().err


def commands(text: str) -> list[list[str]]:
    """Every command of ours that ends a line, as a shell reads it."""
    lines = re.findall(r"^ +(?:run +)?milvus-secure (.+)$", text, re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_printed_command_runs_unchanged(tmp_path: Path, capsys, monkeypatch):
    """In a directory whose name has a blank."""
    monkeypatch.chdir(tmp_path)
    arguments, output = ["certs", "init", "sp ace $x"], ""
    assert main(arguments) == 0
    assert main(arguments) == 1  # says how to renew it
    output += capsys.readouterr().err
    assert main(["certs", "renew", "sp ace $x", "--ca"]) == 0
    assert main(["certs", "renew", "sp ace $x", "--ca"]) == 1
    output += "".join(capsys.readouterr())
    assert (
        main(["certs", "sign", "sp ace $x/ca.pem", "--dir", "sp ace $x", "--role", "client"]) == 1
    )
    output += capsys.readouterr().err
    printed = commands(output)
    assert len(printed) == 5
    for command in printed:
        assert main(command) == 0, command
