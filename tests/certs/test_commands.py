"""``milvus-secure certs``: what each command does to a directory, and what it says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from milvus_secure.cli import main

GUIDE = Path(__file__).resolve().parents[1] / "guide"


@pytest.fixture
def certs(tmp_path: Path):
    """Run a ``certs`` command on DIR, which is a fresh set."""
    folder = tmp_path / "tls"
    assert main(["certs", "init", str(folder)]) == 0

    def run(command: str, *arguments: object) -> int:
        return main(["certs", command, *map(str, arguments)])

    run.folder = folder
    return run


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def leaf(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_init_makes_the_nine_files_of_the_guide(certs):
    pairs = {f"{role}.{kind}" for role in ("server", "client") for kind in ("key", "pem", "csr")}
    assert set(files(certs.folder)) == {"ca.key", "ca.pem", "ca.srl"} | pairs


def test_init_refuses_to_replace_a_set_until_told(certs, capsys):
    before = files(certs.folder)
    assert certs("init", certs.folder) == 1
    assert "--force" in capsys.readouterr().err
    assert files(certs.folder) == before
    assert certs("init", certs.folder, "--force") == 0
    assert files(certs.folder)["ca.pem"] != before["ca.pem"]


@pytest.mark.parametrize(
    "flags",
    [
        ["--name", "a b"], ["--name", "https://h"], ["--ip", "999.1.1.1"], ["--days", "-1"],
        ["--days", "99999999"], ["--key-type", "p521"], ["--key-type", "ed25519"],
        ["--country", "Germany"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_init_names_what_no_certificate_may_carry(tmp_path: Path, capsys, flags: list[str]):
    folder = tmp_path / "new"
    assert main(["certs", "init", str(folder), *flags]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not folder.exists()


def test_client_adds_one_and_leaves_the_rest(certs):
    before = files(certs.folder)
    assert certs("client", "alice", "--dir", certs.folder) == 0
    added = files(certs.folder)
    assert set(added) - set(before) == {"alice.pem", "alice.key", "alice.csr"}
    assert {name: added[name] for name in before if name != "ca.srl"} == {
        name: data for name, data in before.items() if name != "ca.srl"
    }


def test_a_dry_run_changes_nothing_and_says_what_would_break(certs, capsys):
    before = files(certs.folder)
    for arguments in (["renew", certs.folder], ["renew", certs.folder, "--ca"],
                      ["client", "alice", "--dir", certs.folder]):  # fmt: skip
        capsys.readouterr()
        assert certs(*arguments, "--dry-run") == 0
        assert capsys.readouterr().out
    assert files(certs.folder) == before


def test_renew_keeps_the_ca_and_makes_new_leaves(certs):
    before = files(certs.folder)
    assert certs("renew", certs.folder) == 0
    after = files(certs.folder)
    assert after["ca.pem"] == before["ca.pem"]
    assert after["server.pem"] != before["server.pem"]
    assert after["client.pem"] != before["client.pem"]


def test_renewing_the_ca_takes_three_steps_and_retire_waits_for_its_turn(certs, capsys):
    def anchors() -> int:
        return (certs.folder / "ca.pem").read_text().count("BEGIN CERTIFICATE")

    assert certs("renew", certs.folder, "--ca") == 0
    assert anchors() == 2
    assert certs("renew", certs.folder, "--retire") == 1  # the leaves still need the old one
    capsys.readouterr()
    assert certs("renew", certs.folder) == 0
    assert certs("renew", certs.folder, "--retire") == 0
    assert anchors() == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="gen.sh needs the openssl command")
def test_repair_mends_the_current_guides_client_certificate(tmp_path: Path):
    folder = tmp_path / "cert"
    shutil.copytree(GUIDE / "current", folder)
    subprocess.run(["sh", "gen.sh"], cwd=folder, check=True, capture_output=True)
    authority = (folder / "ca.key").read_bytes()
    assert main(["certs", "repair", str(folder)]) == 0
    usage = leaf(folder / "client.pem").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert x509.ExtendedKeyUsageOID.CLIENT_AUTH in usage.value
    assert (folder / "ca.key").read_bytes() == authority


def test_a_directory_that_holds_no_set_is_named(tmp_path: Path, capsys):
    for command in ("renew", "repair"):
        assert main(["certs", command, str(tmp_path)]) == 1
        assert str(tmp_path) in capsys.readouterr().err
