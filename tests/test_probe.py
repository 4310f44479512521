"""The probe ends in time, with something to say, whatever the peer does; and leaves nothing."""

from __future__ import annotations

import gc
import random
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from OpenSSL import SSL

import minting
import peers
from milvus_secure.checks import RULES
from milvus_secure.context import Context
from milvus_secure.doctor import judge
from milvus_secure.embedded.server import EmbeddedMilvus
from milvus_secure.material.material import read_material
from milvus_secure.observation import Observation
from milvus_secure.probe import probe
from milvus_secure.probe.deadline import Deadline
from milvus_secure.probe.proxies import proxy_for
from milvus_secure.probe.sockets import Address, dial

LOOPBACK = ("127.0.0.1", "127.0.0.2")
TLS_RECORD = b"\x16\x03\x03"


@pytest.fixture
def look(settings, certs: Path) -> Callable[..., Observation]:
    """Probe an endpoint on loopback with a healthy client's material."""

    def at(
        port: int, *, host: str = "localhost", timeout: float = 10, scheme: str = "https", **values
    ) -> Observation:
        if scheme == "https":
            values.setdefault("ca_pem_path", certs / "ca.pem")
        made = settings(uri=f"{scheme}://{host}:{port}", **values)
        observation = probe(Context(made, read_material(made)), timeout=timeout)
        report = judge(Context(made, read_material(made), observation), RULES)
        assert report.ok == (observation.milvus_code == 0), "a failed probe yields a finding"
        assert "internal-error" not in {found.code for found in report.findings}
        return observation

    return at


@pytest.fixture
def mutual(certs: Path):
    with EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key",
        ca_pem_path=certs / "ca.pem",
    ) as server:  # fmt: skip
        yield server


def test_the_ladder_of_a_healthy_mutual_milvus(mutual, look, certs):
    observation = look(
        mutual.port, client_pem_path=certs / "client.pem", client_key_path=certs / "client.key"
    )

    assert [(step.name, step.ok) for step in observation.steps] == [
        ("resolve", True), ("tcp", True), ("tls", True), ("client-certificate", True),
        ("grpc", True), ("milvus", True),
    ]  # fmt: skip
    assert observation.tls_version == "TLSv1.3"
    assert observation.alpn == "h2"
    assert observation.milvus_version


def test_the_chain_is_shown_as_it_is_served(trio, look):
    middle = minting.mint("middle", issuer=trio.ca, ca=True, which=9)
    leaf = minting.mint("leaf", sans=["localhost"], issuer=middle, which=2)
    with peers.tls(leaf) as port:
        observation = look(port, timeout=1)

    assert observation.chain == (leaf.certificate, middle.certificate)


def test_an_untrusted_expired_chain_is_shown_too(look):
    leaf = minting.mint("old", sans=["elsewhere"], days=0.5, which=2, kind="rsa1024")
    with peers.tls(leaf) as port:
        assert look(port).chain == (leaf.certificate,)


def test_addresses_that_differ_are_told_apart():
    with peers.tcp(peers.silent) as port:
        open_one, closed_one = (Address(socket.AF_INET, (ip, port)) for ip in LOOPBACK)
        dialled = dial([closed_one, open_one], Deadline(5))
        dialled.close()

    assert dialled.told == "127.0.0.1 open, 127.0.0.2 connection refused"


def test_an_address_that_drops_packets_does_not_hold_up_another():
    with peers.dropping_port() as dropping, peers.tcp(peers.silent) as port:
        dialled = dial(
            [Address(socket.AF_INET, ("127.0.0.1", p)) for p in (dropping, port)], Deadline(60)
        )
        dialled.close()

    assert dialled.told == "127.0.0.1 open, 127.0.0.1 no answer"


def record(body: bytes) -> bytes:
    return TLS_RECORD + struct.pack(">H", len(body)) + body


def served_certificate(der: bytes) -> bytes:
    """A TLS 1.2 ServerHello and Certificate message around any bytes."""
    hello = b"\x03\x03" + bytes(32) + b"\x00" + b"\xc0\x2f" + b"\x00"
    entry = len(der).to_bytes(3, "big") + der
    listed = len(entry).to_bytes(3, "big") + entry
    return record(b"\x02" + len(hello).to_bytes(3, "big") + hello) + b"".join(
        record(part) for part in _parts(b"\x0b" + len(listed).to_bytes(3, "big") + listed, 16_000)
    )


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


HUGE_PROMISE = b"\x0b\xff\xff\xff"

BAD_ANSWERS = {
    "garbage": random.Random(7).randbytes(5000),
    "zeros": bytes(5000),
    "alert-of-no-kind": b"\x15\x03\x03\x00\x02\x02\xfe",
    "half-a-record": TLS_RECORD + b"\x40\x00" + bytes(100),
    "empty-records": record(b"") * 50,
    "certificate-is-garbage": served_certificate(random.Random(8).randbytes(900)),
    "certificate-is-empty": served_certificate(b""),
    "certificate-is-huge": served_certificate(bytes(300_000)),
    "http2-goaway": b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8),
    "http-header-without-end": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 60_000,
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_bad_answer_ends_in_a_finding(look, answer, scheme):
    with peers.tcp(peers.says(answer)) as port:
        observation = look(port, timeout=1, scheme=scheme, allow_plaintext=True)

    assert observation.milvus_code is None


