"""Extensions as BoringSSL reads them, where cryptography refuses to.

cryptography reads all extensions of a certificate or none, each as strictly as RFC 5280 has it.
BoringSSL reads few (``x509v3_cache_extensions`` in ``crypto/x509/v3_purp.cc``) and is laxer about
some of these; Go has its own laxness. What real certificates show is read here: cA FALSE spelled
out, Latin-1 in a URL, an authority key identifier with an issuer and no serial number, names of
the types x400Address and ediPartyName, policy qualifiers of a private type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from . import der
from .panics import quietly

BASIC, KEY_USAGE, EXTENDED_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_KEY, AUTHORITY_KEY, ALTERNATIVES = "2.5.29.14", "2.5.29.35", "2.5.29.17"
CONSTRAINTS, CRL_POINTS = "2.5.29.30", "2.5.29.31"
POLICIES, MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY = (
    f"2.5.29.{number}" for number in (32, 33, 36, 54)
)
AUTHORITY_INFORMATION = "1.3.6.1.5.5.7.1.1"

_NAMES = {
    BASIC: "basicConstraints",
    KEY_USAGE: "keyUsage",
    EXTENDED_USAGE: "extendedKeyUsage",
    SUBJECT_KEY: "subjectKeyIdentifier",
    AUTHORITY_KEY: "authorityKeyIdentifier",
    ALTERNATIVES: "subjectAltName",
    CONSTRAINTS: "nameConstraints",
    CRL_POINTS: "cRLDistributionPoints",
    POLICIES: "certificatePolicies",
    AUTHORITY_INFORMATION: "authorityInfoAccess",
}

EXTENSION_ERRORS = (
    ValueError,
    TypeError,
    KeyError,  # a TLS feature (RFC 7633) that cryptography does not know
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

# Tags of GeneralName (RFC 5280, 4.2.1.6) and of the strings in it.
_EMAIL, _DNS, _URI, _ADDRESS = 0x81, 0x82, 0x86, 0x87
_X400, _EDI_PARTY = 0xA3, 0xA5
_ASCII_ONLY = (_EMAIL, _DNS, _URI, 0x16)
_KNOWN_QUALIFIERS = ("1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2")


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension of a certificate.

    Attributes:
        oid: Its type, such as ``2.5.29.17``.
        critical: Whether a reader that does not know it has to refuse the certificate.
        value: What it says; None if neither cryptography nor this module can read it.
        repaired: True if it was read after what cryptography refuses had been taken out.
    """

    oid: str
    critical: bool
    value: x509.ExtensionType | None
    repaired: bool = False


@lru_cache(maxsize=1024)
def serial_number(certificate: x509.Certificate) -> int:
    """The serial number, also one that cryptography warns of: 0 or negative."""
    with quietly():
        return certificate.serial_number


def extension_name(oid: str) -> str:
    """The name of an extension, as openssl.cnf spells it; its number where it has none here."""
    return _NAMES.get(oid, oid)


@lru_cache(maxsize=1024)
def extensions(certificate: x509.Certificate) -> tuple[Extension, ...]:
    """Every extension of a certificate, in its order; those of one type are all there."""
    try:
        with quietly():
            return tuple(
                Extension(extension.oid.dotted_string, extension.critical, extension.value)
                for extension in certificate.extensions
            )
    except EXTENSION_ERRORS:
        return tuple(_one_by_one(certificate))


def _one_by_one(certificate: x509.Certificate) -> list[Extension]:
    read = []
    for body in _extension_bodies(certificate):
        parts = list(der.elements(body))
        identifier, value = parts[0][1], parts[-1][1]
        oid, critical = der.dotted(identifier), len(parts) == 3 and parts[1][1] != b"\0"
        lone = _Lone(identifier)
        try:
            read.append(Extension(oid, critical, lone.read(value)))
        except EXTENSION_ERRORS:
            read.append(Extension(oid, critical, _repaired(oid, value, lone), repaired=True))
    return read


