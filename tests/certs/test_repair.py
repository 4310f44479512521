"""What gen.sh leaves, before and after repair."""

from __future__ import annotations

import shutil

import pytest
from cryptography import x509

from milvus_secure.certset import CertificateSet
from milvus_secure.certset.keys import load_key
from milvus_secure.errors import CertificateError

BOTH = pytest.mark.parametrize("variant", ["older", "current"])


@BOTH
def test_a_strict_peer_refuses_what_gen_sh_makes(gen_sh, judge, variant):
    """Otherwise the tests below would prove nothing."""
    assert judge(gen_sh(variant), "localhost")["python"] != "OK"


@BOTH
def test_every_peer_accepts_the_repaired_set(gen_sh, judge, variant):
    folder = gen_sh(variant)
    CertificateSet(folder).repair()
    assert set(judge(folder, "localhost").values()) == {"OK"}


@BOTH
def test_who_trusts_the_old_ca_trusts_the_repaired_server(gen_sh, judge, variant, tmp_path):
    folder = gen_sh(variant)
    old = (folder / "ca.pem").read_bytes()
    CertificateSet(folder).repair()
    shutil.copytree(folder, tmp_path / "client")
    (tmp_path / "client" / "ca.pem").write_bytes(old)
    assert judge(tmp_path / "client", "localhost")["grpc"] == "OK"


@BOTH
def test_the_repaired_subjects_differ(gen_sh, variant):
    folder = gen_sh(variant)
    CertificateSet(folder).repair()
    subjects = {
        x509.load_pem_x509_certificate((folder / f"{stem}.pem").read_bytes()).subject
        for stem in ("ca", "server", "client")
    }
    assert len(subjects) == 3


@BOTH
def test_a_second_repair_finds_nothing(gen_sh, snapshot, variant):
    folder = gen_sh(variant)
    CertificateSet(folder).repair()
    before = snapshot(folder)
    assert "nothing is wrong" in CertificateSet(folder).repair().text()
    assert snapshot(folder) == before


@BOTH
def test_repair_keeps_sound_keys(gen_sh, variant):
    folder = gen_sh(variant)
    keys = [folder / f"{stem}.key" for stem in ("ca", "server", "client")]
    before = [load_key(path).public_key() for path in keys]
    CertificateSet(folder).repair()
    assert [load_key(path).public_key() for path in keys] == before


def test_repair_leaves_foreign_files(gen_sh, snapshot):
    folder = gen_sh("older")
    before = snapshot(folder)
    CertificateSet(folder).repair()
    after = snapshot(folder)
    assert [after[name] for name in ("gen.sh", "openssl.cnf")] == [
        before[name] for name in ("gen.sh", "openssl.cnf")
    ]


def test_repair_says_what_was_wrong(gen_sh):
    told = CertificateSet(gen_sh("current")).repair(dry_run=True).text()
    assert "client.pem: the same subject as the CA; no extended key usage clientAuth" in told


def test_a_lost_server_pair_is_made_again(gen_sh, judge):
    folder = gen_sh("current")
    (folder / "server.key").unlink()
    (folder / "server.pem").write_bytes(b"")
    CertificateSet(folder).repair()
    assert set(judge(folder, "localhost").values()) == {"OK"}


def test_repair_adds_names(gen_sh, judge):
    folder = gen_sh("current")
    CertificateSet(folder).repair(["milvus.example.com"], ["127.0.0.1"])
    assert {judge(folder, name)["grpc"] for name in ("localhost", "milvus.example.com")} == {"OK"}


def test_names_that_are_there_need_no_repair(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    assert not made.repair(["localhost"]).files


def test_a_sound_set_needs_no_repair(tmp_path):
    assert not CertificateSet.create(tmp_path / "certs").repair().files


def test_a_key_others_can_read_is_closed(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    made.server_key.chmod(0o644)
    made.repair()
    assert made.server_key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem"])
def test_without_its_ca_no_set_can_be_repaired(gen_sh, snapshot, lost):
    folder = gen_sh("older")
    (folder / lost).unlink()
    before = snapshot(folder)
    with pytest.raises(CertificateError, match=lost):
        CertificateSet(folder).repair()
    assert snapshot(folder) == before
