"""PEM text as gRPC reads it: BoringSSL's ``PEM_read_bio`` (``crypto/pem/pem_lib.cc``), by line.

It is stricter than most readers about BEGIN and END, which must start their lines, and about blank
lines within the base64; it is laxer about all else: text around blocks, other blocks between,
blanks around base64, the length of lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .._common.versions import installed_grpc

# BoringSSL takes any label; one that is no plain words may be a key whose line breaks are gone.
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----")
_BUFFER = 253  # what BIO_gets reads at a time into PEM_read_bio's buffer of 254 bytes
JOINED = "a line break is missing between its END and the next BEGIN"
BLANK_LINE = "there is a blank line within its base64"
CUT_LINE = (
    "gRPC reads 253 characters at a time, and reads the rest of a longer line as a blank line"
)
SHORT_LINES = (
    "there is a blank line before its base64, after which gRPC before 1.85 reads lines of 64 "
    "characters only"
)
_ANY_LINES_SINCE = (1, 85)
# BoringSSL strips every character up to a blank from the end of a line.
_TRAILING = bytes(range(0x21))


@dataclass(frozen=True, slots=True)
class Armor:
    """One PEM block, its base64 removed.

    Attributes:
        label: The text behind BEGIN, such as ``CERTIFICATE``.
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
    armors = _regular_armors(data)
    return _any_armors(data) if armors is None else iter(armors)


_REGULAR = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]{1,60})-----\n"
    rb"((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{1,64}={0,2}\n)"
    rb"-----END \1-----\n"
)


def _regular_armors(data: bytes) -> list[Armor] | None:
    """The blocks of a file that has nothing but blocks as programs write them; else None."""
    armors, place, line = [], 0, 1
    while place < len(data):
        block = _REGULAR.match(data, place)
        if block is None:
            return None
        try:
            der = base64.b64decode(block[2].replace(b"\n", b""), validate=True)
        except binascii.Error:
            return None
        armors.append(Armor(block[1].decode("ascii"), line, block[0], der))
        place = block.end()
        line += block[0].count(b"\n")
    return armors


def _any_armors(data: bytes) -> Iterator[Armor]:
    pieces = list(_pieces(data))
    place = 0
    while place < len(pieces):
        begin = _BEGIN.fullmatch(pieces[place].text)
        line = pieces[place].line
        place += 1
        if begin is None:
            continue
        start = place
        while place < len(pieces) and not pieces[place].text.startswith(b"-----"):
            place += 1
        closing = pieces[place].text if place < len(pieces) else None
        yield _armor(begin[1], line, pieces[start:place], closing)


class _Piece(NamedTuple):
    """What ``BIO_gets`` reads at once: a line, or a part of a long one; trailing blanks removed."""

    text: bytes
    line: int
    is_rest: bool


def _pieces(data: bytes) -> Iterator[_Piece]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if len(line) < _BUFFER:
            yield _Piece(line.rstrip(_TRAILING), number, is_rest=False)
            continue
        whole = line + b"\n"
        for at in range(0, len(whole), _BUFFER):
            yield _Piece(whole[at : at + _BUFFER].rstrip(_TRAILING), number, is_rest=at > 0)


def _armor(label: bytes, line: int, pieces: list[_Piece], closing: bytes | None) -> Armor:
    name = label.decode("ascii")
    end = b"-----END " + label + b"-----"
    if closing != end:
        return Armor(name, line, error=_why_no_end(end, pieces, closing))
    # Lines before a blank line are a header, which may only be Proc-Type.
    blank = next((at for at, piece in enumerate(pieces) if not piece.text), None)
    headers = [piece.text for piece in pieces[: blank or 0]]
    body = [piece.text for piece in (pieces if blank is None else pieces[blank + 1 :])]
    if headers and not headers[0].startswith(b"Proc-Type:"):
        if b":" in b"".join(headers):
            return Armor(name, line, error="it has a header line other than Proc-Type")
        cut = blank is not None and pieces[blank].is_rest
        return Armor(name, line, error=CUT_LINE if cut else BLANK_LINE)
    if blank is not None and not _is_read_after_a_header(body):
        return Armor(name, line, error=SHORT_LINES)
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


def _why_no_end(end: bytes, pieces: list[_Piece], closing: bytes | None) -> str:
    """Why the END line of a block does not end it."""
    if closing is not None and closing.startswith(end + b"-----BEGIN "):
        return JOINED
    if any(piece.text.lstrip() == end for piece in pieces):
        return "its END line is indented; it must start its line"
    return f"its line {end.decode('ascii')} {'is missing' if closing is None else 'is broken'}"


def _is_read_after_a_header(body: list[bytes]) -> bool:
    """Whether gRPC reads base64 that stands behind a blank line, which ends a block's header.

    Up to the BoringSSL of gRPC 1.84, ``PEM_read_bio`` takes any such line of another length than 64
    for the last. Measured from 1.67.1 to 1.85.1.
    """
    if installed_grpc() >= _ANY_LINES_SINCE:
        return True
    return all(len(text) == 64 for text in body[:-1]) and all(len(text) <= 64 for text in body)


def why_no_block(data: bytes) -> str:
    """Why a text with BEGIN contains no block; empty if it contains one."""
    if re.search(rb"-----BEGIN[^\n]*\\n", data):
        return "its line breaks are written as the two characters \\n"
    if data.startswith(b"\xef\xbb\xbf-----BEGIN"):
        return "it starts with a byte order mark, which gRPC does not skip"
    if re.search(rb"(?m)^[ \t]+-----BEGIN", data):
        return "its BEGIN line is indented; it must start its line"
    if re.search(rb"-----BEGIN [^\n]*-----\r(?!\n)", data):
        return "its lines end with a carriage return only"
    if re.search(rb"-----BEGIN [^\n-]*-----[ \t]*[A-Za-z0-9+/=]", data):
        return "its line breaks are missing; BEGIN and END must be on separate lines"
    if re.search(rb"(?i)-+ *BEGIN [a-z0-9 ]+-+|^\s*BEGIN (?:[A-Z0-9]+ )*(?:CERT|PRIV)", data):
        return "its BEGIN line is not exactly five dashes, BEGIN and a name, five dashes"
    if re.search(rb"-----END [A-Z0-9 ]+-----", data):
        return "its BEGIN line is missing"
    return ""
