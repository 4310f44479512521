"""A chain that was accepted is accepted again, until a date of one of its certificates passes."""

from __future__ import annotations

import datetime as dt

import pytest

from milvus_secure.verification import path, recent_verdicts
from milvus_secure.verification.path import Role, Verdict, judge_path
from minting import CLIENT, Minted, mint

NOW = dt.datetime.now(dt.timezone.utc)


@pytest.fixture
def judged(monkeypatch):
    """The times at which a client's chain was judged."""
    times: list[dt.datetime] = []
    judge = path.judge_client

    def counted(inputs):
        times.append(inputs.now)
        return judge(inputs)

    monkeypatch.setattr(recent_verdicts, "_ENTRIES", {})
    monkeypatch.setattr(path, "judge_client", counted)
    return times


@pytest.fixture
def client_leaf(root) -> Minted:
    return mint("leaf", issuer=root, usages=[CLIENT], which=2, days=10)


def judge(leaf: Minted, *anchors: Minted, days: float = 0) -> Verdict:
    known = [anchor.certificate for anchor in anchors]
    return judge_path([leaf.certificate], known, NOW + dt.timedelta(days=days), Role.CLIENT)


def test_it_is_not_judged_again(client_leaf, root, judged):
    assert judge(client_leaf, root).accepted
    assert judge(client_leaf, root, days=5).accepted
    assert len(judged) == 1


def test_it_is_refused_once_it_has_expired(client_leaf, root, judged):
    assert judge(client_leaf, root).accepted
    assert judge(client_leaf, root, days=11).failure.code == "certificate-expired"


def test_it_is_refused_before_it_is_valid(client_leaf, root, judged):
    assert judge(client_leaf, root).accepted
    assert judge(client_leaf, root, days=-2).failure.code == "certificate-not-yet-valid"


def test_it_is_judged_again_once_a_spare_anchor_has_expired(client_leaf, root, judged):
    spare = mint("spare", which=3, days=3)
    assert judge(client_leaf, root, spare).accepted
    assert judge(client_leaf, root, spare, days=4).accepted
    assert len(judged) == 2


def test_under_other_anchors_it_is_judged_for_itself(client_leaf, root, judged):
    assert judge(client_leaf, root).accepted
    assert judge(client_leaf, mint("stranger", which=3)).failure.code == "chain-untrusted"


def test_a_renewed_certificate_is_judged_for_itself(client_leaf, root, judged):
    assert judge(client_leaf, root).accepted
    assert judge(mint("leaf", issuer=root, usages=[CLIENT], which=2, days=11), root).accepted
    assert len(judged) == 2


def test_what_is_refused_is_judged_again_each_time(client_leaf, judged):
    stranger = mint("stranger", which=3)
    judge(client_leaf, stranger)
    judge(client_leaf, stranger)
    assert len(judged) == 2


def test_no_more_than_a_few_are_kept(client_leaf, root, judged, monkeypatch):
    monkeypatch.setattr(recent_verdicts, "_MOST", 2)
    for which in range(5):
        judge(client_leaf, root, mint(f"spare {which}", which=3))
    assert len(recent_verdicts._ENTRIES) <= 2
