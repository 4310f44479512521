"""DER by hand: certificates that no library writes.

`resigned` edits the bytes of a minted certificate's to-be-signed part and has its issuer sign them
again, so that only the oddity itself can be the reason for a verdict.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from minting import Minted

SEQUENCE, SET, OID, BOOLEAN, INTEGER, OCTETS, BITS = 0x30, 0x31, 0x06, 0x01, 0x02, 0x04, 0x03
UTF8, PRINTABLE, IA5, UTC, GENERALIZED = 0x0C, 0x13, 0x16, 0x17, 0x18


def tlv(tag: int, *content: bytes) -> bytes:
    """One element: its tag, the length in the shortest form, the content."""
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def elements(der: bytes) -> list[bytes]:
    """The consecutive elements, each with its tag and length."""
    values = []
    while der:
        start, size = 2, der[1]
        if size > 127:
            start += size & 127
            size = int.from_bytes(der[2:start], "big")
        values.append(der[: start + size])
        der = der[start + size :]
    return values


def content(der: bytes) -> bytes:
    """The content of an element."""
    return der[2 + (der[1] & 127 if der[1] > 127 else 0) :]


def oid(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for number in (first * 40 + second, *rest):
        septets = [number & 127]
        while number := number >> 7:
            septets.insert(0, 128 | number & 127)
        octets += bytes(septets)
    return tlv(OID, bytes(octets))


def name(text: bytes, tag: int = UTF8) -> bytes:
    """A distinguished name with only a CN, in any string type and any bytes."""
    return tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid("2.5.4.3"), tlv(tag, text))))


def raw(dotted: str, value: bytes, critical: bool = False) -> tuple[x509.ExtensionType, bool]:
    """An extension of these very bytes, as `minting.mint` takes it in ``extra``."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(dotted), value), critical


# Fields of TBSCertificate (RFC 5280, 4.1), which all start with a version here.
VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY, EXTENSIONS = range(8)


def resigned_der(minted: Minted, issuer: Minted, edit: Callable[[list[bytes]], None]) -> bytes:
    """A certificate whose fields were edited, signed by the issuer's P-256 key.

    Args:
        minted: The certificate to start from.
        issuer: Whose key signs.
        edit: Changes the list of the fields in place; each is a whole element.
    """
    to_be_signed, algorithm, _ = elements(content(minted.der))
    fields = elements(content(to_be_signed))
    edit(fields)
    edited = tlv(SEQUENCE, *fields)
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    signature = issuer.key.sign(edited, ec.ECDSA(hashes.SHA256()))
    return tlv(SEQUENCE, edited, algorithm, tlv(BITS, b"\0", signature))


def resigned(minted: Minted, issuer: Minted, edit: Callable[[list[bytes]], None]) -> Minted:
    """The same, as cryptography loads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography warns about what it loads
        certificate = x509.load_der_x509_certificate(resigned_der(minted, issuer, edit))
    return Minted(certificate, minted.key, minted.above)


def pem(der: bytes) -> bytes:
    """A certificate's PEM block, whether or not a library reads it."""
    body = base64.encodebytes(der).replace(b"\n", b"")
    rows = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN CERTIFICATE-----", *rows, b"-----END CERTIFICATE-----", b""])


def rewrapped(block: bytes, width: int) -> bytes:
    """A PEM block with lines of another length."""
    begin, *body, end = block.decode().strip().split("\n")
    packed = "".join(body)
    rows = [packed[at : at + width] for at in range(0, len(packed), width)]
    return "\n".join([begin, *rows, end, ""]).encode()
