"""What a certificate says, read so that an odd one never raises."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import SignatureAlgorithmOID

from .._common.text import lower_ascii, printable
from .known_keys import fingerprint
from .lenient import ALTERNATIVES, EXTENSION_ERRORS, extensions, serial_number
from .panics import quietly

NAME_ERRORS = (ValueError, TypeError, KeyError)
"""What cryptography raises for a name it cannot read; TypeError for a bit string in it, KeyError
for a type of string it does not know (before 50)."""

_LONGEST_NAME = 400  # characters; a peer may send a name of many kilobytes
_BLANKS = re.compile(r"[ \t\n\v\f\r]+")
_Extended = x509.Certificate | x509.CertificateSigningRequest
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def extension(certificate: _Extended, kind: type[_Extension]) -> _Extension | None:
    """The value of an extension, or None if it is absent or cannot be read.

    Of a certificate, each extension is read for itself and as laxly as BoringSSL reads it; see
    `lenient`.
    """
    if isinstance(certificate, x509.Certificate):
        return next((e.value for e in extensions(certificate) if isinstance(e.value, kind)), None)
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, *EXTENSION_ERRORS):
        return None


def validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """The first and the last moment of a certificate.

    The year 0000, which Python has no date for, is before any other; gRPC and Go accept it.
    """
    try:
        start = certificate.not_valid_before_utc
    except ValueError:
        start = _BEFORE_ANY_OTHER
    try:
        return start, certificate.not_valid_after_utc
    except ValueError:
        return start, _BEFORE_ANY_OTHER


_BEFORE_ANY_OTHER = datetime.min.replace(tzinfo=timezone.utc)


def has_readable_names(certificate: x509.Certificate) -> bool:
    """False if the subject or the issuer holds what cryptography cannot read as text."""
    return None not in _names(certificate)


@lru_cache(maxsize=1024)
def _names(certificate: x509.Certificate) -> tuple[x509.Name | None, x509.Name | None]:
    """Subject and issuer; None for one that cannot be read."""

    def read(name: Callable[[], x509.Name]) -> x509.Name | None:
        try:
            with quietly():
                return name()
        except NAME_ERRORS:
            return None

    return read(lambda: certificate.subject), read(lambda: certificate.issuer)


def has_unread_names(certificate: x509.Certificate) -> bool:
    """True if there is a subjectAltName, and only the peer itself may be able to read it."""
    return any(item.oid == ALTERNATIVES and item.value is None for item in extensions(certificate))


def public_key(certificate: x509.Certificate) -> CertificatePublicKeyTypes | None:
    """The key certified, or None if its type or curve cannot be read."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def name_text(name: x509.Name) -> str:
    """A name on one line, most specific part first (RFC 4514), as any terminal takes it."""
    text = printable(name.rfc4514_string()) or "(no name)"
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}..."


def subject_text(certificate: x509.Certificate) -> str:
    """The subject on one line, also when it cannot be read."""
    return _text_of(_names(certificate)[0])


def issuer_text(certificate: x509.Certificate) -> str:
    """The issuer on one line, also when it cannot be read."""
    return _text_of(_names(certificate)[1])


def _text_of(name: x509.Name | None) -> str:
    return "(unreadable name)" if name is None else name_text(name)


def subject_of(certificate: x509.Certificate) -> x509.Name:
    """The subject; empty when it cannot be read, see `has_readable_names`."""
    return _EMPTY if (name := _names(certificate)[0]) is None else name


def issuer_of(certificate: x509.Certificate) -> x509.Name:
    """The issuer's name; empty when it cannot be read."""
    return _EMPTY if (name := _names(certificate)[1]) is None else name


_EMPTY = x509.Name([])


@lru_cache(maxsize=512)
def canonical(name: x509.Name) -> tuple[frozenset[tuple[str, str]], ...]:
    """What BoringSSL compares of a name (``x_name.cc``): ASCII alone is folded and trimmed."""
    return tuple(
        frozenset((part.oid.dotted_string, _folded(part.value)) for part in level)
        for level in name.rdns
    )


