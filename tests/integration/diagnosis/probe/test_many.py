"""Checking several endpoints at once, and from an event loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress

import pytest

import impostors
import peers
from milvus_secure.diagnosis.check import check_async, check_many
from processes import started
from waiting import eventually, library_threads, open_connections


@pytest.fixture
def targets(settings, trio, certs):
    """Settings for a mix of faulty endpoints, each with the cause that must be reported."""
    with ExitStack() as stack:
        odd = [
            (stack.enter_context(impostors.grpc_server(trio.server)), "not-milvus"),
            (stack.enter_context(impostors.grpc_server(None)), "server-plaintext"),
            (stack.enter_context(impostors.tls(trio.server, alpn=())), "alpn-not-h2"),
            (stack.enter_context(peers.closed_port()), "tcp-refused"),
            (stack.enter_context(peers.tcp(peers.silent)), "tcp-timeout"),
        ]

        def make(count: int):
            chosen = [odd[place % len(odd)] for place in range(count)]
            return [
                (
                    settings(
                        uri=f"https://localhost:{port}",
                        ca_pem_path=certs / "ca.pem",
                        # The others have an answer, however long a loaded machine takes to ask.
                        timeout=1.5 if code == "tcp-timeout" else 60,
                    ),
                    code,
                )
                for port, code in chosen
            ]

        yield make


def test_each_endpoint_gets_its_own_report_in_order(targets):
    endpoints = targets(10)

    reports = check_many([settings for settings, _ in endpoints])

    assert [report.root_cause.code for report in reports] == [code for _, code in endpoints]


# As in a terminal; a shell's background jobs, and thus these tests, may ignore the signal.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from milvus_secure.cli import main
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when the port is asked")
@pytest.mark.parametrize("count", [1, 3])
def test_an_interrupted_check_ends_at_once(count):
    with peers.tcp(peers.silent) as port, peers.closed_port() as closed:
        uris = [f"--uri=https://localhost:{number}" for number in (port, closed, port)[:count]]
        command = [sys.executable, "-c", INTERRUPTIBLE, "check", "--timeout=60", *uris]
        with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as checking:
            assert eventually(lambda: open_connections(port) or checking.poll() is not None)
            assert checking.poll() is None
            presses = 0
            while checking.poll() is None and presses < 5:
                # One that comes in a callback of a C library is lost, as for any program.
                checking.send_signal(signal.SIGINT)
                presses += 1
                with suppress(subprocess.TimeoutExpired):
                    checking.wait(5)
            checking.kill()
            output = checking.stderr.read()
    assert checking.returncode == 130, output
    assert "Traceback" not in output or output.startswith("Exception ignored in"), output


ASYNC = """
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from milvus_secure import MilvusSettings, check_async
settings = MilvusSettings(uri=sys.argv[1], timeout=60, environ={}, env_file=None)
try:
    asyncio.run(check_async(settings))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when the port is asked")
def test_an_interrupted_asynchronous_check_ends_at_once():
    with peers.tcp(peers.silent) as port:
        command = [sys.executable, "-c", ASYNC, f"https://localhost:{port}"]
        with started(command, stderr=subprocess.PIPE) as checking:
            assert eventually(lambda: open_connections(port) or checking.poll() is not None)
            assert checking.poll() is None
            checking.send_signal(signal.SIGINT)
            checking.wait(30)  # the check itself would take 60 s
            output = checking.stderr.read()
    assert (checking.returncode, output) == (130, "")


def test_no_endpoint_gives_no_report():
    assert check_many([]) == []


def test_two_hundred_endpoints_hold_a_bounded_number_of_threads(targets):
    most = 0
    finished = threading.Event()

    def watch() -> None:
        nonlocal most
        while not finished.wait(0.02):
            most = max(most, len(library_threads()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        endpoints = targets(200)
        reports = check_many([settings for settings, _ in endpoints])
    finally:
        finished.set()
        watcher.join(60)

    assert [report.root_cause.code for report in reports] == [code for _, code in endpoints]
    assert 0 < most <= 200  # a hundred workers, and a resolver for each


async def test_the_event_loop_continues_meanwhile(targets):
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


async def test_several_are_checked_at_once(targets):
    endpoints = targets(50)

    reports = await asyncio.gather(*(check_async(settings) for settings, _ in endpoints))

    assert [report.root_cause.code for report in reports] == [code for _, code in endpoints]
    assert eventually(lambda: library_threads() == set()), library_threads()


async def test_offline_it_opens_no_socket(targets):
    [(settings, _)] = targets(1)

    assert (await check_async(settings, online=False)).server is None
