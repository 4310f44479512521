"""`judge_path` compared with the real peers: gRPC's client and Go's server.

No chain may be accepted or refused wrongly. Only few may be left to the peer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509

from milvus_secure.pem.material import Material, parse_material
from milvus_secure.verification.path import Role, Verdict, judge_path
from minting import CLIENT, SERVER
from odd_chains import Odd
from odd_corpus import combinations, corpus, under
from odd_encodings import encodings
from odd_peers import GO, build_go_server, go_accepts, grpc_accepts, milvus_accepts
from odd_rules import at_random

SEED = 20_261_124
SHARES = 8
# Neighbours differ in the place of an oddity: `make test` takes three shares.
SHARES_ASKED = [
    pytest.param(share, marks=[pytest.mark.thorough] if share % 3 else [])
    for share in range(SHARES)
]


def verdict(odd: Odd, role: Role) -> Verdict:
    """The verdict with the anchors as `material` reads them from a file."""
    raw = Material("ca_pem", "ca_pem_path", "argument", "file:/ca.pem", odd.anchors_pem)
    anchors = parse_material(raw).certificates
    return judge_path(odd.certificates, anchors, dt.datetime.now(dt.timezone.utc), role)


def disagreements(
    odds: Iterable[Odd], accepted: Iterable[bool], role: Role, most_left: float = 1
) -> list[str]:
    """Chains with another verdict than the peer's; also those left to the peer, if too many."""
    wrong, left_to_peer, count = [], [], 0
    for odd, real in zip(odds, accepted, strict=True):
        ours = verdict(odd, role)
        count += 1
        if any("failed to judge" in part.because for part in ours.not_judged):
            wrong.append(f"{odd.name}: {ours.not_judged}")
        elif not ours.failures and ours.not_judged:
            left_to_peer.append(f"{odd.name}: left to the peer, {ours.not_judged}")
        elif ours.accepted != real:
            word = "accepts" if real else "refuses"
            wrong.append(f"{odd.name}: the peer {word}, we say {ours.failures or 'accepted'}")
    return wrong + (left_to_peer if len(left_to_peer) > most_left * count else [])


@cache
def whole_corpus(usage: x509.ObjectIdentifier) -> list[Odd]:
    """Every oddity: minting it takes longer than judging a share of it."""
    return corpus(usage)


class TestServersAsGrpcJudgesThem:
    @pytest.mark.xdist_group("odd-servers")  # so that one worker mints the corpus, once
    @pytest.mark.parametrize("share", SHARES_ASKED)
    def test_every_oddity(self, share):
        odds = whole_corpus(SERVER)[share::SHARES]
        assert disagreements(odds, map(grpc_accepts, odds), Role.SERVER) == []

    @pytest.mark.parametrize("share", range(SHARES))
    def test_every_odd_encoding(self, share):
        odds = encodings(SERVER)[share::SHARES]
        accepted = [grpc_accepts(odd) for odd in odds]
        judged = [odd for odd, real in zip(odds, accepted, strict=True) if real is not None]
        reals = [real for real in accepted if real is not None]
        assert disagreements(judged, reals, Role.SERVER) == []
        if len(judged) < len(odds):
            names = ", ".join(odd.name for odd in odds if odd not in judged)
            pytest.skip(f"the others agree; this OpenSSL cannot present {names}")

    @pytest.mark.parametrize("share", range(SHARES))
    def test_combinations(self, share):
        odds = [*combinations(SEED + share, 15, SERVER), *at_random(SEED + share, 10, SERVER)]
        assert disagreements(odds, map(grpc_accepts, odds), Role.SERVER) == []

    @pytest.mark.thorough
    @pytest.mark.parametrize("share", range(40))
    def test_thousands_of_combinations(self, share):
        seed = SEED + 1000 + share
        odds = [*combinations(seed, 100, SERVER), *at_random(seed, 60, SERVER)]
        assert disagreements(odds, map(grpc_accepts, odds), Role.SERVER) == []


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    return build_go_server(tmp_path_factory.mktemp("go"))


@pytest.mark.skipif(GO is None, reason="the go command is not installed")
@pytest.mark.xdist_group("go")
class TestClientsAsGoJudgesThem:
    @pytest.mark.parametrize("share", SHARES_ASKED)
    def test_every_oddity(self, share, program, tmp_path):
        # Go skips a broken block of a bundle; the file judged here is the client's, not Go's.
        odds = [
            odd for odd in whole_corpus(CLIENT)[share::SHARES] if "broken block" not in odd.name
        ]
        assert disagreements(odds, go_accepts(program, odds, tmp_path), Role.CLIENT) == []

    def test_every_odd_encoding(self, program, tmp_path):
        odds = encodings(CLIENT)
        assert disagreements(odds, go_accepts(program, odds, tmp_path), Role.CLIENT) == []

    def test_combinations(self, program, tmp_path):
        odds = [*combinations(SEED, 150, CLIENT), *at_random(SEED, 60, CLIENT)]
        assert disagreements(odds, go_accepts(program, odds, tmp_path), Role.CLIENT) == []

    @pytest.mark.thorough
    def test_thousands_of_combinations(self, program, tmp_path):
        odds = [*combinations(SEED + 1, 5000, CLIENT), *at_random(SEED + 1, 2400, CLIENT)]
        assert disagreements(odds, go_accepts(program, odds, tmp_path), Role.CLIENT) == []


class TestClientsAsMilvusJudgesThem:
    def test_oddities_below_its_ca(self, milvus_mutual, trio):
        odds = list(under(trio.ca, CLIENT))
        accepted = [milvus_accepts(milvus_mutual.port, odd) for odd in odds]
        assert disagreements(odds, accepted, Role.CLIENT) == []
