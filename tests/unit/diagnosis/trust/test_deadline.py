"""Judging what a server presents has a deadline, which is looked at between paths and rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from milvus_secure._common.deadline import Deadline, TimeIsUpError
from milvus_secure.diagnosis.check import judge
from milvus_secure.diagnosis.context import Context
from milvus_secure.diagnosis.material import read_material
from milvus_secure.diagnosis.rules import RULES
from milvus_secure.reporting.observation import GRPCChannel, Observation, TLSHandshake
from milvus_secure.verification import go_path, grpc_path
from milvus_secure.verification.path import Role, judge_path
from minting import CLIENT, Minted, mint, server

GRPC_SAYS = "CERTIFICATE_VERIFY_FAILED: subtree violation"


class Steps(Deadline):
    """A deadline that passes after it was looked at so many times."""

    def __init__(self, count: int) -> None:
        super().__init__(3600)
        self.count = count

    @property
    def left(self) -> float:
        self.count -= 1
        return 3600.0 if self.count >= 0 else 0.0


def hostile() -> Minted:
    """A leaf with a thousand names under a thousand constraints."""
    hosts = [f"host{number}.example" for number in range(1000)]
    limits = x509.NameConstraints([x509.DNSName(host) for host in hosts], None)
    upper = mint("upper", which=4, extra=[(limits, True)])
    return server(upper, sans=hosts)


@pytest.fixture
def hostile_context(settings, tmp_path) -> Context:
    """What a probe saw of a hostile server whose CA is trusted, and gRPC refused."""
    leaf = hostile()
    (tmp_path / "ca.pem").write_bytes(Minted(leaf.above[0], None).pem)
    loaded = settings(uri="https://localhost:19530", ca_pem_path=tmp_path / "ca.pem")
    observation = Observation(
        address="localhost:19530",
        protocol="tls",
        tls=TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate, *leaf.above)),
        grpc=GRPCChannel(False, "UNAVAILABLE", GRPC_SAYS, None),
    )
    return Context(loaded, read_material(loaded), observation)


CHAIN_CODES = {"chain-untrusted", "certificate-expired", "name-constraint", "name-mismatch"}


def test_what_is_not_judged_in_time_is_reported_and_not_passed(hostile_context):
    report = judge(replace(hostile_context, deadline=Deadline(0)), RULES)
    skipped = {skip.code: skip.message for skip in report.skipped}
    assert skipped.keys() >= CHAIN_CODES
    assert "time allowed was used up" in skipped["chain-untrusted"]
    assert not CHAIN_CODES & set(report.judged)
    assert "time allowed was used up" in str(report)


def test_a_report_that_ran_out_of_time_still_quotes_grpc(hostile_context):
    report = judge(replace(hostile_context, deadline=Deadline(0)), RULES)
    assert report.root_cause.code == "tls-failed"
    assert GRPC_SAYS in report.root_cause.presented


def ready(context: Context, leaf: Minted, details: str) -> Context:
    """After the deadline, with a server that gRPC verified and got no answer from."""
    assert context.observation is not None
    observation = replace(
        context.observation,
        tls=TLSHandshake(complete=True, alpn="h2", chain=(leaf.certificate,)),
        grpc=GRPCChannel(True, "UNAVAILABLE", details, None),
    )
    return replace(context, observation=observation, deadline=Deadline(0), grpc=(1, 85))


def test_a_server_that_does_not_answer_is_reported_after_the_deadline_too(hostile_context):
    late = ready(hostile_context, server(None), "Socket closed")
    assert judge(late, RULES).root_cause.code == "server-not-ready"


def test_a_name_that_fails_in_calls_only_is_reported_after_the_deadline_too(hostile_context):
    leaf = server(None, common_name="localhost", sans=["10.0.0.5"])
    late = ready(hostile_context, leaf, "call host does not match SSL server name")
    assert judge(late, RULES).root_cause.code == "name-mismatch"


def test_in_time_the_same_chain_is_judged(hostile_context):
    report = judge(replace(hostile_context, deadline=Deadline(3600)), RULES)
    assert report.root_cause.code == "name-mismatch"
    assert report.skipped == ()


@pytest.mark.parametrize("looks", range(1, 5))
def test_no_rule_starts_after_the_deadline(looks, monkeypatch, hostile_context):
    def late(_):
        yield pytest.fail("judged after the deadline")

    monkeypatch.setattr(grpc_path, "grpc_constraints", late)
    with pytest.raises(TimeIsUpError):
        judge_path(
            hostile_context.server_chain.certificates,
            hostile_context.anchors,
            hostile_context.now,
            Role.SERVER,
            deadline=Steps(looks),
        )


def test_no_candidate_of_a_client_chain_is_tried_after_the_deadline(hostile_context, monkeypatch):
    attempts = []
    monkeypatch.setattr(
        go_path, "signature_is_wrong", lambda *pair: attempts.append(pair) or len(attempts) > 0
    )
    issuers = [mint("crowd", ca=True, which=50 + number) for number in range(30)]
    leaf = mint("leaf", issuer=issuers[0], usages=[CLIENT], which=3)
    served = [leaf.certificate, *(item.certificate for item in issuers)]
    with pytest.raises(TimeIsUpError):
        judge_path(
            served, hostile_context.anchors, hostile_context.now, Role.CLIENT, deadline=Steps(2)
        )
    assert len(attempts) == 2