ENDLESS = {
    "garbage": b"\xa5" * 16_384,
    "handshake-records": record(bytes(16_000)),
    "tiny-records": record(b"\x00") * 1000,
    "a-certificate-message": record(HUGE_PROMISE + bytes(12_000)),
    "http1": b"HTTP/1.1 200 OK\r\n" * 1000,
    "settings-frames": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 1000,
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_peer_is_left_in_time_and_with_bounded_memory(look, data):
    with peers.tcp(peers.floods(data)) as port:
        look(port, timeout=1)
        tracemalloc.start()
        look(port, timeout=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 16 << 20


def test_a_server_that_floods_after_the_handshake(trio, look):
    def flood(session: SSL.Connection) -> None:
        while True:
            session.sendall(b"\xa5" * 16_000)

    with peers.tls(trio.server, then=flood) as port:
        assert look(port, timeout=1).grpc_state != "ready"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_slow_bytes_end_at_the_deadline(look, scheme):
    closing_down = threading.Event()
    slow = served_certificate(bytes(5000))
    with peers.tcp(peers.drips(slow, closing_down)) as port:
        try:
            observation = look(port, timeout=0.8, scheme=scheme, allow_plaintext=True)
        finally:
            closing_down.set()

    assert observation.speaks == "tls"


def _resets_after(steps: int) -> peers.Serve:
    def serve(connection) -> None:
        for _ in range(steps):
            connection.recv(200)
        peers.resets(connection)

    return serve


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_reset_at_any_step_ends_in_a_finding(look, steps, scheme):
    with peers.tcp(_resets_after(steps)) as port:
        look(port, timeout=1, scheme=scheme, allow_plaintext=True)


def test_a_reset_right_after_the_handshake(trio, look):
    def reset(session: SSL.Connection) -> None:
        raise ConnectionResetError

    with peers.tls(trio.server, then=reset) as port:
        look(port, timeout=1)


def test_unusable_material_still_lets_the_server_be_seen(mutual, look, tmp_path):
    (tmp_path / "empty.pem").touch()
    observation = look(
        mutual.port, client_pem_path=tmp_path / "empty.pem", client_key_path=tmp_path / "empty.pem"
    )

    assert observation.chain
    assert observation.grpc_state is None


def test_half_a_client_pair_still_lets_the_server_be_seen(mutual, look, certs):
    observation = look(mutual.port, client_pem_path=certs / "client.pem")

    assert observation.chain
    assert observation.client_certificate_requested


def test_nothing_is_left_behind(mutual, look, certs):
    def everything() -> None:
        look(mutual.port)
        look(mutual.port, client_pem_path=certs / "client.pem",
             client_key_path=certs / "client.key")  # fmt: skip
        with peers.tcp(peers.silent) as port:
            look(port, timeout=0.3)

    everything()
    threads, files = _leftovers()
    for _ in range(5):
        everything()

    assert _settles(lambda: _leftovers() <= (threads, files + 2)), (_leftovers(), threads, files)


def _leftovers() -> tuple[int, int]:
    gc.collect()
    ours = [t for t in threading.enumerate() if "milvus-secure" in t.name or "channel" in t.name]
    return len(ours), len(list(Path("/proc/self/fd").iterdir()))


def _settles(reached: Callable[[], bool]) -> bool:
    """gRPC closes its sockets in a thread of its own, a moment later."""
    for _ in range(100):
        if reached():
            return True
        time.sleep(0.05)
    return False


def test_a_proxy_is_told_as_grpc_would_choose_it():
    environ = {"https_proxy": "http://user:secret@proxy:3128", "no_proxy": "localhost,10.0.0.0/8"}

    assert proxy_for("milvus.example.com", environ) == "http://***@proxy:3128 (https_proxy)"
    assert proxy_for("localhost", environ) is None
    assert proxy_for("10.1.2.3", environ) is None
    assert proxy_for("11.1.2.3", environ) is not None
    assert proxy_for("milvus.example.com", {}) is None


def test_a_host_that_only_the_proxy_reaches(mutual, look, certs, monkeypatch):
    with peers.tcp(peers.proxies_to(mutual.port)) as proxy:
        monkeypatch.setenv("grpc_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_grpc_proxy", "exempt.example")
        observation = look(
            19530, host="milvus.invalid", server_name="localhost",
            client_pem_path=certs / "client.pem", client_key_path=certs / "client.key",
        )  # fmt: skip

    assert observation.milvus_code == 0
    assert observation.failure is None
    assert f"127.0.0.1:{proxy}" in observation.proxy


def test_a_host_that_the_proxy_refuses(look, monkeypatch):
    with peers.tcp(peers.says(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        monkeypatch.setenv("grpc_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_grpc_proxy", "exempt.example")
        observation = look(19530, host="milvus.invalid")

    assert observation.failure == "dns-failed"
    assert "through the proxy" in observation.failure_detail
