"""Certificates that cryptography reads only in part, or not as they were meant.

Each kind is used for the leaf, an intermediate, the root, and a pinned leaf. The real peers decide
the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from cryptography import x509

from der import (
    ALGORITHM,
    BITS,
    BOOLEAN,
    EXTENSIONS,
    GENERALIZED,
    IA5,
    INTEGER,
    ISSUER,
    OCTETS,
    SEQUENCE,
    SERIAL,
    SUBJECT,
    UTC,
    UTF8,
    VALIDITY,
    VERSION,
    content,
    elements,
    name,
    oid,
    raw,
    resigned,
    tlv,
)
from minting import SERVER, Minted
from odd_chains import Odd, Tower, served

BASIC, USAGE, EXTENDED = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_KEY, AUTHORITY_KEY, ALTERNATIVES = "2.5.29.14", "2.5.29.35", "2.5.29.17"
CONSTRAINTS, CRL_POINTS, POLICIES = "2.5.29.30", "2.5.29.31", "2.5.29.32"
INFORMATION = "1.3.6.1.5.5.7.1.1"
_POLICY = oid("1.3.6.1.4.1.55555.9")
_X400, _EDI = tlv(0xA3), tlv(0xA5, tlv(0xA1, tlv(UTF8, b"x")))
_LOCALHOST = tlv(0x82, b"localhost")


def _basic(*parts: bytes) -> dict:
    return {"basic": False, "extra": [raw(BASIC, tlv(SEQUENCE, *parts), True)]}


def _key_of_issuer(*parts: bytes) -> dict:
    return {"identifiers": False, "extra": [raw(AUTHORITY_KEY, tlv(SEQUENCE, *parts))]}


def _names(*parts: bytes) -> dict:
    return {"sans": (), "extra": [raw(ALTERNATIVES, tlv(SEQUENCE, _LOCALHOST, *parts))]}


def _permitted(*trees: bytes, side: int = 0xA0) -> dict:
    subtrees = tlv(side, *(tlv(SEQUENCE, tree) for tree in trees))
    return {"extra": [raw(CONSTRAINTS, tlv(SEQUENCE, subtrees), True)]}


def _qualified(*qualifier: bytes) -> dict:
    policy = tlv(SEQUENCE, _POLICY, tlv(SEQUENCE, tlv(SEQUENCE, *qualifier)))
    return {"extra": [raw(POLICIES, tlv(SEQUENCE, policy))]}


def _location(uri: bytes) -> dict:
    access = tlv(SEQUENCE, oid("1.3.6.1.5.5.7.48.2"), tlv(0x86, uri))
    return {"extra": [raw(INFORMATION, tlv(SEQUENCE, access))]}


def _points(general: bytes) -> dict:
    point = tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, general)))
    return {"extra": [raw(CRL_POINTS, tlv(SEQUENCE, point))]}


def _of(kind: str, value: bytes, **more: object) -> dict:
    return {"extra": [raw(kind, value)], **more}


_NULL = b"\x05\x00"
_ROOT_NAME = tlv(0xA4, name(b"odd root"))

ODD_EXTENSIONS = {
    "cA FALSE spelled out": _basic(tlv(BOOLEAN, b"\0")),
    "cA TRUE as 1": _basic(tlv(BOOLEAN, b"\1")),
    "cA FALSE with a path length": _basic(tlv(INTEGER, b"\0")),
    "negative path length": _basic(tlv(BOOLEAN, b"\xff"), tlv(INTEGER, b"\xff")),
    "padded path length": _basic(tlv(BOOLEAN, b"\xff"), tlv(INTEGER, b"\0\1")),
    "basicConstraints that are none": _of(BASIC, _NULL, basic=False),
    "Latin-1 in an AIA URL": _location(b"http://\xe9/ca.crt"),
    "AIA that is none": _of(INFORMATION, b"malformed"),
    "Latin-1 in a CDP URL": _points(tlv(0x86, b"http://\xe9/ca.crl")),
    "x400Address in a CDP": _points(_X400),
    "CDP that is none": _of(CRL_POINTS, b"malformed"),
    "AKI with the right issuer, no serial": _key_of_issuer(tlv(0xA1, _ROOT_NAME)),
    "AKI with another issuer, no serial": _key_of_issuer(tlv(0xA1, tlv(0xA4, name(b"other")))),
    "AKI with a serial, no issuer": _key_of_issuer(tlv(0x82, b"\7")),
    "AKI with an x400Address": _key_of_issuer(tlv(0xA1, _X400), tlv(0x82, b"\7")),
    "AKI that is none": _of(AUTHORITY_KEY, _NULL, identifiers=False),
    "SKI that is none": _of(SUBJECT_KEY, _NULL, identifiers=False),
    "empty SKI": _of(SUBJECT_KEY, tlv(OCTETS), identifiers=False),
    "x400Address as a name": _names(_X400),
    "ediPartyName as a name": _names(_EDI),
    "Latin-1 in a DNS name": _names(tlv(0x82, b"m\xfcller")),
    "UTF-8 in a DNS name": _names(tlv(0x82, "\u00fc.example".encode())),
    "Latin-1 in a URI name": _names(tlv(0x86, b"http://\xe9")),
    "directory name in broken UTF-8": _names(tlv(0xA4, name(b"\xff\xfe"))),
    "otherName with nothing inside": _names(tlv(0xA0, oid("1.2.3"), tlv(0xA0, b"\x02"))),
    "names that are none": _of(ALTERNATIVES, b"malformed", sans=()),
    "private policy qualifier": _qualified(oid("1.3.6.1.4.1.55555.10"), tlv(UTF8, b"x")),
    "Latin-1 in a CPS URL": _qualified(oid("1.3.6.1.5.5.7.2.1"), tlv(IA5, b"http://\xe9")),
    "CPS as UTF-8": _qualified(oid("1.3.6.1.5.5.7.2.1"), tlv(UTF8, b"http://e")),
    "policies that are none": _of(POLICIES, b"malformed"),
    "keyUsage without a bit": _of(USAGE, tlv(BITS, b"\0")),
    "keyUsage with unused bits set": _of(USAGE, tlv(BITS, b"\2\xa7")),
    "keyUsage that is none": _of(USAGE, _NULL),
    "no extended usage in the list": _of(EXTENDED, tlv(SEQUENCE), usages=()),
    "extended usage that is none": _of(EXTENDED, _NULL, usages=()),
    "constraint with a bad mask": _permitted(tlv(0x87, bytes.fromhex("0a000000ff00ff00"))),
    "constraint of five bytes": _permitted(tlv(0x87, b"12345"), side=0xA1),
    "constraint with host bits": _permitted(tlv(0x87, bytes.fromhex("0a000001ff000000"))),
    "constraint on DNS and a bad mask": _permitted(
        _LOCALHOST, tlv(0x87, bytes.fromhex("0a000000ff00ff00"))
    ),
    "constraint with an x400Address": _permitted(_X400),
    "constraint with a minimum": _permitted(_LOCALHOST + tlv(0x80, b"\1")),
    "constraint with minimum 0 spelled out": _permitted(_LOCALHOST + tlv(0x80, b"\0")),
    "constraint in Latin-1": _permitted(_LOCALHOST, tlv(0x82, b"m\xfcller")),
    "constraints that are empty": _of(CONSTRAINTS, tlv(SEQUENCE)),
    "unknown TLS feature": _of("1.3.6.1.5.5.7.1.24", tlv(SEQUENCE, tlv(INTEGER, b"\x63"))),
    "timestamps that are none": _of("1.3.6.1.4.1.11129.2.4.2", b"\4\2\0\t"),
    "Microsoft template that is none": _of("1.3.6.1.4.1.311.21.7", b"x"),
    "Latin-1 in an issuer's URI": _of("2.5.29.18", tlv(SEQUENCE, tlv(0x86, b"http://\xe9"))),
    "policy constraints that are none": _of("2.5.29.36", _NULL),
}


def _field(place: int, value: bytes) -> Callable[[list[bytes]], None]:
    def edit(fields: list[bytes]) -> None:
        fields[place] = value

    return edit


def _twice(which: int) -> Callable[[list[bytes]], None]:
    def edit(fields: list[bytes]) -> None:
        listed = elements(content(content(fields[EXTENSIONS])))
        fields[EXTENSIONS] = tlv(0xA3, tlv(SEQUENCE, *listed, listed[which]))

    return edit


def _unknown_twice(fields: list[bytes]) -> None:
    listed = content(content(fields[EXTENSIONS]))
    unknown = tlv(SEQUENCE, oid("1.2.3.4.5"), tlv(OCTETS, _NULL))
    fields[EXTENSIONS] = tlv(0xA3, tlv(SEQUENCE, listed, unknown, unknown))


_START, _END = tlv(UTC, b"250101000000Z"), tlv(UTC, b"350101000000Z")
_YEAR_0 = tlv(GENERALIZED, b"00000101000000Z")
ODD_FIELDS = {
    "valid since the year 0000": _field(VALIDITY, tlv(SEQUENCE, _YEAR_0, _END)),
    "valid in the year 0000": _field(VALIDITY, tlv(SEQUENCE, _YEAR_0, _YEAR_0)),
    "valid until 9999": _field(
        VALIDITY, tlv(SEQUENCE, _START, tlv(GENERALIZED, b"99991231235959Z"))
    ),
    "extensions without a version": _field(VERSION, b""),
    "another algorithm within": _field(ALGORITHM, tlv(SEQUENCE, oid("1.2.840.10045.4.3.3"))),
    "negative serial number": _field(SERIAL, tlv(INTEGER, b"\xff")),
    "serial number 0": _field(SERIAL, tlv(INTEGER, b"\0")),
    "an extension twice": _twice(1),
    "an unknown extension twice": _unknown_twice,
    "subject in T.61": _field(SUBJECT, name(b"\xff\xfe", 0x14)),
    "subject in 8-bit IA5": _field(SUBJECT, name(b"\xff\xfe", IA5)),
    "subject of another type": _field(SUBJECT, name(b"visible", 0x1A)),
    "subject with an empty part": _field(SUBJECT, tlv(SEQUENCE, tlv(0x31))),
    "subject of 300 characters": _field(SUBJECT, name(b"x" * 300)),
    "subject in broken UTF-8": _field(SUBJECT, name(b"\xff\xfe")),
}


_NOT_SERVED = ("subject of another type", "subject in broken UTF-8")
"""Fields that the tests' server, which is OpenSSL, does not read itself."""


