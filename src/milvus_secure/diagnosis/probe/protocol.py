"""The protocol a peer speaks, recognised by its first bytes."""

from __future__ import annotations

from contextlib import suppress

from .sockets import DeadlineSocket

# The client's connection preface with an empty SETTINGS frame (RFC 9113, section 3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"

_FRAME_HEAD = 9
_PAGES = (b"<!doctype", b"<html")  # a web server that assumes HTTP/0.9 sends no status line
_SHOWN = 40


def classify(data: bytes) -> str | None:
    """Name the protocol of a peer's first bytes, or None if more are needed.

    Returns:
        ``tls`` for a handshake or alert record (RFC 8446, section 5.1), ``http2`` for a SETTINGS
        frame on stream 0, ``http1``, ``other`` or None.
    """
    if data[:1] in {b"\x15", b"\x16"}:
        if len(data) < 2:
            return None
        return "tls" if data[1] == 3 else "other"
    if b"HTTP/".startswith(data[:5]):
        return "http1" if len(data) >= 5 else None
    start = data[:9].lower()
    if start and any(page.startswith(start[: len(page)]) for page in _PAGES):
        return "http1" if start.startswith(_PAGES) else None
    if data[:1] == b"\x00":
        if len(data) < _FRAME_HEAD:
            return None
        return "http2" if data[3] == 4 and data[5:9] == bytes(4) else "other"
    return "other"


def shown(data: bytes) -> str:
    """The first bytes of a peer as evidence, escaped and short."""
    text = ascii(data[:_SHOWN])[2:-1]
    return f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text


def listen(wire: DeadlineSocket, seconds: float | None = None) -> tuple[str, bytes]:
    """Read until it is clear which protocol the peer speaks.

    Returns:
        The protocol, ``silence`` or ``closed`` included, and the bytes read so far.
    """
    data = b""
    try:
        while True:
            more = wire.read(seconds)
            data += more
            protocol = classify(data) if data else None
            if protocol:
                return protocol, data
            if not more:
                return ("other" if data else "closed"), data
    except TimeoutError:
        return ("other" if data else "silence"), data
    except OSError:
        return ("other" if data else "closed"), data


def detect_protocol(wire: DeadlineSocket, seconds: float | None = None) -> tuple[str, bytes]:
    """Speak plaintext HTTP/2 and see what comes back; no header, no credential is sent."""
    with suppress(OSError):  # it may have said why before it closed
        wire.write(PREFACE)
    return listen(wire, seconds)


DESCRIPTIONS = {
    "tls": "the server speaks TLS",
    "http2": "the server speaks plaintext HTTP/2",
    "http1": "the server speaks plaintext HTTP/1",
    "silence": "the server sends nothing",
    "closed": "the server closed the connection without an answer",
    "other": "the server speaks neither TLS nor HTTP",
}