def _extension_bodies(certificate: x509.Certificate) -> Iterator[bytes]:
    to_be_signed = der.content(certificate.tbs_certificate_bytes, der.SEQUENCE)
    for tag, body in der.elements(to_be_signed):
        if tag == _EXTENSIONS:
            yield from (element for _, element in der.elements(der.content(body, der.SEQUENCE)))


@dataclass(frozen=True, slots=True)
class _Lone:
    """A certificate with a single extension, which cryptography then reads for itself.

    Attributes:
        identifier: The type of the extension, as it is encoded.
    """

    identifier: bytes

    def read(self, value: bytes) -> x509.ExtensionType:
        extension = der.element(
            der.SEQUENCE,
            der.element(der.OBJECT_IDENTIFIER, self.identifier),
            der.element(der.OCTET_STRING, value),
        )
        listed = der.element(_EXTENSIONS, der.element(der.SEQUENCE, extension))
        to_be_signed = der.element(der.SEQUENCE, _BARE_FIELDS, listed)
        signature = der.element(der.BIT_STRING, b"\0")
        certificate = der.element(der.SEQUENCE, to_be_signed, _ED25519, signature)
        with quietly():
            [read] = x509.load_der_x509_certificate(certificate).extensions
            alone: x509.ExtensionType = read.value
        return alone


# The other fields of a certificate (RFC 5280, 4.1) at their smallest.
_EXTENSIONS = 0xA3
_ED25519 = der.element(der.SEQUENCE, der.element(der.OBJECT_IDENTIFIER, b"\x2b\x65\x70"))
_BARE_FIELDS = b"".join(
    (
        der.element(0xA0, der.element(der.INTEGER, b"\2")),  # version 3
        der.element(der.INTEGER, b"\1"),
        _ED25519,
        der.element(der.SEQUENCE),
        der.element(der.SEQUENCE, *[der.element(der.UTC_TIME, b"250101000000Z")] * 2),
        der.element(der.SEQUENCE),
        der.element(der.SEQUENCE, _ED25519, der.element(der.BIT_STRING, bytes(33))),
    )
)


def _repaired(oid: str, value: bytes, lone: _Lone) -> x509.ExtensionType | None:
    try:
        return _READERS.get(oid, _without_odd_names)(value, lone)
    except EXTENSION_ERRORS:
        return None


def _basic_constraints(value: bytes, _: _Lone) -> x509.BasicConstraints:
    """A default that is spelled out, and a TRUE of another value than 255."""
    parts = dict(der.elements(der.content(value, der.SEQUENCE)))
    authority = parts.pop(der.BOOLEAN, b"\0") != b"\0"
    length = parts.pop(der.INTEGER, None)
    if parts or (length is not None and not _is_natural(length)):
        raise ValueError("basicConstraints that no peer reads")
    return x509.BasicConstraints(
        authority, None if length is None else int.from_bytes(length, "big")
    )


def _is_natural(octets: bytes) -> bool:
    """Whether an INTEGER is not negative, and written with no octet too many."""
    padded = len(octets) > 1 and octets[0] == 0 and octets[1] < 128
    return bool(octets) and octets[0] < 128 and not padded


def _no_usages(value: bytes, _: _Lone) -> x509.ExtendedKeyUsage:
    """An empty list, which allows nothing to BoringSSL and everything to Go."""
    if der.content(value, der.SEQUENCE):
        raise ValueError("extendedKeyUsage that no peer reads")
    return x509.ExtendedKeyUsage([])


def _without_odd_names(value: bytes, lone: _Lone) -> x509.ExtensionType:
    return lone.read(_plain(value))


def _plain(value: bytes) -> bytes:
    """Without names of the two types cryptography does not read, and in ASCII alone."""
    repaired = []
    for tag, body in der.elements(value):
        if tag in _ASCII_ONLY:
            repaired.append(der.element(tag, bytes(o if o < 128 else 0x3F for o in body)))
        elif tag not in {_X400, _EDI_PARTY}:
            repaired.append(der.element(tag, _plain(body) if tag & 0x20 else body))
    return b"".join(repaired)