@cache
def encodings(usage: x509.ObjectIdentifier) -> tuple[Odd, ...]:
    """Every kind in every place."""
    return tuple(_encodings(usage))


def _encodings(usage: x509.ObjectIdentifier) -> Iterator[Odd]:
    for kind, odd in ODD_EXTENSIONS.items():
        above = {word: value for word, value in odd.items() if word not in {"sans", "usages"}}
        yield Tower(usage).odd(f"{kind} on the leaf", leaf=odd)
        yield Tower(usage, 1).odd(f"{kind} on an intermediate", middle=above)
        yield Tower(usage).odd(f"{kind} on the root", root=above)
        pinned = Tower(usage).leaf(Tower(usage).root(), **odd)
        yield served(f"{kind} on a pinned leaf", pinned, pinned.pem)
    for kind, edit in ODD_FIELDS.items():
        if usage == SERVER and kind in _NOT_SERVED:
            continue
        yield from _fields(usage, kind, edit)


def _fields(
    usage: x509.ObjectIdentifier, kind: str, edit: Callable[[list[bytes]], None]
) -> Iterator[Odd]:
    make = Tower(usage, 1)
    root = make.root()
    leaf = resigned(make.leaf(root), root, edit)
    yield served(f"{kind} on the leaf", leaf, root.pem)
    yield served(f"{kind} on a pinned leaf", leaf, leaf.pem)
    plain = make.middle(root)
    middle = resigned(plain, root, edit)
    yield served(
        f"{kind} on an intermediate",
        _issued_by(middle, make.leaf(plain)),
        root.pem,
        rest=[middle.certificate],
    )

    def edit_both_names(fields: list[bytes]) -> None:
        edit(fields)
        fields[ISSUER] = fields[SUBJECT]

    odd_root = resigned(root, root, edit_both_names)
    yield served(f"{kind} on the root", _issued_by(odd_root, make.leaf(root)), odd_root.pem)


def _issued_by(issuer: Minted, leaf: Minted) -> Minted:
    """The leaf with the subject of the issuer, byte by byte, as its issuer."""
    subject, _, _ = elements(content(elements(content(issuer.der))[0]))[-3:]
    return resigned(leaf, issuer, _field(ISSUER, subject))
