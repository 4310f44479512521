"""Renewing leaves and the CA: who still works after each step."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from cryptography import x509

from milvus_secure.certs import CertificateSet, Subject
from milvus_secure.certs.issuing.issue import Role
from milvus_secure.cli import main
from milvus_secure.errors import CertificateError


@pytest.fixture
def made(tmp_path) -> CertificateSet:
    return CertificateSet.create(
        tmp_path / "certs",
        ["milvus.example.com", "localhost"],
        ["127.0.0.1"],
        days=100,
        subject=Subject(organization="milvus"),
    )


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
    with pytest.raises(CertificateError, match=r"a renewal is under way.* certs renew \S+$"):
        made.renew_ca()
    made.renew()
    with pytest.raises(CertificateError, match=r"certs renew \S+ --retire$"):
        made.renew_ca()


def test_retiring_a_lone_ca_is_refused(made):
    with pytest.raises(CertificateError, match="holds one CA only"):
        made.retire_ca()


@pytest.fixture
def remote(made, tmp_path) -> str:
    """Signed for a server whose key never was here; answers with the path of its request."""
    other = CertificateSet.create(tmp_path / "other", ["node.example.com"])
    (made.directory / "node.pem").write_bytes(
        made.sign(other.directory / "server.csr", Role.SERVER)
    )
    return str(other.directory / "server.csr")


def test_a_certificate_whose_key_is_elsewhere_is_named_and_keeps_the_old_ca(made, remote, openssl):
    made.renew_ca()
    told = made.renew().text()
    assert "node.pem: unchanged, as its key is not here" in told
    again = f"milvus-secure certs sign CSR --dir {made.directory} --role server --out "
    assert again in told
    with pytest.raises(CertificateError, match=r"node: still of the old CA.* certs sign CSR "):
        made.retire_ca()
    (made.directory / "node.pem").write_bytes(made.sign(remote, Role.SERVER))
    made.retire_ca()
    assert openssl("verify", "-CAfile", made.ca_pem, made.directory / "node.pem").endswith("OK\n")


def test_a_copy_of_the_old_ca_does_not_hold_up_its_end(made):
    shutil.copy(made.ca_pem, made.directory / "old.pem")
    made.renew_ca()
    made.renew()
    made.retire_ca()


def test_the_middle_step_says_that_the_old_pairs_end_with_the_old_ca(made):
    made.renew_ca()
    told = " ".join(made.renew().text().split())
    assert told.count("good until the old CA is retired") == 2
    assert f"milvus-secure certs renew {made.directory} --retire" in told


@pytest.mark.parametrize("data", [b"x\n", None], ids=["damaged", "missing"])
def test_a_pair_that_cannot_be_read_stops_a_renewal_of_all(made, snapshot, judge, data):
    made.server_pem.write_bytes(data) if data else made.server_pem.unlink()
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match=r"server\.pem is missing or holds no") as caught:
        made.renew()
    assert snapshot(made.directory) == before
    made.renew("client")
    # What the message says helps.
    command = shlex.split(caught.value.fix.partition("milvus-secure ")[2])
    assert main(command) == 0
    made.renew()
    assert set(judge(made.directory, "localhost").values()) == {"OK"}


def test_a_pair_of_another_ca_is_named(made, tmp_path):
    other = CertificateSet.create(tmp_path / "other")
    for name in ("server.pem", "server.key"):
        shutil.copy(other.directory / name, made.directory / name)
    assert "server.pem: unchanged, as it is no server's" in made.renew().text()


@pytest.mark.parametrize("place", ["missing", "."])
def test_a_place_without_a_set_is_named(tmp_path, place):
    with pytest.raises(CertificateError, match=r"ca\.pem cannot be read: there is no"):
        CertificateSet(tmp_path / place).renew()


def test_an_encrypted_ca_key_is_decrypted_by_the_command_that_is_named(made, openssl):
    made.ca_key.write_text(
        openssl("pkey", "-in", made.ca_key, "-aes128", "-passout", "pass:opensesame")
    )
    with pytest.raises(CertificateError, match="is encrypted") as caught:
        made.renew()
    command = caught.value.fix.partition("alone: ")[2]
    shell = command.replace("pkey ", "pkey -passin pass:opensesame ", 1)
    run = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, check=True, timeout=120
    )
    assert "PRIVATE KEY" not in run.stdout
    assert made.ca_key.stat().st_mode & 0o077 == 0
    made.renew()


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
