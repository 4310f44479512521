"""The probe ends in time and with a finding, whatever the peer does."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import threading
import tracemalloc

import pytest
from OpenSSL import SSL

import front_ends
import impostors
import peers
from milvus_secure import SecureConnectionError, check, connect_secure, connect_secure_async
from processes import started

TLS_RECORD = b"\x16\x03\x03"


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
def test_a_bad_answer_ends_in_a_finding(observe, answer, scheme):
    with peers.tcp(peers.answers(answer)) as port:
        observation = observe(port, timeout=1, scheme=scheme, allow_plaintext=True)

    assert observation.milvus is None


ENDLESS = {
    "garbage": b"\xa5" * 16_384,
    "handshake-records": record(bytes(16_000)),
    "tiny-records": record(b"\x00") * 1000,
    "a-certificate-message": record(HUGE_PROMISE + bytes(12_000)),
    "http1": b"HTTP/1.1 200 OK\r\n" * 1000,
    "settings-frames": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" * 1000,
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_answer_is_cut_off_in_time_and_memory(observe, data):
    with peers.tcp(peers.floods(data)) as port:
        observe(port, timeout=1)
        tracemalloc.start()
        observe(port, timeout=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 16 << 20


def test_a_server_that_floods_after_the_handshake(trio, observe):
    def flood(session: SSL.Connection) -> None:
        while True:
            session.sendall(b"\xa5" * 16_000)

    with impostors.tls(trio.server, then=flood) as port:
        assert not observe(port, timeout=1).grpc_ready


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_slow_bytes_end_at_the_deadline(observe, scheme):
    closing_down = threading.Event()
    slow = served_certificate(bytes(5000))
    with peers.tcp(peers.drips(slow, closing_down)) as port:
        try:
            observation = observe(port, timeout=0.8, scheme=scheme, allow_plaintext=True)
        finally:
            closing_down.set()

    assert observation.protocol == "tls"


def _resets_after(steps: int) -> peers.Serve:
    def serve(connection) -> None:
        for _ in range(steps):
            connection.recv(200)
        peers.resets(connection)

    return serve


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_reset_at_any_step_ends_in_a_finding(observe, steps, scheme):
    with peers.tcp(_resets_after(steps)) as port:
        observe(port, timeout=1, scheme=scheme, allow_plaintext=True)


def test_a_reset_right_after_the_handshake(trio, observe):
    def reset(session: SSL.Connection) -> None:
        raise ConnectionResetError

    with impostors.tls(trio.server, then=reset) as port:
        observe(port, timeout=1)


FLOOD = """
import socket, sys
from OpenSSL import SSL
context = SSL.Context(SSL.TLS_SERVER_METHOD)
context.use_certificate_chain_file(sys.argv[1] + "/server.pem")
context.use_privatekey_file(sys.argv[1] + "/server.key")
context.set_alpn_select_callback(lambda _, offered: b"h2")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def flood(connection):
    session = SSL.Connection(context, connection)
    session.set_accept_state()
    session.do_handshake()
    session.send(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))  # SETTINGS
    frame = bytes.fromhex(sys.argv[2])
    while True:
        session.send(frame * 500)
while True:
    try:
        flood(listener.accept()[0])
    except (OSError, SSL.Error):
        pass
"""


FRAMES = {
    "ping": "000008060000000000" + "00" * 8,
    "window-update": "00000408000000000000000001",
    "settings": "000000040000000000",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_verified_server_that_keeps_grpc_busy(certs, settings, frame):
    """gRPC is too busy to end a call, or even to close; the caller still gets a report."""
    command = [sys.executable, "-c", FLOOD, certs, frame]
    with started(command, stdout=subprocess.PIPE, seconds=60) as server:
        port = server.stdout.readline().strip()
        made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", timeout=1)
        assert not check(made).ok
        with pytest.raises(SecureConnectionError):
            connect_secure(made)
        assert server.poll() is None, "the server ended the connection, not the client"


GRPC = ("content-type", "application/grpc")
NO_MESSAGE = {
    "status 0 without a message": front_ends.replies([GRPC, ("grpc-status", "0")]),
    "a status that gRPC does not know": front_ends.replies([GRPC, ("grpc-status", "99")]),
    "a status that is no number": front_ends.replies([GRPC, ("grpc-status", "x")]),
    "no status": front_ends.replies([GRPC]),
    "a web page": front_ends.replies([("content-type", "text/html")], b"<html>hello"),
}


@pytest.mark.parametrize("then", NO_MESSAGE.values(), ids=NO_MESSAGE.keys())
async def test_an_answer_without_a_message_ends_in_a_finding(trio, settings, certs, tmp_path, then):
    with front_ends.front_end(trio.server, tmp_path, then) as port:
        made = settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", timeout=3)
        assert check(made).root_cause.code == "not-milvus"
        with pytest.raises(SecureConnectionError, match="not-milvus"):
            connect_secure(made)
        with pytest.raises(SecureConnectionError, match="not-milvus"):
            await connect_secure_async(made)


@pytest.mark.parametrize("timeout", [0.001, 0.00001])
def test_a_timeout_too_short_for_dns_is_not_reported_as_a_dns_failure(settings, timeout):
    with peers.closed_port() as port:
        report = check(settings(uri=f"https://localhost:{port}", timeout=timeout))
    assert report.root_cause.code in {"tcp-timeout", "tcp-refused"}
