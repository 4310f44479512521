"""A TLS 1.2 hello that offers every curve and signature algorithm, and any cipher suite.

A server whose key is on P-192 or secp256k1, or whose only cipher suite is from the last century,
ends every handshake that OpenSSL or gRPC begins: it has nothing in common with them. To this hello
it answers, and up to TLS 1.2 its certificate then comes unencrypted (RFC 5246, 7.4.2). The
handshake ends there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from ..._common.deadline import Deadline
from ..._common.endpoint import server_name_indication
from .sockets import ConnectResult, DeadlineSocket, redial
from .timeouts import TIMEOUTS
from .tls import MAX_CHAIN, HandshakeResult, parsed_der

GRPC_SUITES = (0xC02B, 0xC02C, 0xC02F, 0xC030)
"""ECDHE with AES-GCM: what gRPC offers up to TLS 1.2; see `GRPC_CIPHERS` in `tls_clients`."""
GRPC_CURVES = frozenset({23, 24, 25, 29})
"""P-256, P-384, P-521 and X25519."""
LIMIT = 1 << 17
"""Bytes that are read at most; BoringSSL's own limit for certificates is 100 kB."""

_HANDSHAKE, _NAMED_CURVE = 22, 3
_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _SERVER_HELLO_DONE = 2, 11, 12, 14
_VERSIONS = {1: "TLSv1", 2: "TLSv1.1", 3: "TLSv1.2"}
_ANONYMOUS = {*range(0x17, 0x1C), 0x34, 0x3A, 0x46, 0x6C, 0x6D, 0x89, 0x9B, 0xA6, 0xA7, 0xBF, 0xC5}
_UNSIGNED = {*range(0x1C, 0x2F), *range(0x8A, 0x96), *range(0xA8, 0xBA), *range(0xC015, 0xC023)}
ALL_SUITES = tuple(
    suite
    for suite in sorted(
        {*range(0x01, 0xC6), *range(0xC001, 0xC033), *range(0xC03C, 0xC064), *range(0xC072, 0xC08E)}
        | {*range(0xC09C, 0xC0B0), 0xCCA8, 0xCCA9, 0xCCAA}
    )
    if suite not in _ANONYMOUS | _UNSIGNED
)
"""Every suite up to TLS 1.2 that uses a certificate: none is anonymous, PSK or SRP."""
_CURVES = range(1, 31)  # every named curve (IANA's TLS Supported Groups, RFC 8422)
# SHA-1 to SHA-512, the shortest first, since a short RSA key signs no longer one; then MD5.
_HASHES = (*range(2, 7), 1)
_KEYS = range(1, 4)  # RSA, DSA, ECDSA
_RSA_PSS_AND_EDDSA = range(0x0804, 0x080F)


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """What a server answers before anything is encrypted.

    Attributes:
        version: The version of TLS, in the names that OpenSSL has for them.
        suite: The number of the cipher suite that it chose.
        chain: The certificates, DER, as it sent them.
        curve: The number of the curve that it chose for the key exchange; 0 if it chose none.
    """

    version: str
    suite: int
    chain: tuple[bytes, ...]
    curve: int = 0


def note_plain_answer(
    result: HandshakeResult, dialled: ConnectResult, name: str, deadline: Deadline
) -> None:
    """Note what a server would have used that has nothing in common with OpenSSL.

    Args:
        result: Of the handshake that the server refused.
        dialled: Where it is.
        name: The server name to ask for.
        deadline: For both hellos together.
    """
    for suites in (GRPC_SUITES, ALL_SUITES):
        limit = deadline.within(TIMEOUTS.reaction)
        sock = redial(dialled, limit)
        if sock is None:
            return
        with closing(DeadlineSocket(sock, limit, LIMIT)) as wire:
            answer = ask_in_plain(wire, server_name_indication(name), suites, MAX_CHAIN)
        if answer is not None:
            result.version, result.cipher = answer.version, f"cipher suite 0x{answer.suite:04X}"
            result.ciphers_refused = suites is ALL_SUITES
            if answer.curve and answer.curve not in GRPC_CURVES:
                result.group_refused = f"group {answer.curve}"
            result.keep_chain([parsed_der(certificate) for certificate in answer.chain])
            return


