"""Leaf and CA are renewed while clients insert and search: no row is lost."""

from __future__ import annotations

import threading
import time

import pytest
from grpc import RpcError
from pymilvus import MilvusException

from milvus_secure.certs import CertificateSet
from milvus_secure.certs.storage.change import Change
from milvus_secure.certs.storage.store import exclusive, write_change
from milvus_secure.client.connect import connect_secure
from milvus_secure.server.embedded.server import EmbeddedMilvus
from real_milvus import free_ports

DIMENSION = 4


class Writer(threading.Thread):
    """A client that inserts and searches until it is stopped.

    It connects again each time, so that it reads its certificates as a restarted client does.
    What fails while the server restarts is tried again; any other failure is a refusal.
    """

    def __init__(self, deployed: Deployment) -> None:
        super().__init__()
        self.deployed = deployed
        self.inserted = 0
        self.refusals: list[BaseException] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            running = self.deployed.run_number
            try:
                self.insert_and_search()
            except (ConnectionError, MilvusException, RpcError) as error:
                if running is not None and running == self.deployed.run_number:
                    self.refusals.append(error)
                time.sleep(0.02)
            else:
                self.inserted += 1

    def insert_and_search(self) -> None:
        client = connect_secure(self.deployed.settings)
        try:
            # Milvus Lite comes back with everything released, and pymilvus would wait without end.
            client.load_collection("rows", timeout=10)
            vector = [float(self.inserted)] * DIMENSION
            client.upsert("rows", [{"id": self.inserted, "vector": vector}])
            client.search("rows", data=[vector], limit=1)
        finally:
            client.close()


@pytest.fixture
def deployed_set(tmp_path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "certs")


class Deployment:
    """A server and a client, each with its own copies, as on two machines."""

    def __init__(self, deployed_set, tmp_path, settings) -> None:
        self.made = deployed_set
        self.server, self.client = tmp_path / "server", tmp_path / "client"
        self.copy("server", "ca.pem", "server.pem", "server.key")
        self.copy("client", "ca.pem", "client.pem", "client.key")
        [self.port] = free_ports(1)
        self.data = tmp_path / "data"
        self.runs = 0
        self.up = self.start()
        self.run_number: int | None = 0
        self.settings = settings(
            uri=f"https://localhost:{self.port}",
            ca_pem_path=self.client / "ca.pem",
            timeout=60,
            client_pem_path=self.client / "client.pem",
            client_key_path=self.client / "client.key",
        )

    def start(self) -> EmbeddedMilvus:
        return EmbeddedMilvus(
            server_pem_path=self.server / "server.pem",
            server_key_path=self.server / "server.key",
            ca_pem_path=self.server / "ca.pem",
            data_dir=self.data,
            port=self.port,
        ).start()

    def restart(self) -> None:
        self.run_number = None
        self.up.close()
        self.up = self.start()
        self.runs += 1
        self.run_number = self.runs

    def copy(self, whose: str, *names: str) -> None:
        target = self.server if whose == "server" else self.client
        files = {name: (self.made.directory / name).read_bytes() for name in names}
        with exclusive(target, create=True):
            write_change(target, Change(files))


def test_no_row_is_lost_while_leaf_and_ca_are_renewed(deployed_set, tmp_path, settings):
    deployed = Deployment(deployed_set, tmp_path, settings)
    try:
        client = connect_secure(deployed.settings)
        client.create_collection("rows", dimension=DIMENSION)
        client.close()
        writer = Writer(deployed)
        writer.start()
        try:
            for step in steps(deployed_set, deployed):
                at = writer.inserted
                step()
                wait_for(lambda at=at: writer.inserted >= at + 3 or writer.refusals)
        finally:
            writer.stopped.set()
            writer.join(60)
        assert writer.refusals == []
        client = connect_secure(deployed.settings)
        client.load_collection("rows", timeout=30)
        rows = client.query("rows", filter="id >= 0", output_fields=["id"], limit=16_000)
        client.close()
        assert {row["id"] for row in rows} >= set(range(writer.inserted))
    finally:
        deployed.up.close()


def steps(deployed_set, deployed):
    """Each step as `certs renew` prints it, one after the other."""
    yield deployed_set.renew
    yield lambda: (deployed.copy("server", "server.pem", "server.key"), deployed.restart())
    yield lambda: deployed.copy("client", "client.pem", "client.key")
    yield deployed_set.renew_ca
    yield lambda: deployed.copy("client", "ca.pem")
    yield lambda: (deployed.copy("server", "ca.pem"), deployed.restart())
    yield deployed_set.renew
    yield lambda: (deployed.copy("server", "server.pem", "server.key"), deployed.restart())
    yield lambda: deployed.copy("client", "client.pem", "client.key")
    yield deployed_set.retire_ca
    yield lambda: deployed.copy("client", "ca.pem")
    yield lambda: (deployed.copy("server", "ca.pem"), deployed.restart())


def wait_for(condition) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "the client makes no progress"
        time.sleep(0.02)