def _folded(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return _BLANKS.sub(" ", lower_ascii(value)).strip(" ")


def same_name(item: x509.Name, other: x509.Name) -> bool:
    """Whether two names match, ASCII case and runs of blanks aside (RFC 5280, 7.1)."""
    return item == other or canonical(item) == canonical(other)


def key_id(certificate: x509.Certificate) -> bytes | None:
    """The subject key identifier, if it is there."""
    identifier = extension(certificate, x509.SubjectKeyIdentifier)
    return identifier.digest if identifier else None


def authority_key(certificate: x509.Certificate) -> bytes | None:
    """The key identifier of the issuer, if it is there."""
    identifier = extension(certificate, x509.AuthorityKeyIdentifier)
    return identifier.key_identifier if identifier else None


def may_sign(certificate: x509.Certificate) -> bool:
    """False if a keyUsage extension leaves out keyCertSign (RFC 5280, 4.2.1.3)."""
    usage = extension(certificate, x509.KeyUsage)
    return usage is None or usage.key_cert_sign


def may_issue(certificate: x509.Certificate) -> bool:
    """True if a certificate says it is a CA (RFC 5280, 4.2.1.9 and 4.2.1.3)."""
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    return bool((basic and basic.ca) or (usage and usage.key_cert_sign))


@lru_cache(maxsize=512)
def key_hash(certificate: x509.Certificate) -> str:
    """The SHA-256 of the key certified (DER SubjectPublicKeyInfo), in hex."""
    key = public_key(certificate)
    return (fingerprint(key) if key else None) or "unreadable"


def has_huge_exponent(certificate: x509.Certificate) -> bool:
    """True for an RSA key whose public exponent no peer accepts.

    To verify with such a key takes up to a thousand times as long as with others: a hostile chain
    of them would take a second. BoringSSL allows 33 bits (``rsa_check_public_key``), Go 31.
    """
    key = public_key(certificate)
    return isinstance(key, rsa.RSAPublicKey) and key.public_numbers().e.bit_length() > 33


@lru_cache(maxsize=512)
def issued(issuer: x509.Certificate, child: x509.Certificate) -> bool:
    """True if the issuer's key, under the issuer's name, signed the child."""
    if has_huge_exponent(issuer):
        return False
    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        return False
    return True


@lru_cache(maxsize=512)
def signature_is_wrong(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True if the issuer's key certainly did not sign the child.

    Names that differ in case only, and keys and hashes this library cannot use, say nothing; a
    signature by a key of another type does.
    """
    if has_huge_exponent(issuer):
        return False
    try:
        child.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return True
    except (TypeError, ValueError, UnsupportedAlgorithm):
        signer, key = _SIGNERS.get(child.signature_algorithm_oid), public_key(issuer)
        return signer is not None and key is not None and not isinstance(key, signer)
    return False


_SIGNERS = {
    getattr(SignatureAlgorithmOID, name): signer
    for prefix, signer in (
        ("RSA", rsa.RSAPublicKey),
        ("ECDSA", ec.EllipticCurvePublicKey),
        ("DSA", dsa.DSAPublicKey),
        ("ED25519", ed25519.Ed25519PublicKey),
        ("ED448", ed448.Ed448PublicKey),
    )
    for name in vars(SignatureAlgorithmOID)
    if name.startswith(prefix)
}
"""The type of key that makes a signature, by the signature's algorithm."""


def key_identifier_matches(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """False if the child's authority key identifier rules the issuer out (RFC 5280, 4.2.1.1).

    ``X509_check_akid`` in BoringSSL's ``v3_purp.cc``, which reads the first directory name only.
    """
    authority = extension(child, x509.AuthorityKeyIdentifier)
    if authority is None:
        return True
    identifier = key_id(issuer)
    if (
        authority.key_identifier is not None
        and identifier is not None
        and authority.key_identifier != identifier
    ):
        return False
    serial = authority.authority_cert_serial_number
    if serial is not None and serial != serial_number(issuer):
        return False
    names = [
        n.value for n in authority.authority_cert_issuer or () if isinstance(n, x509.DirectoryName)
    ]
    return not names or same_name(names[0], issuer_of(issuer))


def self_issued(certificate: x509.Certificate) -> bool:
    """True if BoringSSL considers it self-signed: by name, key identifier and key usage.

    EXFLAG_SS in ``crypto/x509/v3_purp.cc``; the signature is not looked at.
    """
    named = same_name(subject_of(certificate), issuer_of(certificate))
    return named and key_identifier_matches(certificate, certificate) and may_sign(certificate)
