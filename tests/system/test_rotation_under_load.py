"""Servers and certificates are renewed while threads and tasks write and search."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pymilvus.exceptions import MilvusException

import minting
from milvus_secure import EmbeddedMilvus, connect_secure, connect_secure_async, watch
from milvus_secure.client.timeouts import waits_full_timeout

HERE = {"environ": {}, "env_file": None, "timeout": 5}
ROWS = "rows"
THREADS = 8
TASKS = 4

pytestmark = [
    pytest.mark.skipif(
        waits_full_timeout(), reason="this pymilvus does not connect a client again"
    ),
    # Milvus Lite leaves the closing of its write-ahead log to the garbage collector.
    pytest.mark.filterwarnings(
        r"ignore:.*wal_(data|delta)_:pytest.PytestUnraisableExceptionWarning"
    ),
]


@dataclass
class Deployment:
    """A server in a folder of certificates that are renewed; it restarts on the same port."""

    folder: Path
    ca: minting.Minted
    server: EmbeddedMilvus | None = None
    port: int = 0

    def write(self, name: str, *pems: bytes) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(b"".join(pems))

    def issue(self, role: str, ca: minting.Minted, which: int) -> None:
        """Renew a pair as most tools do: one file, and a moment later the other."""
        usage = minting.SERVER if role == "server" else minting.CLIENT
        sans = ["localhost"] if role == "server" else []
        pair = minting.mint(role, sans=sans, issuer=ca, usages=[usage], which=which)
        pem = pair.pem
        for part in (pem[: len(pem) // 2], pem):
            self.write(f"{role}.pem", part)
            time.sleep(0.1)
        self.write(f"{role}.key", pair.key_pem)

    def restart(self, anchors: str) -> None:
        """Stop the server and start another with the files as they are now."""
        if self.server is not None:
            self.server.close()
        self.server = EmbeddedMilvus(
            server_pem_path=self.folder / "server.pem",
            server_key_path=self.folder / "server.key",
            ca_pem_path=self.folder / anchors,
            data_dir=self.folder / "data",
            port=self.port,
        ).start()
        self.port = self.server.port

    @property
    def settings(self) -> dict[str, object]:
        return {
            "uri": f"https://localhost:{self.port}",
            "ca_pem_path": self.folder / "ca.pem",
            "client_pem_path": self.folder / "client.pem",
            "client_key_path": self.folder / "client.key",
            **HERE,
        }


@pytest.fixture(autouse=True)
def _no_lines_of_pymilvus():
    """It logs a traceback for every call that fails, and many fail while the server is down."""
    logger = logging.getLogger("pymilvus")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture
def deployment(tmp_path) -> Iterator[Deployment]:
    ca = minting.mint("first CA", which=1)
    made = Deployment(tmp_path, ca)
    made.write("ca.pem", ca.pem)
    made.write("clients.pem", ca.pem)
    made.issue("server", ca, 2)
    made.issue("client", ca, 3)
    made.restart("clients.pem")
    yield made
    made.server.close()


@dataclass
class Workload:
    """Writers that give every row its own id and repeat it until it is acknowledged."""

    stop: threading.Event = field(default_factory=threading.Event)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    acknowledged: set[int] = field(default_factory=set)
    failed: int = 0
    found_wrong: list[object] = field(default_factory=list)

    def next_row(self) -> dict[str, object]:
        number = next(self.ids)
        return {"id": number, "vector": [float(number), 1.0]}

    def thread(self, client) -> None:
        while not self.stop.is_set():
            row, write = self.next_row(), client.insert
            while True:
                try:
                    write(ROWS, [row])
                    self.acknowledged.add(row["id"])
                    self.judge(row, client.search(ROWS, data=[row["vector"]], limit=1))
                    break
                except MilvusException:
                    self.failed += 1
                    write = client.upsert  # whether the first attempt arrived is not known
                    time.sleep(0.02)

    async def task(self, client) -> None:
        while not self.stop.is_set():
            row, write = self.next_row(), client.insert
            while True:
                try:
                    await write(ROWS, [row])
                    self.acknowledged.add(row["id"])
                    self.judge(row, await client.search(ROWS, data=[row["vector"]], limit=1))
                    break
                except MilvusException:
                    self.failed += 1
                    write = client.upsert
                    await asyncio.sleep(0.02)

    def judge(self, row: dict[str, object], hits: list) -> None:
        if hits[0][0]["id"] != row["id"]:
            self.found_wrong.append(row["id"])

    def settle(self) -> None:
        """Wait until every writer has written another row."""
        goal = len(self.acknowledged) + 5 * (THREADS + TASKS)
        give_up = time.monotonic() + 60
        while len(self.acknowledged) < goal:
            assert time.monotonic() < give_up, "the service did not recover"
            time.sleep(0.01)

    @contextmanager
    def running(self, deployment: Deployment) -> Iterator[None]:
        async def tasks() -> None:
            client = await connect_secure_async(**deployment.settings)
            with watch(client, interval=0.05):
                await asyncio.gather(*(self.task(client) for _ in range(TASKS)))
            await client.close()

        with ExitStack() as stack:
            client = connect_secure(**deployment.settings)
            stack.callback(client.close)
            stack.enter_context(watch(client, interval=0.05))
            pool = stack.enter_context(ThreadPoolExecutor(THREADS + 1))
            ends = [pool.submit(self.thread, client) for _ in range(THREADS)]
            ends.append(pool.submit(asyncio.run, tasks()))
            stack.callback(self.stop.set)
            yield
            self.stop.set()
            for end in ends:
                end.result(60)


def loaded(deployment: Deployment) -> None:
    """Milvus Lite forgets over a restart what was loaded; the real one does not."""
    admin = connect_secure(**deployment.settings)
    admin.load_collection(ROWS, timeout=30)
    admin.close()


def test_nothing_acknowledged_is_lost_and_nothing_is_written_twice(deployment):
    admin = connect_secure(**deployment.settings)
    admin.create_collection(ROWS, dimension=2, metric_type="L2", consistency_level="Strong")
    admin.close()
    work = Workload()
    with work.running(deployment):
        work.settle()

        # The server's certificate is renewed.
        deployment.issue("server", deployment.ca, 4)
        deployment.restart("clients.pem")
        loaded(deployment)
        work.settle()

        # Another CA takes over: first everyone trusts both, ...
        second = minting.mint("second CA", which=5)
        deployment.write("ca.pem", deployment.ca.pem, second.pem)
        deployment.write("clients.pem", deployment.ca.pem, second.pem)
        deployment.issue("server", second, 6)
        deployment.restart("clients.pem")
        loaded(deployment)
        work.settle()

        # ... then the clients show certificates of the new one, ...
        deployment.issue("client", second, 7)
        work.settle()

        # ... and in the end no one trusts the old one.
        deployment.write("ca.pem", second.pem)
        deployment.write("clients.pem", second.pem)
        deployment.restart("clients.pem")
        loaded(deployment)
        work.settle()

    admin = connect_secure(**deployment.settings)
    stored = admin.query(ROWS, filter="id > 0", output_fields=["id"], limit=16_384)
    admin.close()
    print(
        "FIGURES",
        len(work.acknowledged),
        "acknowledged,",
        len(stored),
        "stored,",
        work.failed,
        "calls failed",
    )
    assert work.found_wrong == []
    assert sorted(row["id"] for row in stored) == sorted(work.acknowledged)
