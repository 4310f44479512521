"""A cable between two networks, and rows that are written while it is pulled out.

For scripts that `namespaces.run` starts in a network of their own.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from namespaces import LAY, MAC_THERE, ip
from processes import started

if TYPE_CHECKING:
    from pymilvus import MilvusClient

HERE, THERE = "10.98.76.1", "10.98.76.2"
"""The ends of a cable. Nobody but the two networks it joins ever sees these addresses."""

_ESTABLISHED = "01"


def until(so: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Wait until a condition is true; False if it never was."""
    end = time.monotonic() + seconds
    while not so():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Cable:
    """A cable from this network to that of an embedded Milvus, a process of its own.

    While it is pulled out every packet is dropped, and neither end is notified.

    Args:
        certs: A folder with server.pem and server.key, for `THERE`.
    """

    def __init__(self, certs: Path) -> None:
        command = "import sys, cable; cable.serve(sys.argv[1])"
        self._ending = ExitStack()
        self._server = self._ending.enter_context(
            started(  # ends when its stdin does, thus with this process
                ["unshare", "-n", sys.executable, "-c", command, str(certs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        self._answer()  # now its network is there
        ip(LAY)
        ip(f"link set far netns {self._server.pid}")
        ip(f"address add {HERE}/30 dev near")
        ip("link set near up")
        # As with a router in between: the route exists, but nothing arrives.
        ip(f"neighbour replace {THERE} lladdr {MAC_THERE} dev near nud permanent")
        self.uri = f"https://{THERE}:{self._ask('up')}"

    def pull(self) -> None:
        """Drop everything from now on."""
        self._ask("down")

    def put_back(self) -> None:
        """Let everything pass again."""
        self._ask("up")

    def out(self, so: Callable[[], bool] = lambda: False, *, seconds: float = 10) -> bool:
        """Pull it out until a condition is true or for a while; return the condition."""
        self.pull()
        was = until(so, seconds=seconds)
        self.put_back()
        return was

    def close(self) -> None:
        """End the server."""
        self._server.communicate(timeout=10)
        self._ending.close()

    def connections(self) -> set[str]:
        """The ports of this end from which connections are open."""
        peer = f"{int.from_bytes(socket.inet_aton(THERE), sys.byteorder):08X}"
        rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        return {row[1] for row in rows if row[2].startswith(peer) and row[3] == _ESTABLISHED}

    def sent_again(self) -> int:
        """How many TCP segments this end had to send again."""
        lines = Path("/proc/self/net/snmp").read_text().splitlines()
        names, values = (line.split() for line in lines if line.startswith("Tcp:"))
        return int(dict(zip(names, values, strict=True))["RetransSegs"])

    def _ask(self, state: str) -> str:
        self._server.stdin.write(f"{state}\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        answer = self._server.stdout.readline().strip()
        assert answer, "the server's process has ended"
        return answer


def serve(certs: str) -> None:
    """Be the other end: serve, and set the link up or down as each line of stdin says."""
    from milvus_secure import EmbeddedMilvus  # noqa: PLC0415 - for this process alone

    print("here", flush=True)
    sys.stdin.readline()
    ip(f"address add {THERE}/30 dev far")
    ip("link set far up")
    pair = {f"server_{part}_path": Path(certs, f"server.{part}") for part in ("pem", "key")}
    with EmbeddedMilvus(host=THERE, **pair) as server:
        print(server.port, flush=True)
        for line in sys.stdin:
            ip(f"link set far {line.strip()}")
            print(line.strip(), flush=True)


class Writers:
    """Threads that upsert through one client, each row until it is acknowledged."""

    def __init__(self, client: MilvusClient) -> None:
        self.acknowledged: list[int] = []
        self.failed: list[str] = []
        self._client = client
        self._ids = itertools.count(1)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each thread finish its call."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def more(self) -> bool:
        """Wait until 40 rows more are acknowledged; False if that takes too long."""
        goal = len(self.acknowledged) + 40
        return until(lambda: len(self.acknowledged) >= goal)

    def _write(self) -> None:
        row = next(self._ids)
        while not self._stop.is_set():
            if self._is_written(row):
                self.acknowledged.append(row)
                row = next(self._ids)

    def _is_written(self, row: int) -> bool:
        try:
            self._client.upsert("rows", {"id": row, "vector": [row, 1.0]}, timeout=1)
        except Exception as error:  # noqa: BLE001 - pymilvus's own, whichever: call again
            self.failed.append(str(error))
            self._stop.wait(0.02)
            return False
        return True


def workload(fault: str) -> None:
    """Upsert rows over a cable, pull it out meanwhile, and print the outcome.

    Args:
        fault: Until when it stays out, or that it goes in and out at random.
    """
    from milvus_secure import connect_secure  # noqa: PLC0415 - for this process alone

    cable = Cable(Path("certs").absolute())
    settings = {
        "uri": cable.uri,
        "ca_pem_path": Path("certs/ca.pem").absolute(),
        "environ": {},
        "env_file": None,
    }
    client = connect_secure(**settings)
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # a traceback for each call
    client.create_collection("rows", dimension=2, consistency_level="Strong")
    writers = Writers(client)
    assert writers.more()

    faults, started, first, chance = 0, time.monotonic(), cable.connections(), random.Random(20)
    if fault == "until calls fail":
        faults += cable.out(lambda: len(writers.failed) >= 4)
    elif fault == "until the connection is given up":
        faults += cable.out(lambda: not first & cable.connections())
    else:
        while time.monotonic() < started + 4:
            cable.out(seconds=chance.uniform(0.01, 0.1))
            time.sleep(chance.uniform(0.01, 0.3))
            faults += 1
    assert faults, "nothing came of it"
    back = time.monotonic()
    figures = {
        "recovered": writers.more(),
        "after": time.monotonic() - back,
        "faults": faults,
        "seconds": back - started,
        "sent again": cable.sent_again(),
        "calls failed": len(writers.failed),
    }
    writers.stop()
    judge = connect_secure(**settings)
    stored = judge.query("rows", filter="id > 0", output_fields=["id"], limit=16_384)
    print(
        json.dumps(
            {
                **figures,
                "acknowledged": writers.acknowledged,
                "stored": [row["id"] for row in stored],
            }
        )
    )
    cable.close()
