"""PEM text as gRPC reads it: BoringSSL's ``PEM_read_bio`` (``crypto/pem/pem_lib.cc``), by line.

It is stricter than most readers about BEGIN and END, which must start their lines, and laxer
about all else: text around blocks, other blocks between, blanks around base64, line breaks.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

# BoringSSL takes any label; one that is no plain words may be a key whose line breaks are gone.
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----")
# BoringSSL strips whatever is not above a blank from the end of a line.
_TRAILING = bytes(range(0x21))


@dataclass(frozen=True, slots=True)
class Armor:
    """One PEM block, its base64 removed.

    Attributes:
        label: What stands behind BEGIN, such as ``CERTIFICATE``.
        line: The line BEGIN is on, from 1.
        text: The block alone, in regular PEM.
        der: What it holds; empty when it is broken.
        error: Why gRPC cannot read it, and with it whatever follows; or empty.
    """

    label: str
    line: int
    text: bytes = b""
    der: bytes = b""
    error: str = ""


def read_armor(data: bytes) -> Iterator[Armor]:
    """Find the PEM blocks, broken ones included; gRPC itself stops at the first of these."""
    lines = [line.rstrip(_TRAILING) for line in data.split(b"\n")]
    place = 0
    while place < len(lines):
        begin = _BEGIN.fullmatch(lines[place])
        place += 1
        if begin is None:
            continue
        start = place
        while place < len(lines) and not lines[place].startswith(b"-----"):
            place += 1
        closing = lines[place] if place < len(lines) else None
        yield _armor(begin[1], start, lines[start:place], closing)


def _armor(label: bytes, line: int, body: list[bytes], closing: bytes | None) -> Armor:
    name = label.decode("ascii")
    if closing != b"-----END " + label + b"-----":
        broken = "is missing" if closing is None else "is broken"
        return Armor(name, line, error=f"its line -----END {name}----- {broken}")
    headers = []
    if b"" in body and b":" in b"".join(body[: body.index(b"")]):
        headers, body = body[: body.index(b"")], body[body.index(b"") + 1 :]
    if headers and not headers[0].startswith(b"Proc-Type:"):
        return Armor(name, line, error="it has a header line other than Proc-Type")
    packed = b"".join(b"".join(body).split())
    try:
        der = base64.b64decode(packed, validate=True)
    except binascii.Error:
        return Armor(name, line, error="its base64 is damaged or cut off")
    if not der:
        return Armor(name, line, error="it is empty")
    rows = [packed[at : at + 64] for at in range(0, len(packed), 64)]
    head = [*headers, b""] if headers else []
    edge = [b"-----BEGIN " + label + b"-----", b"-----END " + label + b"-----"]
    return Armor(name, line, b"\n".join([edge[0], *head, *rows, edge[1], b""]), der)


def why_no_block(data: bytes) -> str:
    """What keeps text that speaks of BEGIN from holding a single block; empty if none does."""
    if re.search(rb"-----BEGIN[^\n]*\\n", data):
        return "its line breaks are written as the two characters \\n"
    if data.startswith(b"\xef\xbb\xbf-----BEGIN"):
        return "it starts with a byte order mark, which gRPC does not skip"
    if re.search(rb"(?m)^[ \t]+-----BEGIN", data):
        return "its BEGIN line is indented; it must start its line"
    if re.search(rb"-----BEGIN [^\n]*-----\r(?!\n)", data):
        return "its lines end with a carriage return alone"
    if re.search(rb"-----BEGIN [^\n-]*-----[ \t]*[A-Za-z0-9+/=]", data):
        return "its line breaks are gone; BEGIN and END need lines of their own"
    if re.search(rb"(?i)-+ *BEGIN [a-z0-9 ]+-+", data):
        return "its BEGIN line is not exactly five dashes, BEGIN and a name, five dashes"
    if re.search(rb"-----END [A-Z0-9 ]+-----", data):
        return "its BEGIN line is missing"
    return ""
