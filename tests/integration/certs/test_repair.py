"""The output of gen.sh, before and after repair."""

from __future__ import annotations

import shutil

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

import odd_chains
from milvus_secure.certs import CertificateSet
from milvus_secure.certs.issuing.issue import Role
from milvus_secure.certs.issuing.keys import load_key
from milvus_secure.errors import CertificateError
from minting import Minted, mint

BOTH = pytest.mark.parametrize("variant", ["older", "current"])


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
    assert "no defect found" in CertificateSet(folder).repair().text()
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
    text = CertificateSet(gen_sh("current")).repair(dry_run=True).text()
    assert "client.pem: the same subject as the CA; no extended key usage clientAuth" in text


@pytest.mark.parametrize("stem", ["server", "client"])
def test_a_key_usage_without_signatures_is_repaired(tmp_path, stem):
    made = CertificateSet.create(tmp_path / "certs", ["localhost"])
    authority = Minted(
        x509.load_pem_x509_certificate(made.ca_pem.read_bytes()), load_key(made.ca_key)
    )
    server = stem == "server"
    usages = [ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH]
    leaf = mint(
        "localhost" if server else "client",
        sans=["localhost"] if server else (),
        issuer=authority,
        usages=usages,
        key_usage=odd_chains.key_usage("key_agreement"),
    )
    (made.directory / f"{stem}.pem").write_bytes(leaf.pem)
    (made.directory / f"{stem}.key").write_bytes(leaf.key_pem)
    (made.directory / f"{stem}.key").chmod(0o600)
    assert f"{stem}.pem: no key usage digitalSignature; reissued" in made.repair().text()
    assert not made.repair().files


def test_existing_names_need_no_repair(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    assert not made.repair(["localhost"]).files


def test_a_sound_set_needs_no_repair(tmp_path):
    assert not CertificateSet.create(tmp_path / "certs").repair().files


def test_a_key_that_others_can_read_gets_a_stricter_mode(tmp_path):
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


def test_a_sound_intermediate_set_needs_no_repair(chained):
    assert not chained.repair().files


def test_leaves_of_an_intermediate_ca_whose_key_is_kept_elsewhere_stay(chained, tmp_path):
    (chained.directory / "intermediate.key").rename(tmp_path / "kept.key")
    assert not chained.repair().files


def test_a_second_server_stays_a_server(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    second = CertificateSet.create(tmp_path / "other", ["proxy.example.com"])
    shutil.copy(second.server_key, made.directory / "proxy.key")
    signed = made.sign(second.directory / "server.csr", Role.SERVER)
    (made.directory / "proxy.pem").write_bytes(signed)
    assert not made.repair().files


@pytest.mark.parametrize(
    ("steps", "due"),
    [
        (("renew_ca",), r"certs renew \S+$"),
        (("renew_ca", "renew"), r"certs renew \S+ --retire$"),
    ],
    ids=["before the leaves", "after the leaves"],
)
def test_while_a_ca_is_renewed_the_step_that_is_due_comes_first(tmp_path, snapshot, steps, due):
    """What the new CA signs would be refused by clients that have the old ca.pem alone."""
    made = CertificateSet.create(tmp_path / "certs")
    for step in steps:
        getattr(made, step)()
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match=due):
        made.repair(["foo.example.com"])
    assert snapshot(made.directory) == before
