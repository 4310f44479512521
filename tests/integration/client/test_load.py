"""Many connections at once and many in a row: all succeed and leave no resources."""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from milvus_secure import SecureConnectionError, connect_secure, connect_secure_async, watch
from waiting import eventually

HERE = {"environ": {}, "env_file": None, "timeout": 30}
AT_ONCE = 64
CYCLES = 60
MANY_CYCLES = 10_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts under /proc/self")


@pytest.fixture
def as_text(mutual, certs) -> dict[str, object]:
    """Settings with material as text, which gets a path for the client only."""
    return {
        "uri": mutual.uri,
        "ca_pem": (certs / "ca.pem").read_text(),
        "client_pem": (certs / "client.pem").read_text(),
        "client_key": (certs / "client.key").read_text(),
        **HERE,
    }


@pytest.fixture(autouse=True)
def _temporary_files_of_our_own(tmp_path):
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path)
    yield
    tempfile.tempdir = before


def live_objects() -> Counter[str]:
    """The resources of this process: descriptors by kind, threads by name, temporary files."""
    gc.collect()
    count: Counter[str] = Counter()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # the descriptor that lists the others
            continue
        count[f"fd {target.partition(':')[0]}"] += 1
    names = [
        thread.name for thread in threading.enumerate() if not thread.name.startswith("endpoint")
    ]
    count.update(f"thread {name.rstrip('0123456789')}" for name in names)
    count["files"] = len(list(Path(tempfile.gettempdir()).iterdir()))
    return count


def maps() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


def test_threads_that_connect_at_once_are_all_served(mutual, as_text):
    start = Barrier(AT_ONCE)

    def connect() -> None:
        start.wait(30)
        connect_secure(**as_text).close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for end in [pool.submit(connect) for _ in range(AT_ONCE)]:
            end.result(60)
    assert mutual.names == ["client"] * AT_ONCE


async def test_tasks_that_connect_at_once_are_all_served(mutual, as_text):
    clients = await asyncio.gather(*(connect_secure_async(**as_text) for _ in range(AT_ONCE)))
    for client in clients:
        await client.close()
    assert mutual.names == ["client"] * AT_ONCE


def connect_and_close(as_text: dict[str, object]) -> None:
    connect_secure(**as_text).close()


def connect_async_and_close(as_text: dict[str, object]) -> None:
    async def cycle() -> None:
        await (await connect_secure_async(**as_text)).close()

    asyncio.run(cycle())


def connect_watch_and_close(as_text: dict[str, object]) -> None:
    client = connect_secure(**as_text)
    watch(client, interval=60).close()
    client.close()


def be_refused(as_text: dict[str, object]) -> None:
    with pytest.raises(SecureConnectionError):
        connect_secure(**as_text, server_name="other.example")


def leftovers(cycle: Callable[[], None], cycles: int) -> tuple[Counter[str], int]:
    """The resources that these cycles added after the first few."""
    for _ in range(20):  # gRPC starts threads and opens pipes of its own
        cycle()
    before, mapped = live_objects(), maps()
    for _ in range(cycles):
        cycle()
    eventually(
        lambda: not live_objects() - before, seconds=30
    )  # gRPC releases its own a moment later
    return live_objects() - before, maps() - mapped


CYCLE = pytest.mark.parametrize(
    "cycle",
    [connect_and_close, connect_async_and_close, connect_watch_and_close, be_refused],
    ids=lambda cycle: cycle.__name__,
)


@CYCLE
def test_a_cycle_leaves_nothing(as_text, cycle):
    cycles = CYCLES if cycle is connect_and_close else CYCLES // 4
    more, mapped = leftovers(lambda: cycle(as_text), cycles)
    assert more == Counter()
    assert mapped < cycles  # allocators map some now and then


@pytest.mark.thorough
@CYCLE
def test_thousands_of_cycles_leave_nothing(as_text, cycle):
    cycles = MANY_CYCLES if cycle is connect_and_close else MANY_CYCLES // 10
    more, mapped = leftovers(lambda: cycle(as_text), cycles)
    assert more == Counter()
    assert mapped < cycles / 20
