"""Renewing leaves and the CA: who still works after each step."""

from __future__ import annotations

import shutil

import pytest
from cryptography import x509

from milvus_secure.certset import CertificateSet, Subject
from milvus_secure.errors import CertificateError


@pytest.fixture
def made(tmp_path) -> CertificateSet:
    return CertificateSet.create(
        tmp_path / "certs", ["milvus.example.com", "localhost"], ["127.0.0.1"],
        days=100, subject=Subject(organization="milvus"),
    )  # fmt: skip


def leaf(path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_renewed_leaf_keeps_names_subject_and_validity(made):
    before = leaf(made.server_pem)
    made.renew("server")
    after = leaf(made.server_pem)
    san = x509.SubjectAlternativeName
    assert after.subject == before.subject
    assert (
        after.extensions.get_extension_for_class(san).value
        == before.extensions.get_extension_for_class(san).value
    )
    assert after.not_valid_after_utc - after.not_valid_before_utc == (
        before.not_valid_after_utc - before.not_valid_before_utc
    )


def test_a_renewed_leaf_has_a_new_key(made):
    before = made.client_key.read_bytes()
    made.renew()
    assert made.client_key.read_bytes() != before


def test_renewing_one_leaves_the_others(made, snapshot):
    before = snapshot(made.directory)
    made.renew("client")
    after = snapshot(made.directory)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"client.pem", "client.key", "client.csr", "ca.srl"}


def test_every_peer_accepts_renewed_leaves(made, judge):
    made.renew()
    assert set(judge(made.directory, "milvus.example.com").values()) == {"OK"}


@pytest.mark.parametrize("how", ["renew", "renew_ca", "repair"])
def test_a_dry_run_writes_nothing_and_tells_what_would_change(made, snapshot, how):
    before = snapshot(made.directory)
    change = getattr(made, how)(dry_run=True)
    assert change.done
    assert snapshot(made.directory) == before


def test_a_dry_run_says_that_pinned_clients_break(made):
    assert "server_pem_path" in made.renew(dry_run=True).text(dry_run=True)


def test_renewing_what_is_not_there_names_what_is(made):
    with pytest.raises(CertificateError, match="it holds: server, client"):
        made.renew("ingest")


def test_a_leaf_never_outlives_its_ca(tmp_path):
    made = CertificateSet.create(tmp_path / "certs", days=20, ca_days=20)
    with pytest.raises(CertificateError, match=r"for 21 days, its issuer for \d+\."):
        made.renew(days=21)


@pytest.mark.parametrize("intermediate", [None, 900], ids=["root signs", "intermediate signs"])
def test_at_every_step_of_a_new_ca_every_peer_accepts_the_set(tmp_path, judge, intermediate):
    made = CertificateSet.create(tmp_path / "certs", intermediate_days=intermediate)
    for step in (made.renew_ca, made.renew, made.retire_ca):
        step()
        assert set(judge(made.directory, "localhost").values()) == {"OK"}


def test_old_and_new_leaves_meet_while_both_cas_count(tmp_path, judge):
    made = CertificateSet.create(tmp_path / "certs")
    made.renew_ca()
    mixed = tmp_path / "mixed"
    shutil.copytree(made.directory, mixed)
    made.renew()
    for name in ("server.pem", "server.key"):  # the server has changed, its clients have not
        shutil.copy(made.directory / name, mixed / name)
    assert set(judge(mixed, "localhost").values()) == {"OK"}


def test_the_old_ca_stays_while_a_leaf_needs_it(made, snapshot):
    made.renew_ca()
    made.renew("server")
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match="client: still of the old CA"):
        made.retire_ca()
    assert snapshot(made.directory) == before


def test_a_second_new_ca_waits_for_the_first(made):
    made.renew_ca()
    with pytest.raises(CertificateError, match="a renewal is under way"):
        made.renew_ca()


def test_retiring_a_lone_ca_is_refused(made):
    with pytest.raises(CertificateError, match="holds one CA only"):
        made.retire_ca()


def test_a_ca_key_that_does_not_match_signs_nothing(made, tmp_path, snapshot):
    other = CertificateSet.create(tmp_path / "other")
    shutil.copy(other.ca_key, made.ca_key)
    before = snapshot(made.directory)
    for attempt in (made.renew, made.renew_ca, made.repair, lambda: made.add_client("more")):
        with pytest.raises(CertificateError, match=r"ca\.key is not the key of .*ca\.pem"):
            attempt()
    assert snapshot(made.directory) == before


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff" * 500, b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_broken_ca_key_is_named(made, garbage):
    made.ca_key.write_bytes(garbage)
    with pytest.raises(CertificateError, match=r"ca\.key"):
        made.renew()


def test_a_new_client_is_accepted(made, judge):
    made.add_client("ingest")
    assert set(judge(made.directory, "localhost", "ingest").values()) == {"OK"}


def test_a_client_that_is_there_is_not_replaced_unasked(made, snapshot):
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match=r"holds client\.key"):
        made.add_client("client")
    assert snapshot(made.directory) == before


@pytest.mark.parametrize("name", ["", "ca", "Server", "../x", "a/b", "-x", ".x", "a b", "x" * 65])
def test_a_client_name_that_is_no_file_is_refused(made, name, snapshot):
    before = snapshot(made.directory)
    with pytest.raises(CertificateError):
        made.add_client(name)
    assert snapshot(made.directory) == before
