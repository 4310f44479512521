"""Several endpoints at once, and the event loop's own way to ask."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack

import pytest

import peers
from milvus_secure.doctor import check_async, check_many


@pytest.fixture
def targets(settings, trio, certs):
    """Settings for a mix of odd endpoints, each with the cause it must be told."""
    with ExitStack() as stack:
        odd = [
            (stack.enter_context(peers.grpc_server(trio.server)), "not-milvus"),
            (stack.enter_context(peers.grpc_server(None)), "server-plaintext"),
            (stack.enter_context(peers.tls(trio.server, alpn=())), "alpn-not-h2"),
            (stack.enter_context(peers.closed_port()), "tcp-refused"),
            (stack.enter_context(peers.tcp(peers.silent)), "tcp-timeout"),
        ]

        def make(count: int, **values):
            values = {"ca_pem_path": certs / "ca.pem", "timeout": 1.5, **values}
            chosen = [odd[place % len(odd)] for place in range(count)]
            return [
                (settings(uri=f"https://localhost:{port}", **values), code) for port, code in chosen
            ]

        yield make


def test_each_endpoint_gets_its_own_report_in_order(targets):
    asked = targets(10)

    reports = check_many([settings for settings, _ in asked])

    assert [report.root_cause.code for report in reports] == [code for _, code in asked]


def test_no_endpoint_is_no_report():
    assert check_many([]) == []


def test_two_hundred_endpoints_hold_a_bounded_number_of_threads(targets):
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            ours = [t for t in threading.enumerate() if t.name.startswith("milvus-secure")]
            most = max(most, len(ours))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        asked = targets(200, timeout=3)
        reports = check_many([settings for settings, _ in asked])
    finally:
        done.set()
        watcher.join()

    assert [report.root_cause.code for report in reports] == [code for _, code in asked]
    assert 0 < most <= 200  # a hundred workers, and a resolver for each


async def test_the_event_loop_goes_on_meanwhile(targets):
    [(silent, code)] = targets(5)[4:]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    report = await check_async(silent)
    ticking.cancel()

    assert report.root_cause.code == code
    assert ticks > 1


async def test_several_are_asked_at_once(targets):
    asked = targets(50)

    reports = await asyncio.gather(*(check_async(settings) for settings, _ in asked))

    assert [report.root_cause.code for report in reports] == [code for _, code in asked]
    assert [t for t in threading.enumerate() if "milvus-secure" in t.name] == []


async def test_offline_it_opens_no_socket(targets):
    [(settings, _)] = targets(1)

    assert (await check_async(settings, online=False)).server is None
