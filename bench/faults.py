"""The time to the root cause of each fault, compared with raw pymilvus, and the CPU time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

os.environ["GRPC_VERBOSITY"] = "NONE"  # read when gRPC is loaded; these faults fill a log

from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import impostors  # the tests' odd servers
import minting  # and certificates
import peers
from milvus_secure import EmbeddedMilvus, MilvusSettings, check

from .table import Row, medians, show, timed

GOAL_MS = 150
ROUNDS = 7
MANY = """
import sys
from milvus_secure import MilvusSettings, check_many
targets = [
    MilvusSettings.from_arguments(uri=uri, timeout=2, ca_pem_path=sys.argv[1])
    for uri in sys.argv[2:]
]
assert all(report.server for report in check_many(targets))
"""
ONE_ENDPOINT = """
import sys, time
from milvus_secure import MilvusSettings, check
settings = MilvusSettings.from_arguments(uri=sys.argv[1], ca_pem_path=sys.argv[2])
check(settings)
start = time.process_time()
for _ in range(50):
    check(settings)
print((time.process_time() - start) / 50)
"""


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        trio = minting.trio()
        certs = trio.write(Path(name, "certs"))
        stranger = Path(name, "stranger.pem")
        stranger.write_bytes(minting.mint("another CA", which=5).pem)
        servers = {
            "one-way": stack.enter_context(_embedded(certs)),
            "mutual": stack.enter_context(_embedded(certs, mutual=True)),
            "guarded": stack.enter_context(_embedded(certs, token="root:Milvus")),
        }
        faults = dict(_faults(trio, certs, stranger, servers, stack))
        show(
            "From start to root cause, in-process, on loopback (goal: 150 ms)",
            [_row(code, settings) for code, settings in faults.items()],
        )
        show("CPU per endpoint", [_cpu(servers["one-way"], certs)])
        show("Many endpoints at once, in a fresh process", _many(servers, certs, stack))


@contextmanager
def _embedded(certs: Path, *, mutual: bool = False, token: str | None = None) -> Iterator[int]:
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem",
        server_key_path=certs / "server.key",
        ca_pem_path=certs / "ca.pem" if mutual else None,
        token=token,
    ) as server:
        yield server.port


def _faults(
    trio: minting.Trio, certs: Path, stranger: Path, servers: dict[str, int], stack: ExitStack
) -> Iterator[tuple[str, MilvusSettings]]:
    def on(port: int, *, host: str = "localhost", scheme: str = "https", **values):
        if scheme == "https":
            values = {"ca_pem_path": certs / "ca.pem", **values}
        return MilvusSettings.from_arguments(uri=f"{scheme}://{host}:{port}", **values)

    enter = stack.enter_context
    web = certs.parent
    old = minting.mint("old", sans=["localhost"], issuer=trio.ca, days=0.5, which=2)
    yield "dns-failed", on(19530, host="no-such-host.invalid")
    yield "tcp-unreachable", on(19530, host="255.255.255.255")
    yield "tcp-refused", on(enter(peers.closed_port()))
    yield "server-plaintext", on(enter(impostors.grpc_server(None)))
    yield "server-requires-tls", on(servers["one-way"], scheme="http", allow_plaintext=True)
    yield "tls-version", on(enter(impostors.tls(trio.server, versions=(0x302, 0x302))))
    yield "chain-untrusted", on(servers["one-way"], ca_pem_path=stranger)
    yield "certificate-expired", on(enter(impostors.grpc_server(old)))
    yield "name-mismatch", on(servers["one-way"], server_name="elsewhere.example")
    yield "client-certificate-required", on(servers["mutual"])
    yield (
        "client-certificate-rejected",
        on(servers["mutual"], **_pair(certs.parent, minting.mint("other CA", which=5))),
    )
    yield "alpn-not-h2", on(enter(impostors.https(trio.server, web)))
    yield "not-milvus", on(enter(impostors.grpc_server(trio.server)))
    yield "tls-failed", on(enter(peers.tcp(peers.closes_after_data)))
    for code, status in (("server-not-ready", 1), ("database-missing", 800)):
        response = milvus_pb2.ConnectResponse(status=common_pb2.Status(code=status, reason=code))
        answer = response.SerializeToString()
        port = enter(impostors.grpc_server(trio.server, answer=lambda *_, answer=answer: answer))
        yield code, on(port, db_name="books")
    yield "authentication-required", on(servers["guarded"])
    yield "authentication-failed", on(servers["guarded"], token="root:wrong")


def _pair(folder: Path, issuer: minting.Minted) -> dict[str, Path]:
    client = minting.mint("stranger", issuer=issuer, usages=[minting.CLIENT], which=6)
    pair = {"client_pem_path": folder / "o.pem", "client_key_path": folder / "o.key"}
    pair["client_pem_path"].write_bytes(client.pem)
    pair["client_key_path"].touch(mode=0o600)
    pair["client_key_path"].write_bytes(client.key_pem)
    return pair


def _row(code: str, settings: MilvusSettings) -> Row:
    def raw() -> None:
        with suppress(MilvusException):
            MilvusClient(**settings.client_kwargs()).close()

    cause = check(settings).root_cause
    if cause is None or cause.code != code:
        raise SystemExit(f"{code} was called {cause and cause.code}")
    ours, theirs = medians(ROUNDS, timed(lambda: check(settings)), timed(raw))
    return Row(
        code, ours * 1e3, GOAL_MS, "ms", f"raw pymilvus: {theirs * 1e3:.0f} ms, cause not named"
    )


def _cpu(port: int, certs: Path) -> Row:
    settings = MilvusSettings.from_arguments(
        uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem"
    )

    def ours() -> float:
        return _cpu_of(sys.executable, "-c", ONE_ENDPOINT, settings.uri, str(certs / "ca.pem"))

    def openssl() -> float:
        return _cpu_of(
            "openssl",
            "s_client",
            "-connect",
            f"localhost:{port}",
            "-alpn",
            "h2",
            "-CAfile",
            str(certs / "ca.pem"),
        )

    mine, theirs = medians(5, ours, openssl)
    return Row(
        "check() / openssl s_client",
        mine / theirs,
        None,
        "x",
        f"{mine * 1e3:.1f} ms (look, gRPC and Milvus call) / {theirs * 1e3:.1f} ms "
        "(a process each)",
    )


def _cpu_of(*command: str) -> float:
    """CPU seconds: the number that the process prints, or else all that it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    completed = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if command[0] == sys.executable:
        return float(completed.stdout)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _many(servers: dict[str, int], certs: Path, stack: ExitStack) -> list[Row]:
    silent = stack.enter_context(peers.tcp(peers.silent))
    rows = []
    for kind, ports in (
        ("healthy", [servers["one-way"]]),
        ("healthy and silent", [servers["one-way"], silent]),
    ):
        few, many = (_asked(ports, count, certs) for count in (20, 200))
        seconds = medians(3, few, many)
        rows.append(
            Row(
                f"200 / 20 endpoints, {kind}",
                seconds[1] / seconds[0],
                4,
                "x",
                f"{seconds[1]:.2f} s / {seconds[0]:.2f} s",
            )
        )
    return rows


def _asked(ports: list[int], count: int, certs: Path) -> Callable[[], float]:
    uris = [f"https://localhost:{ports[place % len(ports)]}" for place in range(count)]
    command = [sys.executable, "-c", MANY, str(certs / "ca.pem"), *uris]

    def run() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
        return time.perf_counter() - start

    return run


if __name__ == "__main__":
    main()
