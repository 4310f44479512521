"""Servers that share no key type, cipher suite or curve with gRPC, each a real OpenSSL."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import minting
import peers
from milvus_secure import check
from milvus_secure._common.deadline import Deadline
from milvus_secure.diagnosis.probe.hello import ALL_SUITES, LIMIT, ask_in_plain
from milvus_secure.diagnosis.probe.sockets import DeadlineSocket
from processes import started
from verdicts import cause

PORT = re.compile(r"ACCEPT .*:(\d+)")


@contextmanager
def openssl_server(leaf: minting.Minted | None, folder: Path, *options: str) -> Iterator[int]:
    """``openssl s_server`` on a free port, with a certificate or without, until the block ends."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-alpn", "h2", *options]
    if leaf is None:
        command.append("-nocert")
    else:
        (folder / "leaf.pem").write_bytes(leaf.chain_pem)
        (folder / "leaf.key").write_bytes(leaf.key_pem)
        command += ["-cert", folder / "leaf.pem", "-key", folder / "leaf.key"]
    pipe = subprocess.PIPE
    with started(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as server:
        for line in server.stdout:
            if port := PORT.match(line):
                yield int(port[1])
                return
        pytest.skip("this OpenSSL does not serve such a certificate")


def any_cipher(*options: str) -> tuple[str, ...]:
    return ("-cipher", "DEFAULT@SECLEVEL=0", *options)


@pytest.mark.trips("weak-key")
@pytest.mark.parametrize("options", [(), ("-tls1_2",)], ids=["TLS 1.3 too", "TLS 1.2"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("p192", "secp192r1"),
        ("p224", "secp224r1"),
        ("secp256k1", "secp256k1"),
        ("brainpool", "brainpoolP256r1"),
    ],
)
def test_a_key_on_a_curve_that_grpc_does_not_know(trio, look, tmp_path, kind, words, options):
    leaf = minting.server(trio.ca, kind=kind)
    with openssl_server(leaf, tmp_path, *any_cipher(*options)) as port:
        report = look(port)

    if cause(report) == "tls-failed":
        pytest.skip("this OpenSSL has no old curves in TLS")
    assert cause(report) == "weak-key"
    assert words in report.root_cause.presented


@pytest.mark.trips("weak-key")
def test_an_RSA_key_too_short_for_TLS_1_3(trio, look, tmp_path):  # noqa: N802 - their names
    leaf = minting.server(trio.ca, kind="rsa512")
    with openssl_server(leaf, tmp_path, *any_cipher()) as port:
        report = look(port)

    assert cause(report) == "weak-key"
    assert "too short for the signatures of TLS 1.3" in report.root_cause.message


@pytest.mark.passes("weak-key")
def test_the_same_key_is_accepted_under_TLS_1_2(trio, look, tmp_path):  # noqa: N802 - its name
    leaf = minting.server(trio.ca, kind="rsa512")
    with openssl_server(leaf, tmp_path, *any_cipher("-tls1_2")) as port:
        assert "weak-key" not in [finding.code for finding in look(port, timeout=2).errors]


@pytest.mark.trips("weak-key")
@pytest.mark.parametrize("setting", ["ca_pem_path", "server_pem_path"])
def test_a_key_on_P_521_is_refused_under_TLS_1_3(trio, look, tmp_path, setting):  # noqa: N802 - its name
    leaf = minting.server(trio.ca, kind="p521")
    (tmp_path / "trusted.pem").write_bytes(
        leaf.pem if setting == "server_pem_path" else trio.ca.pem
    )
    trusted = {"ca_pem_path": None, setting: tmp_path / "trusted.pem"}
    with openssl_server(leaf, tmp_path) as port:
        report = look(port, **trusted)

    assert cause(report) == "weak-key"
    assert not report.server.grpc_ready


@pytest.mark.passes("weak-key")
@pytest.mark.parametrize("setting", ["ca_pem_path", "server_pem_path"])
def test_a_key_on_P_521_is_accepted_under_TLS_1_2(trio, look, settings, tmp_path, setting):  # noqa: N802 - its name
    leaf = minting.server(trio.ca, kind="p521")
    (tmp_path / "trusted.pem").write_bytes(
        leaf.pem if setting == "server_pem_path" else trio.ca.pem
    )
    trusted = {"ca_pem_path": None, setting: tmp_path / "trusted.pem"}
    with openssl_server(leaf, tmp_path, "-tls1_2") as port:
        report = look(port, timeout=2, **trusted)

    assert report.server.grpc_ready
    assert check(settings(**trusted), online=False).ok


@pytest.mark.trips("tls-cipher")
@pytest.mark.parametrize(
    ("options", "group"),
    [
        (("-groups", "X448"), "TLSv1.3 x448"),
        (("-groups", "ffdhe2048"), "TLSv1.3 ffdhe2048"),
        (("-groups", "brainpoolP256r1", "-tls1_2"), "TLSv1.2 group 26"),
    ],
)
def test_no_group_for_the_key_exchange_in_common(trio, look, tmp_path, options, group):
    with openssl_server(trio.server, tmp_path, *options) as port:
        report = look(port)

    assert cause(report) == "tls-cipher"
    assert report.root_cause.presented == group


@pytest.mark.passes("tls-cipher")
@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384", "P-521"])
def test_a_group_that_grpc_offers(trio, look, tmp_path, group):
    with openssl_server(trio.server, tmp_path, "-groups", group) as port:
        assert look(port, timeout=2).server.grpc_ready


@pytest.mark.trips("tls-failed")
def test_a_server_without_a_certificate(look, tmp_path):
    with openssl_server(None, tmp_path) as port:
        report = look(port)

    assert cause(report) == "tls-failed"
    assert "Most likely it has no certificate" in report.root_cause.message


@pytest.mark.trips("tls-failed")
def test_a_server_that_fails_before_it_sends_a_certificate(look):
    with peers.tcp(peers.answers(bytes.fromhex("15030300020250"))) as port:  # as Go without one
        report = look(port)

    assert cause(report) == "tls-failed"
    assert "Most likely it has no certificate" in report.root_cause.message


def handshake(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message


def hello(suite: int, version: bytes = b"\3\3", session: bytes = b"\0") -> bytes:
    return handshake(2, version + bytes(32) + session + suite.to_bytes(2, "big") + b"\0")


DONE = handshake(14, b"")
LIST = handshake(11, b"\0\0\5" + b"\0\0\2ab")
ANSWERS = {
    "3DES, as an old server chooses it": (hello(0x000A) + LIST + DONE, ("TLSv1.2", 10, (b"ab",))),
    "TLS 1.0": (hello(0x002F, b"\3\1") + DONE, ("TLSv1", 47, ())),
    "a list that is cut off": (
        hello(0x000A) + handshake(11, b"\0\0\5\xff\xff\xffab") + DONE,
        ("TLSv1.2", 10, (b"ab",)),
    ),
    "no hello": (DONE, None),
    "a hello that is cut off": (handshake(2, b"\3\3") + DONE, None),
    "a version that does not exist": (hello(10, b"\3\x09") + DONE, None),
    "an alert": (bytes.fromhex("15030300020228"), None),
    "empty records": (b"\x16\3\3\0\0" * 40_000, None),
    "messages without end": (hello(10) + handshake(5, b"") * 20_000, ("TLSv1.2", 10, ())),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_any_answer_to_the_plain_hello_is_handled(answer, expected):
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    with (
        peers.tcp(serve) as port,
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.setblocking(False)
        wire = DeadlineSocket(connection, Deadline(30), LIMIT)
        answered = ask_in_plain(wire, "localhost", ALL_SUITES, 32)

    assert (answered and (answered.version, answered.suite, answered.chain)) == expected
