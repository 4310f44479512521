"""A set described in TOML."""

from __future__ import annotations

import pytest

from milvus_secure.certs import CertificateSet
from milvus_secure.certs.issuing.plan_file import load_plan
from milvus_secure.errors import CertificateError

FULL = """
key_type = "p384"
[subject]
country = "DE"
organization = "Example"
[ca]
common_name = "Example Milvus CA"
days = 2000
[intermediate]
days = 1000
[server]
names = ["milvus.example.com", "localhost"]
ips = ["127.0.0.1"]
days = 90
[clients.ingest]
days = 30
"""


@pytest.fixture
def described(tmp_path):
    def write(text: str):
        (tmp_path / "set.toml").write_text(text, "utf-8")
        return load_plan(tmp_path / "set.toml")

    return write


@pytest.mark.parametrize("text", ["", FULL], ids=["empty", "full"])
def test_describing_a_set_twice_changes_nothing(described, tmp_path, snapshot, text):
    made = CertificateSet(tmp_path / "certs")
    made.conform(described(text))
    before = snapshot(made.directory)
    assert not made.conform(described(text)).files
    assert snapshot(made.directory) == before


@pytest.mark.parametrize(
    ("old", "new", "stem"),
    [
        ('"localhost"]', '"localhost", "more"]', "server"),
        ("days = 90", "days = 80", "server"),
        ("days = 30", "days = 20", "ingest"),
        ("[clients.ingest]", "[clients.other]", "other"),
    ],
)
def test_a_changed_description_reissues_only_what_it_is_about(
    described, tmp_path, snapshot, old, new, stem
):
    made = CertificateSet(tmp_path / "certs")
    made.conform(described(FULL))
    before = snapshot(made.directory)
    made.conform(described(FULL.replace(old, new)))
    after = snapshot(made.directory)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"{stem}.pem", f"{stem}.key", f"{stem}.csr", "ca.srl"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"p384"', '"p256"'),
        ("[intermediate]\ndays = 1000", ""),
        ("Example Milvus CA", "Other CA"),
    ],
)
def test_another_ca_is_never_made_quietly(described, tmp_path, snapshot, old, new):
    made = CertificateSet(tmp_path / "certs")
    made.conform(described(FULL))
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match="not as described"):
        made.conform(described(FULL.replace(old, new)))
    assert snapshot(made.directory) == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[server]\nname = ['a']", r"did you mean server\.names"),
        ("x = 1", "unknown key x"),
        ("[server]\nnames = 'a'", "not a list"),
        ("server = 1", "not a table"),
        ("[", "not valid TOML"),
        ("[clients.ca]", "the name 'ca'"),
        ("[server]\ndays = '9'", "not a valid number of days"),
        ("[server]\ndays = 4000", "more than the 3650"),
        ("key_type = 'p521'", "P-521"),
        ("[subject]\ncountry = 'Germany'", "two letters"),
        ("key_type = 5", "no such key type"),
        ("[ca]\ncommon_name = 5", "printable"),
    ],
)
def test_a_description_of_no_set_is_refused_with_its_cause(described, text, why):
    with pytest.raises(CertificateError, match=f"(?i){why}"):
        described(text)
