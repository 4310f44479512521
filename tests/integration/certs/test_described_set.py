"""A set that a file describes, judged by every peer."""

from __future__ import annotations

import pytest

from milvus_secure.certs import CertificateSet
from milvus_secure.certs.issuing.plan_file import load_plan

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


@pytest.mark.parametrize("text", ["", FULL], ids=["empty", "full"])
def test_a_described_set_is_accepted_by_every_peer(tmp_path, judge, text):
    (tmp_path / "set.toml").write_text(text, "utf-8")
    made = CertificateSet(tmp_path / "certs")
    made.conform(load_plan(tmp_path / "set.toml"))
    assert set(judge(made.directory, "localhost").values()) == {"OK"}