def ask_in_plain(
    wire: DeadlineSocket, server_name: str, suites: Sequence[int], most: int
) -> PlainAnswer | None:
    """Send the hello and read what answers it.

    Args:
        wire: Connected, and read up to `LIMIT`; stays the caller's to close.
        server_name: For SNI; empty sends none.
        suites: The cipher suites to offer, by number.
        most: Certificates that are read at most.

    Returns:
        None if the server does not answer with TLS 1.2 or older.
    """
    version, suite, curve = "", 0, 0
    chain: tuple[bytes, ...] = ()
    try:
        wire.write(_hello(server_name, suites))
        for kind, body in _messages(wire):
            if kind == _SERVER_HELLO:
                after_session = 35 + body[34]
                version = _VERSIONS[body[1]]
                suite = int.from_bytes(body[after_session : after_session + 2], "big")
            elif kind == _CERTIFICATE:
                chain = tuple(_certificates(body))[:most]
            elif kind == _KEY_EXCHANGE and body[0] == _NAMED_CURVE:
                curve = int.from_bytes(body[1:3], "big")
            if kind == _SERVER_HELLO_DONE:
                break
    except (OSError, IndexError, KeyError):  # an alert, silence, or no TLS
        pass
    return PlainAnswer(version, suite, chain, curve) if version else None


def _hello(server_name: str, suites: Sequence[int]) -> bytes:
    offered = b"".join(suite.to_bytes(2, "big") for suite in suites)
    curves = b"".join(curve.to_bytes(2, "big") for curve in _CURVES)
    algorithms = b"".join(bytes((digest, key)) for digest in _HASHES for key in _KEYS)
    algorithms += b"".join(number.to_bytes(2, "big") for number in _RSA_PSS_AND_EDDSA)
    name = b"\x00" + _sized(server_name.encode("ascii"), 2)
    extensions = [
        _extension(0, _sized(name, 2)) if server_name else b"",
        _extension(10, _sized(curves, 2)),
        _extension(11, _sized(b"\x00\x01\x02", 1)),  # points in every form
        _extension(13, _sized(algorithms, 2)),
        _extension(16, _sized(_sized(b"h2", 1), 2)),  # ALPN
    ]
    body = b"\x03\x03" + os.urandom(32) + b"\x00" + _sized(offered, 2) + b"\x01\x00"
    body += _sized(b"".join(extensions), 2)
    return bytes((_HANDSHAKE, 3, 1)) + _sized(b"\x01" + _sized(body, 3), 2)


def _extension(number: int, body: bytes) -> bytes:
    return number.to_bytes(2, "big") + _sized(body, 2)


def _sized(body: bytes, octets: int) -> bytes:
    return len(body).to_bytes(octets, "big") + body


def _messages(wire: DeadlineSocket) -> Iterator[tuple[int, bytes]]:
    """The handshake messages, out of the records that carry them; ends at any other record."""
    records, messages = b"", b""
    while True:
        while len(messages) >= 4 and len(messages) >= 4 + int.from_bytes(messages[1:4], "big"):
            end = 4 + int.from_bytes(messages[1:4], "big")
            yield messages[0], messages[4:end]
            messages = messages[end:]
        while len(records) < 5 or len(records) < 5 + int.from_bytes(records[3:5], "big"):
            data = wire.read()
            if not data:
                return
            records += data
        end = 5 + int.from_bytes(records[3:5], "big")
        if records[0] != _HANDSHAKE:
            return
        messages += records[5:end]
        records = records[end:]


def _certificates(body: bytes) -> Iterator[bytes]:
    place = 3
    while place < len(body):
        end = place + 3 + int.from_bytes(body[place : place + 3], "big")
        yield body[place + 3 : end]
        place = end
