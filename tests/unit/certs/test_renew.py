"""Renewing leaves and the CA: which clients still connect after each step."""

from __future__ import annotations

import shlex
import shutil

import pytest
from cryptography import x509

from milvus_secure.certs import CertificateSet
from milvus_secure.cli import main
from milvus_secure.errors import CertificateError


def leaf(path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_renewed_leaf_keeps_names_subject_and_validity(named_set):
    before = leaf(named_set.server_pem)
    named_set.renew("server")
    after = leaf(named_set.server_pem)
    san = x509.SubjectAlternativeName
    assert after.subject == before.subject
    assert (
        after.extensions.get_extension_for_class(san).value
        == before.extensions.get_extension_for_class(san).value
    )
    assert after.not_valid_after_utc - after.not_valid_before_utc == (
        before.not_valid_after_utc - before.not_valid_before_utc
    )


def test_a_renewed_leaf_has_a_new_key(named_set):
    before = named_set.client_key.read_bytes()
    named_set.renew()
    assert named_set.client_key.read_bytes() != before


def test_renewing_one_leaves_the_others(named_set, snapshot):
    before = snapshot(named_set.directory)
    named_set.renew("client")
    after = snapshot(named_set.directory)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"client.pem", "client.key", "client.csr", "ca.srl"}


@pytest.mark.parametrize("method", ["renew", "renew_ca", "repair"])
def test_a_dry_run_writes_nothing_and_lists_what_would_change(named_set, snapshot, method):
    before = snapshot(named_set.directory)
    change = getattr(named_set, method)(dry_run=True)
    assert change.done
    assert snapshot(named_set.directory) == before


def test_a_dry_run_says_that_pinned_clients_break(named_set):
    assert "server_pem_path" in named_set.renew(dry_run=True).text(dry_run=True)


def test_renewing_an_unknown_certificate_lists_the_known_ones(named_set):
    with pytest.raises(CertificateError, match="it contains: server, client"):
        named_set.renew("ingest")


def test_a_ca_that_expires_too_soon_is_named_with_the_command_that_renews_it(tmp_path):
    made = CertificateSet.create(tmp_path / "certs", days=20, ca_days=20)
    with pytest.raises(CertificateError, match="fewer days, or renew the CA") as caught:
        made.renew(days=21)
    assert main(shlex.split(caught.value.command)[1:]) == 0


def test_a_leaf_never_outlives_its_ca(tmp_path):
    named_set = CertificateSet.create(tmp_path / "certs", days=20, ca_days=20)
    with pytest.raises(CertificateError, match=r"for 21 days, its issuer for \d+\."):
        named_set.renew(days=21)


def test_the_old_ca_stays_while_a_leaf_needs_it(named_set, snapshot):
    named_set.renew_ca()
    named_set.renew("server")
    before = snapshot(named_set.directory)
    with pytest.raises(CertificateError, match="client: issued by the old CA"):
        named_set.retire_ca()
    assert snapshot(named_set.directory) == before


def test_a_second_new_ca_waits_for_the_first(named_set):
    named_set.renew_ca()
    with pytest.raises(CertificateError, match=r"the CA is being renewed.* certs renew \S+$"):
        named_set.renew_ca()
    named_set.renew()
    with pytest.raises(CertificateError, match=r"certs renew \S+ --retire$"):
        named_set.renew_ca()


def test_retiring_a_lone_ca_is_refused(named_set):
    with pytest.raises(CertificateError, match="contains only one CA"):
        named_set.retire_ca()


def test_a_copy_of_the_old_ca_does_not_prevent_its_removal(named_set):
    shutil.copy(named_set.ca_pem, named_set.directory / "old.pem")
    named_set.renew_ca()
    named_set.renew()
    named_set.retire_ca()


def test_the_middle_step_says_that_the_old_pairs_end_with_the_old_ca(named_set):
    named_set.renew_ca()
    text = " ".join(named_set.renew().text().split())
    assert text.count("valid until the old CA is removed") == 2
    assert f"milvus-secure certs renew {named_set.directory} --retire" in text


def test_a_pair_of_another_ca_is_named(named_set, tmp_path):
    other_set = CertificateSet.create(tmp_path / "other")
    for name in ("server.pem", "server.key"):
        shutil.copy(other_set.directory / name, named_set.directory / name)
    assert "server.pem: unchanged, because this CA did not issue it" in named_set.renew().text()


@pytest.mark.parametrize("place", ["missing", "."])
def test_a_directory_without_a_set_is_named(tmp_path, place):
    with pytest.raises(CertificateError, match=r"ca\.pem cannot be read: there is no"):
        CertificateSet(tmp_path / place).renew()


def test_a_ca_key_that_does_not_match_signs_nothing(named_set, tmp_path, snapshot):
    other_set = CertificateSet.create(tmp_path / "other")
    shutil.copy(other_set.ca_key, named_set.ca_key)
    before = snapshot(named_set.directory)
    for attempt in (
        named_set.renew,
        named_set.renew_ca,
        named_set.repair,
        lambda: named_set.add_client("more"),
    ):
        with pytest.raises(CertificateError, match=r"ca\.key is not the key of .*ca\.pem"):
            attempt()
    assert snapshot(named_set.directory) == before


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff" * 500, b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_broken_ca_key_is_named(named_set, garbage):
    named_set.ca_key.write_bytes(garbage)
    with pytest.raises(CertificateError, match=r"ca\.key"):
        named_set.renew()


def test_an_existing_client_is_not_replaced(named_set, snapshot):
    before = snapshot(named_set.directory)
    with pytest.raises(CertificateError, match=r"contains client\.key"):
        named_set.add_client("client")
    assert snapshot(named_set.directory) == before


@pytest.mark.parametrize("name", ["", "ca", "Server", "../x", "a/b", "-x", ".x", "a b", "x" * 65])
def test_a_client_name_that_cannot_be_a_file_name_is_refused(named_set, name, snapshot):
    before = snapshot(named_set.directory)
    with pytest.raises(CertificateError):
        named_set.add_client(name)
    assert snapshot(named_set.directory) == before
