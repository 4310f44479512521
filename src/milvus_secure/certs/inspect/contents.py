"""Reads certificates, keys and requests out of PEM, DER and PKCS#12 files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ...errors import CertificateError
from ...pem.blocks import Armor, read_armor
from ...pem.certificate import NAME_ERRORS
from ...pem.files import read_path
from ...pem.formats import Kind, recognise
from ...pem.panics import panics_as_errors

AskPassword = Callable[[str], str]
"""Returns a password; the argument says what it opens."""


@dataclass
class Contents:
    """The contents of a file.

    Attributes:
        path: The file, or the URI of a server.
        form: ``PEM``, ``DER``, ``PKCS#12``, ``PKCS#7`` or, by a server, ``presented``.
        certificates: In the file's order.
        keys: Private keys.
        requests: Certificate signing requests.
        notes: Blocks that could not be read, and why.
    """

    path: Path | str
    form: str
    certificates: list[x509.Certificate] = field(default_factory=list)
    keys: list[PrivateKeyTypes] = field(default_factory=list, repr=False)
    requests: list[x509.CertificateSigningRequest] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_contents(path: Path, ask: AskPassword) -> Contents:
    """Read a file.

    Args:
        path: PEM, DER, PKCS#12 or PKCS#7.
        ask: Called for the password of an encrypted key or store.

    Raises:
        CertificateError: If it cannot be read, is none of these, or the password is wrong.
    """
    reading = read_path(os.fspath(path))
    if reading.fault is not None:
        hint = f"Did you mean {reading.fault.hint}?" if reading.fault.hint else "Name a file."
        raise CertificateError(
            f"{path} cannot be read: {reading.fault.detail or reading.fault.code}.", hint
        )
    if not reading.data.strip():
        raise CertificateError(f"{path} is empty.", "Restore it from a backup, or make a new set.")
    armors = list(read_armor(reading.data))
    if armors:
        contents = Contents(path, "PEM")
        for armor in armors:
            _add_block(contents, armor, ask)
        return contents
    return _binary(path, reading.data, ask)


def _add_block(contents: Contents, armor: Armor, ask: AskPassword) -> None:
    where = f"line {armor.line}, {armor.label}"
    if armor.error:
        contents.notes.append(f"{where}: {armor.error}")
        return
    try:
        if armor.label.endswith("CERTIFICATE REQUEST"):
            contents.requests.append(_request(armor.der))
        elif armor.label.endswith("CERTIFICATE"):
            contents.certificates.append(x509.load_der_x509_certificate(armor.der))
        elif armor.label == "PKCS7":
            contents.certificates += pkcs7.load_der_pkcs7_certificates(armor.der)
        elif armor.label.endswith("PRIVATE KEY"):
            load = serialization.load_pem_private_key
            contents.keys.append(_key(contents.path, lambda word: load(armor.text, word), ask))
        else:
            contents.notes.append(f"{where}: not shown")
    except (*NAME_ERRORS, UnsupportedAlgorithm, x509.InvalidVersion):
        contents.notes.append(f"{where}: its contents cannot be read")


def _request(der: bytes) -> x509.CertificateSigningRequest:
    """Load a request completely: cryptography parses names and key only when they are read."""
    request = x509.load_der_x509_csr(der)
    _ = request.subject, request.public_key(), request.is_signature_valid
    return request


def _binary(path: Path, data: bytes, ask: AskPassword) -> Contents:
    kind = recognise(data)
    if kind is Kind.CERTIFICATE:
        return Contents(path, "DER", certificates=[x509.load_der_x509_certificate(data)])
    if kind is Kind.CSR:
        try:
            return Contents(path, "DER", requests=[_request(data)])
        except (*NAME_ERRORS, UnsupportedAlgorithm):
            raise CertificateError(
                f"{path} is a damaged certificate request.", "Make the request again."
            ) from None
    if kind is Kind.PKCS7:
        return Contents(path, "PKCS#7", certificates=pkcs7.load_der_pkcs7_certificates(data))
    if kind is Kind.KEY:
        load = serialization.load_der_private_key
        return Contents(path, "DER", keys=[_key(path, lambda word: load(data, word), ask)])
    if kind is Kind.PKCS12:
        return _store(path, data, ask)
    raise CertificateError(
        f"{path} is {kind.value}; it contains no certificate, key or request.", "Name another file."
    )


def _store(path: Path, data: bytes, ask: AskPassword) -> Contents:
    try:
        with panics_as_errors():
            try:
                store = pkcs12.load_pkcs12(data, None)
            except ValueError:
                store = pkcs12.load_pkcs12(data, ask(f"Password of {path}").encode())
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(
            f"{path} cannot be decrypted with this password.", "Use another password."
        ) from None
    first = [store.cert] if store.cert else []
    return Contents(
        path,
        "PKCS#12",
        [item.certificate for item in [*first, *store.additional_certs]],
        [store.key] if store.key else [],
    )


def _key(
    path: Path | str, load: Callable[[bytes | None], PrivateKeyTypes], ask: AskPassword
) -> PrivateKeyTypes:
    try:
        return load(None)
    except TypeError:  # encrypted
        pass
    try:
        with panics_as_errors():
            return load(ask(f"Password of {path}").encode())
    except (ValueError, TypeError):
        raise CertificateError(
            f"{path} cannot be decrypted with this password.", "Use another password."
        ) from None
