"""A new set: its files."""

from __future__ import annotations

import stat

import pytest
from cryptography import x509

from milvus_secure.certs import CertificateSet, Subject
from milvus_secure.errors import CertificateError

NINE = {
    "ca.key",
    "ca.pem",
    "ca.srl",
    "server.key",
    "server.pem",
    "server.csr",
    "client.key",
    "client.pem",
    "client.csr",
}


def test_the_files_are_those_of_the_guide(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    assert {path.name for path in made.directory.iterdir()} == NINE


def test_keys_and_directory_are_readable_by_the_owner_only(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    modes = {p.suffix: stat.S_IMODE(p.stat().st_mode) for p in made.directory.iterdir()}
    assert modes == {".key": 0o600, ".pem": 0o644, ".csr": 0o644, ".srl": 0o644}
    assert stat.S_IMODE(made.directory.stat().st_mode) == 0o700


def test_the_three_subjects_differ(tmp_path):
    made = CertificateSet.create(tmp_path / "certs", subject=Subject(organization="milvus"))
    subjects = {
        x509.load_pem_x509_certificate(path.read_bytes()).subject
        for path in (made.ca_pem, made.server_pem, made.client_pem)
    }
    assert len(subjects) == 3


def test_a_set_is_not_overwritten_by_default(tmp_path, snapshot):
    made = CertificateSet.create(tmp_path / "certs")
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match="already contains a certificate set"):
        CertificateSet.create(made.directory)
    assert snapshot(made.directory) == before


def test_overwriting_leaves_nothing_of_the_old_set(tmp_path, snapshot):
    made = CertificateSet.create(tmp_path / "certs", intermediate_days=900)
    made.add_client("ingest")
    before = snapshot(made.directory)
    CertificateSet.create(made.directory, overwrite=True)
    after = snapshot(made.directory)
    assert set(after) == NINE
    assert not set(before.values()) & set(after.values())


def test_overwriting_keeps_foreign_files(tmp_path):
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "gen.sh").write_text("#!/bin/sh\n")
    inode = (folder / "gen.sh").stat().st_ino
    CertificateSet.create(folder, overwrite=True)
    assert (folder / "gen.sh").stat().st_ino == inode


@pytest.mark.parametrize("foreign", ["notes.txt", ".git/"])
def test_keys_are_not_written_next_to_foreign_files_by_default(tmp_path, foreign):
    path = tmp_path / "certs" / foreign
    path.mkdir(parents=True) if foreign.endswith("/") else path.parent.mkdir()
    if not path.exists():
        path.write_text("mine")
    with pytest.raises(CertificateError, match="do not belong to a certificate set"):
        CertificateSet.create(tmp_path / "certs")
    assert [p.name for p in (tmp_path / "certs").iterdir()] == [path.name]


@pytest.mark.parametrize(
    "bad",
    [
        {"days": 0},
        {"days": -1},
        {"days": 10**9},
        {"days": True},
        {"days": 1.5},
        {"ca_days": 0},
        {"days": 400, "ca_days": 300},
        {"intermediate_days": 4000},
        {"key_type": "p521"},
        {"key_type": "ed25519"},
        {"key_type": "rsa1024"},
        {"key_type": "P256"},
        {"names": ["client"]},
        {"names": ["a b"]},
        {"ips": ["300.1.1.1"]},
    ],
)
def test_invalid_values_create_no_file(tmp_path, bad):
    with pytest.raises(CertificateError, match="Fix: "):
        CertificateSet.create(tmp_path / "certs", **bad)
    assert list(tmp_path.iterdir()) == []
