"""Recognises what a file without a PEM block is, so that the right conversion can be named."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from .panics import panics_as_errors
from .shapes import decode_material, looks_like_path


class Kind(str, Enum):
    """What the bytes are; the value names it in a message."""

    CERTIFICATE = "a certificate in DER, not PEM"
    KEY = "a private key in DER, not PEM"
    PKCS12 = "a PKCS#12 store (.p12, .pfx)"
    PKCS7 = "a PKCS#7 bundle (.p7b) in DER"
    CSR = "a certificate request in DER"
    CRL = "a certificate revocation list in DER"
    PUBLIC_KEY = "a public key in DER"
    JKS = "a Java key store (.jks)"
    UTF16 = "text in UTF-16"
    PUTTY = "a PuTTY key (.ppk)"
    SSH = "an OpenSSH public key"
    HTML = "a web page"
    BASE64 = "PEM encoded as base64"
    BASE64_TWICE = "PEM encoded as base64 more than once"
    BODY = "base64 without the BEGIN and END lines"
    DATA_URI = "a data: URI"
    PATH = "the path of a file"
    TEXT = "text without a PEM block"
    BINARY = "binary data of an unknown kind"


def recognise(data: bytes) -> Kind:
    """Tell what non-PEM bytes are; never fails."""
    for start, kind in _MAGIC.items():
        if data.startswith(start):
            return kind
    if data.startswith(b"\x30"):
        return next((kind for kind, is_it in _DER if is_it(data)), Kind.BINARY)
    if data.lstrip()[:64].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return Kind.HTML
    text = not any(byte < 9 or 13 < byte < 32 for byte in data[:512])
    return _recognise_text(data.decode("utf-8", "replace")) if text else Kind.BINARY


def _recognise_text(text: str) -> Kind:
    if text.lstrip().lower().startswith("data:"):
        return Kind.DATA_URI
    if looks_like_path(text):
        return Kind.PATH
    encoded = decode_material(text)
    if encoded is None:
        return Kind.TEXT
    data, times = encoded
    if data.startswith(b"\x30"):
        return Kind.BODY if times == 1 else Kind.BASE64_TWICE
    return Kind.BASE64 if times == 1 else Kind.BASE64_TWICE


_MAGIC = {
    b"\xfe\xed\xfe\xed": Kind.JKS,
    b"\xce\xce\xce\xce": Kind.JKS,
    b"\xff\xfe": Kind.UTF16,
    b"\xfe\xff": Kind.UTF16,
    b"-\0-\0": Kind.UTF16,
    b"\0-\0-": Kind.UTF16,
    b"PuTTY-User-Key-File": Kind.PUTTY,
    b"ssh-": Kind.SSH,
    b"ecdsa-sha2-": Kind.SSH,
}


def _loads(load: Callable[..., object], *rest: object) -> Callable[[bytes], bool]:
    def is_it(data: bytes) -> bool:
        try:
            with panics_as_errors():
                load(data, *rest)
        except TypeError:  # encrypted, and no password was given
            return True
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
            return False
        return True

    return is_it


def _load_pkcs7(data: bytes) -> object:
    from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415 - loads email

    return pkcs7.load_der_pkcs7_certificates(data)


def _is_pkcs12(data: bytes) -> bool:
    try:
        with panics_as_errors():
            pkcs12.load_pkcs12(data, None)
    except ValueError as error:
        return "password" in str(error).lower()
    except UnsupportedAlgorithm:
        return True
    return True


_DER = (
    (Kind.CERTIFICATE, _loads(x509.load_der_x509_certificate)),
    (Kind.KEY, _loads(serialization.load_der_private_key, None)),
    (Kind.PKCS12, _is_pkcs12),
    (Kind.CSR, _loads(x509.load_der_x509_csr)),
    (Kind.CRL, _loads(x509.load_der_x509_crl)),
    (Kind.PUBLIC_KEY, _loads(serialization.load_der_public_key)),
    (Kind.PKCS7, _loads(_load_pkcs7)),
)
