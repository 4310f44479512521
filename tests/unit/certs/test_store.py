"""A set is written completely or not at all, whatever fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from milvus_secure.certs import CertificateSet
from milvus_secure.certs.storage.change import Change
from milvus_secure.certs.storage.store import exclusive, write_change
from milvus_secure.errors import CertificateError


def test_no_temporary_file_is_left_next_to_the_set(tmp_path):
    CertificateSet.create(tmp_path / "certs")
    CertificateSet.create(tmp_path / "certs", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["certs"]


@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write into any directory"
)
def test_an_unwritable_parent_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CertificateError, match="permission denied"):
            CertificateSet.create(tmp_path / "certs")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("place", ["missing/certs", "file", "file/certs"])
def test_a_path_that_cannot_be_a_directory_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CertificateError, match="Fix: "):
        CertificateSet.create(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_link_to_the_directory_stays_a_link(tmp_path):
    CertificateSet.create(tmp_path / "certs")
    (tmp_path / "link").symlink_to("certs")
    CertificateSet(tmp_path / "link").renew()
    assert (tmp_path / "link").is_symlink()


def test_the_directory_stays_the_same_directory(tmp_path):
    """Containers mount it, and shells and services work inside it."""
    made = CertificateSet.create(tmp_path / "certs")
    before = made.directory.stat().st_ino
    made.renew()
    made.add_client("more")
    made.repair()
    assert made.directory.stat().st_ino == before


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o440])
def test_a_file_keeps_its_mode(tmp_path, mode):
    made = CertificateSet.create(tmp_path / "certs")
    made.server_key.chmod(mode)
    made.renew()
    assert stat.S_IMODE(made.server_key.stat().st_mode) == mode


def test_a_directory_keeps_its_mode_and_its_links(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    made.directory.chmod(0o750)
    (made.directory / "latest.pem").symlink_to("server.pem")
    made.renew()
    assert stat.S_IMODE(made.directory.stat().st_mode) == 0o750
    assert (made.directory / "latest.pem").readlink() == Path("server.pem")


def test_a_directory_in_place_of_a_file_is_refused_by_run_and_dry_run(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    made.directory.joinpath("server.csr").unlink()
    made.directory.joinpath("server.csr").mkdir()
    for dry_run in (True, False):
        with pytest.raises(CertificateError, match=r"server\.csr is a directory"):
            made.renew(dry_run=dry_run)


def test_a_subdirectory_is_kept(tmp_path):
    made = CertificateSet.create(tmp_path / "certs")
    (made.directory / "old").mkdir()
    made.renew()
    assert (made.directory / "old").is_dir()


def test_files_written_are_exactly_those_given(tmp_path):
    with exclusive(tmp_path / "certs", create=True):
        write_change(tmp_path / "certs", Change({"a.key": b"a", "b.pem": b"b"}))
        write_change(tmp_path / "certs", Change({"a.key": b"c"}, dropped=("b.pem",)))
    assert {p.name: p.read_bytes() for p in (tmp_path / "certs").iterdir()} == {"a.key": b"c"}
