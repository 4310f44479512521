"""The verdict of every peer on certificate sets: new, repaired, renewed.

The peers are ``openssl verify`` in its strict mode, Python's ssl and gRPC.
"""

from __future__ import annotations

import shlex
import shutil

import pytest
from cryptography import x509

from milvus_secure.certs import CertificateSet, Subject
from milvus_secure.certs.issuing.issue import Authority, Role, issue, pem
from milvus_secure.certs.issuing.keys import load_key
from milvus_secure.cli import main
from milvus_secure.errors import CertificateError

BOTH = pytest.mark.parametrize("variant", ["older", "current"])

OPTIONS = [
    pytest.param({}, "localhost", id="defaults"),
    pytest.param({"names": ["milvus.example.com"]}, "milvus.example.com", id="one name"),
    pytest.param({"names": ["*.example.com"]}, "milvus.example.com", id="wildcard"),
    pytest.param({"ips": ["127.0.0.1"]}, "127.0.0.1", id="address alone"),
    pytest.param({"names": ["localhost"], "ips": ["::1"]}, "::1", id="IPv6"),
    pytest.param({"names": ["a" * 60 + ".example.com"]}, "a" * 60 + ".example.com", id="long"),
    *(pytest.param({"key_type": kind}, "localhost", id=kind) for kind in ("p384", "rsa2048")),
    pytest.param({"key_type": "rsa4096"}, "localhost", id="rsa4096", marks=pytest.mark.thorough),
    pytest.param({"intermediate_days": 900}, "localhost", id="intermediate"),
    pytest.param({"intermediate_days": 900, "key_type": "rsa2048"}, "localhost", id="RSA chain"),
    pytest.param({"days": 1, "ca_days": 1}, "localhost", id="one day"),
    pytest.param({"days": 36500, "ca_days": 36500}, "localhost", id="a century"),
    pytest.param(
        {"subject": Subject("CN", "Shanghai", "上海", "milvus", "ops")},
        "localhost",
        id="whole subject",
    ),
]


@pytest.mark.parametrize(("options", "name"), OPTIONS)
def test_every_peer_accepts_a_set(tmp_path, judge, options, name):
    made = CertificateSet.create(tmp_path / "certs", **options)
    assert set(judge(made.directory, name).values()) == {"OK"}


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
def test_a_client_with_the_old_ca_trusts_the_repaired_server(gen_sh, judge, variant, tmp_path):
    folder = gen_sh(variant)
    old = (folder / "ca.pem").read_bytes()
    CertificateSet(folder).repair()
    shutil.copytree(folder, tmp_path / "client")
    (tmp_path / "client" / "ca.pem").write_bytes(old)
    assert judge(tmp_path / "client", "localhost")["grpc"] == "OK"


def test_a_lost_server_pair_is_replaced(gen_sh, judge):
    folder = gen_sh("current")
    (folder / "server.key").unlink()
    (folder / "server.pem").write_bytes(b"")
    CertificateSet(folder).repair()
    assert set(judge(folder, "localhost").values()) == {"OK"}


def test_repair_adds_names(gen_sh, judge):
    folder = gen_sh("current")
    CertificateSet(folder).repair(["milvus.example.com"], ["127.0.0.1"])
    assert {judge(folder, name)["grpc"] for name in ("localhost", "milvus.example.com")} == {"OK"}


def test_below_an_intermediate_ca_it_signs_what_is_reissued(chained, judge, snapshot):
    before = snapshot(chained.directory)
    chained.repair(["db.example.com"])
    after = snapshot(chained.directory)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"server.pem", "server.csr", "ca.srl"}
    assert set(judge(chained.directory, "db.example.com").values()) == {"OK"}
    chained.renew()
    assert set(judge(chained.directory, "db.example.com").values()) == {"OK"}


def test_an_intermediate_ca_that_may_not_sign_is_reissued_with_its_leaves(chained, judge):
    """A repair of an earlier release turned it into a client's certificate."""
    middle = chained.directory / "intermediate"
    old = x509.load_pem_x509_certificate(middle.with_suffix(".pem").read_bytes())
    root = x509.load_pem_x509_certificate(chained.ca_pem.read_bytes())
    leaf = issue(
        Role.CLIENT, old.subject, old.public_key(), Authority(root, load_key(chained.ca_key)), 90
    )
    middle.with_suffix(".pem").write_bytes(pem(leaf))
    with pytest.raises(CertificateError, match="is not a CA certificate"):
        chained.renew()
    assert "intermediate.pem: not marked as a CA" in chained.repair().text()
    assert set(judge(chained.directory, "localhost").values()) == {"OK"}
    chained.renew()
    assert set(judge(chained.directory, "localhost").values()) == {"OK"}


def test_every_peer_accepts_renewed_leaves(named_set, judge):
    named_set.renew()
    assert set(judge(named_set.directory, "milvus.example.com").values()) == {"OK"}


@pytest.mark.parametrize("intermediate", [None, 900], ids=["root signs", "intermediate signs"])
def test_at_every_step_of_a_new_ca_every_peer_accepts_the_set(tmp_path, judge, intermediate):
    named_set = CertificateSet.create(tmp_path / "certs", intermediate_days=intermediate)
    for step in (named_set.renew_ca, named_set.renew, named_set.retire_ca):
        step()
        assert set(judge(named_set.directory, "localhost").values()) == {"OK"}


def test_old_and_new_leaves_connect_while_both_cas_are_trusted(tmp_path, judge):
    named_set = CertificateSet.create(tmp_path / "certs")
    named_set.renew_ca()
    mixed = tmp_path / "mixed"
    shutil.copytree(named_set.directory, mixed)
    named_set.renew()
    for name in ("server.pem", "server.key"):  # the server has changed, its clients have not
        shutil.copy(named_set.directory / name, mixed / name)
    assert set(judge(mixed, "localhost").values()) == {"OK"}


@pytest.mark.parametrize("data", [b"x\n", None], ids=["damaged", "missing"])
def test_a_pair_that_cannot_be_read_stops_a_renewal_of_all(named_set, snapshot, judge, data):
    named_set.server_pem.write_bytes(data) if data else named_set.server_pem.unlink()
    before = snapshot(named_set.directory)
    with pytest.raises(CertificateError, match=r"server\.pem is missing or") as caught:
        named_set.renew()
    assert snapshot(named_set.directory) == before
    named_set.renew("client")
    # What the message says helps.
    assert main(shlex.split(caught.value.command)[1:]) == 0
    named_set.renew()
    assert set(judge(named_set.directory, "localhost").values()) == {"OK"}


def test_a_new_client_is_accepted(named_set, judge):
    named_set.add_client("ingest")
    assert set(judge(named_set.directory, "localhost", "ingest").values()) == {"OK"}
