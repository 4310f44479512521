"""Under any interleaving of connections, no client gets a channel made for another.

A channel made with other TLS settings, or for another identity, would be detected: each server
reports the certificate and the credentials of each call, and clients that must be refused connect
while sound clients of the same address are connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from threading import Barrier
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pymilvus import AsyncMilvusClient, MilvusClient
from pymilvus.grpc_gen import milvus_pb2

import minting
from milvus_endpoint import Endpoint, milvus_endpoint
from milvus_secure import SecureConnectionError, connect_secure, connect_secure_async
from milvus_secure._common.versions import installed_pymilvus

try:
    from pymilvus.client.connection_manager import ConnectionManager
except ImportError:  # before 2.6.10
    ConnectionManager = None

Where = tuple[Path, Endpoint]

HERE = {"environ": {}, "env_file": None, "timeout": 3}
IDENTITIES = ("alice", "bob")
TOKENS = ("root:one", "root:two")


@dataclass(frozen=True)
class Kind:
    """One way to connect: whose certificate, whose token, and its fault, if any.

    A client that `leaves` closes while the others continue.
    """

    identity: str = "alice"
    token: str = TOKENS[0]
    fault: str = ""
    leaves: bool = False

    def settings(self, isolation_folder: Path, isolated_endpoint: Endpoint) -> dict[str, object]:
        anchor = "foreign.pem" if self.fault == "anchor" else "ca.pem"
        values = {
            "uri": isolated_endpoint.uri,
            "token": self.token,
            "ca_pem_path": isolation_folder / anchor,
            "client_pem_path": isolation_folder / f"{self.identity}.pem",
            "client_key_path": isolation_folder / f"{self.identity}.key",
            **HERE,
        }
        if self.fault == "name":
            values["server_name"] = "other.example"
        if self.fault == "certificate":
            del values["client_pem_path"], values["client_key_path"]
        return values


kinds = st.builds(
    Kind,
    st.sampled_from(IDENTITIES),
    st.sampled_from(TOKENS),
    st.sampled_from(["", "", "", "anchor", "name", "certificate"]),
    st.booleans(),
)


@pytest.fixture(scope="module")
def isolation_folder(tmp_path_factory) -> Path:
    isolation_folder = tmp_path_factory.mktemp("isolation")
    ca = minting.mint("isolation CA", which=1)
    (isolation_folder / "ca.pem").write_bytes(ca.pem)
    (isolation_folder / "foreign.pem").write_bytes(minting.mint("foreign CA", which=9).pem)
    for which, name in enumerate(IDENTITIES, 3):
        pair = minting.mint(name, issuer=ca, usages=[minting.CLIENT], which=which)
        (isolation_folder / f"{name}.pem").write_bytes(pair.pem)
        (isolation_folder / f"{name}.key").touch(mode=0o600)
        (isolation_folder / f"{name}.key").write_bytes(pair.key_pem)
    return isolation_folder


@pytest.fixture(scope="module")
def isolated_endpoint(isolation_folder) -> Iterator[Endpoint]:
    ca = minting.mint("isolation CA", which=1)  # the same key, and so the same issuer
    server = minting.mint("server", sans=["localhost"], issuer=ca, usages=[minting.SERVER], which=2)
    with milvus_endpoint(server, clients=ca) as serving:
        yield serving


class Outcome(NamedTuple):
    """The result of one connection: the identity that the server sees, or None if refused."""

    kind: Kind
    certificate: tuple[str, ...] | None


def expected(kind: Kind) -> Outcome:
    return Outcome(kind, None if kind.fault else (kind.identity, kind.token))


def outcome(kind: Kind, version: str | None) -> Outcome:
    return Outcome(kind, None if version is None else tuple(version.split("|")))


ASK = milvus_pb2.GetVersionRequest()


def in_thread(kind: Kind, where: Where, turns: Barrier) -> list[Outcome]:
    """Connect; ask for the identity while all are connected, and again after some have left."""
    try:
        client = connect_secure(**kind.settings(*where))
    except SecureConnectionError:
        client = None
    outcomes = []
    for turn in range(2):
        turns.wait(30)
        if client is not None and not (turn and kind.leaves):
            outcomes.append(outcome(kind, client._get_connection()._stub.GetVersion(ASK).version))
        elif client is None:
            outcomes.append(outcome(kind, None))
        turns.wait(30)
        if client is not None and (turn or kind.leaves):
            client.close()
    return outcomes


async def in_tasks(kinds: list[Kind], where: Where, turns: Barrier) -> list[Outcome]:
    """The same with all of these in one event loop."""

    async def connected(kind: Kind) -> tuple[Kind, AsyncMilvusClient | None]:
        try:
            return kind, await connect_secure_async(**kind.settings(*where))
        except SecureConnectionError:
            return kind, None

    clients = await asyncio.gather(*map(connected, kinds))
    outcomes = []
    for turn in range(2):
        await asyncio.to_thread(turns.wait, 30)
        for kind, client in clients:
            if client is not None and not (turn and kind.leaves):
                handler = client._get_connection()
                handler = await handler if isawaitable(handler) else handler
                answer = await handler._async_stub.GetVersion(ASK)
                outcomes.append(outcome(kind, answer.version))
            elif client is None:
                outcomes.append(outcome(kind, None))
        await asyncio.to_thread(turns.wait, 30)
        for kind, client in clients:
            if client is not None and (turn or kind.leaves):
                await client.close()
    return outcomes


def run(threads: list[Kind], tasks: list[Kind], where: Where) -> list[Outcome]:
    turns = Barrier(len(threads) + 1)
    with ThreadPoolExecutor(len(threads) + 1) as pool:
        ends = [pool.submit(in_thread, kind, where, turns) for kind in threads]
        ends.append(pool.submit(asyncio.run, in_tasks(tasks, where, turns)))
        return [item for end in ends for item in end.result(60)]


@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(threads=st.lists(kinds, min_size=1, max_size=5), tasks=st.lists(kinds, max_size=4))
def test_every_client_has_its_own_identity(isolation_folder, isolated_endpoint, threads, tasks):
    outcomes = run(threads, tasks, (isolation_folder, isolated_endpoint))
    assert [finding for finding in outcomes if finding != expected(finding.kind)] == []
    assert {finding.kind for finding in outcomes} == {*threads, *tasks}


@pytest.mark.thorough
@hypothesis_settings(max_examples=200, deadline=None)
@given(threads=st.lists(kinds, min_size=1, max_size=8), tasks=st.lists(kinds, max_size=8))
def test_every_client_has_its_own_identity_in_many_more_runs(
    isolation_folder, isolated_endpoint, threads, tasks
):
    outcomes = run(threads, tasks, (isolation_folder, isolated_endpoint))
    assert [finding for finding in outcomes if finding != expected(finding.kind)] == []


def test_pymilvus_s_own_clients_share_an_identity(isolation_folder, isolated_endpoint):
    """Why this is tested: without a channel of its own, the second client is the first."""
    if installed_pymilvus() < (2, 6, 10):
        pytest.skip("this pymilvus shares channels by other marks")
    first, second = (
        MilvusClient(
            uri=isolated_endpoint.uri,
            token=TOKENS[0],
            ca_pem_path=str(isolation_folder / "ca.pem"),
            client_pem_path=str(isolation_folder / f"{name}.pem"),
            client_key_path=str(isolation_folder / f"{name}.key"),
        )
        for name in IDENTITIES
    )
    assert second._get_connection()._stub.GetVersion(ASK).version == f"alice|{TOKENS[0]}"
    first.close()
    second.close()
    ConnectionManager.get_instance().close_all()