class _WithoutSerial(x509.AuthorityKeyIdentifier):
    """An issuer's name alone, which cryptography does not accept."""

    @property
    def authority_cert_serial_number(self) -> None:
        return None


class _WithoutIssuer(x509.AuthorityKeyIdentifier):
    """An issuer's serial number alone."""

    @property
    def authority_cert_issuer(self) -> None:
        return None


def _authority_key(value: bytes, lone: _Lone) -> x509.ExtensionType:
    """Half of an issuer's identity: BoringSSL compares what is there (``X509_check_akid``)."""
    parts = dict(der.elements(der.content(_plain(value), der.SEQUENCE)))
    kind = _WithoutIssuer if 0xA1 not in parts else _WithoutSerial if 0x82 not in parts else None
    stand_in = {0xA1: der.element(_DNS, b"x"), 0x82: b"\0"} if kind else {}
    ordered = sorted((stand_in | parts).items(), key=lambda part: part[0] & 31)
    read = lone.read(der.element(der.SEQUENCE, *(der.element(*part) for part in ordered)))
    if kind is None or not isinstance(read, x509.AuthorityKeyIdentifier):
        return read
    return kind(read.key_identifier, read.authority_cert_issuer, read.authority_cert_serial_number)


def _alternatives(value: bytes, lone: _Lone) -> x509.ExtensionType:
    """An address of a length that is none becomes one of 8 bytes, which no peer takes either."""
    names = [
        der.element(tag, bytes(8) if tag == _ADDRESS and len(body) not in {4, 16} else body)
        for tag, body in der.elements(der.content(_plain(value), der.SEQUENCE))
    ]
    return lone.read(der.element(der.SEQUENCE, *names))


def _constraints(value: bytes, lone: _Lone) -> x509.ExtensionType:
    """A network that is none becomes one that holds every address."""
    sides = []
    for side, trees in der.elements(der.content(_plain(value), der.SEQUENCE)):
        kept = []
        for tag, tree in der.elements(trees):
            (kind, base), *bounds = der.elements(tree)
            network = bytes(8) if kind == _ADDRESS and not _is_network(base) else base
            rest = (der.element(*bound) for bound in bounds)
            kept.append(der.element(tag, der.element(kind, network), *rest))
        sides.append(der.element(side, *kept))
    return lone.read(der.element(der.SEQUENCE, *sides))


def _is_network(octets: bytes) -> bool:
    half = len(octets) // 2
    mask = int.from_bytes(octets[half:], "big")
    length = mask.bit_count()
    if len(octets) not in {8, 32} or mask != ((1 << length) - 1) << (half * 8 - length):
        return False
    return int.from_bytes(octets[:half], "big") & ~mask == 0


def _policies(value: bytes, lone: _Lone) -> x509.ExtensionType:
    """Without qualifiers of another type than the two of RFC 5280 (4.2.1.4)."""
    policies = []
    for tag, body in der.elements(der.content(_plain(value), der.SEQUENCE)):
        (identifier, policy), *qualified = der.elements(body)
        known = [
            der.element(kind, qualifier)
            for _, qualifiers in qualified
            for kind, qualifier in der.elements(qualifiers)
            if der.dotted(next(der.elements(qualifier), (0, b""))[1]) in _KNOWN_QUALIFIERS
        ]
        kept = [der.element(der.SEQUENCE, *known)] if known else []
        policies.append(der.element(tag, der.element(identifier, policy), *kept))
    return lone.read(der.element(der.SEQUENCE, *policies))


_READERS: dict[str, Callable[[bytes, _Lone], x509.ExtensionType]] = {
    BASIC: _basic_constraints,
    EXTENDED_USAGE: _no_usages,
    AUTHORITY_KEY: _authority_key,
    ALTERNATIVES: _alternatives,
    CONSTRAINTS: _constraints,
    POLICIES: _policies,
}
