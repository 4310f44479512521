"""Requests: made for a company's CA, and signed by the CA of a set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ..errors import CertificateError
from ..pem.certificate import NAME_ERRORS, extension, name_text
from ..pem.files import read_path
from .inspect.inventory import Inventory
from .issuing.issue import Role, issue, pem, request
from .issuing.keys import DEFAULT_KEY_TYPE, generate, key_pem, type_of, usable
from .issuing.plan import LEAF_DAYS, common_name
from .issuing.subject import Subject
from .issuing.subject_alt_names import identifiers
from .messages import certs
from .storage.change import Change
from .storage.store import exclusive, write_change


def make_request(
    role: Role,
    names: Sequence[str] = (),
    ips: Sequence[str] = (),
    key_type: str = DEFAULT_KEY_TYPE,
    subject: Subject | None = None,
) -> dict[str, bytes]:
    """A key and a request for another CA to sign.

    Args:
        role: A server, or a client.
        names: Host names a server is reached by.
        ips: Its IP addresses.
        key_type: One of `keys.KEY_TYPES`.
        subject: The name; the common name is added when it has none.

    Returns:
        ``server.key`` and ``server.csr``, or the client's.

    Raises:
        CertificateError: If a server has no name.
    """
    wanted, subject = identifiers(names, ips), subject or Subject()
    if role is Role.SERVER and not wanted.texts:
        raise CertificateError("The server has no name.", "give --name, --ip or both.")
    if subject.common_name is None:
        called = common_name(wanted) if role is Role.SERVER else role.value
        subject = subject.named(called)
    key = generate(key_type)
    made = request(subject.x509_name(), key, wanted.extension())
    encoded = made.public_bytes(serialization.Encoding.PEM)
    return {f"{role.value}.key": key_pem(key), f"{role.value}.csr": encoded}


def write_request(directory: Path, files: Mapping[str, bytes], *, overwrite: bool = False) -> None:
    """Put a key and its request into a directory.

    Raises:
        CertificateError: If one of them is there and ``overwrite`` is false.
    """
    with exclusive(directory, create=True) as expected:
        there = [name for name in files if os.path.lexists(directory / name)]
        if there and not overwrite:
            raise CertificateError(
                f"{directory} holds {', '.join(there)} already.",
                "name another directory, or add --force.",
            )
        write_change(directory, Change(files), expected)


def sign_request(
    held: Inventory,
    path: Path,
    role: Role,
    names: Sequence[str] = (),
    ips: Sequence[str] = (),
    days: int = LEAF_DAYS,
) -> bytes:
    """Sign a request with the CA of a set.

    Only the key, the subject and the names are taken from it; what the certificate may do
    follows from the role.

    Args:
        held: The set.
        path: The request, PEM or DER.
        role: A server, or a client.
        names: Names to present instead of those in the request.
        ips: Addresses likewise.
        days: Validity.

    Returns:
        The chain as PEM, leaf first.

    Raises:
        CertificateError: If it is no sound request, or gRPC refuses its key.
    """
    asked = load_request(path)
    key = asked.public_key()
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)) or not usable(key):
        raise CertificateError(
            f"{path} asks for a key of type {type_of(key)}, which gRPC refuses or is too weak.",
            "make the request with a P-256 key.",
        )
    presented = identifiers(names, ips).extension() or extension(asked, x509.SubjectAlternativeName)
    if role is Role.SERVER and presented is None:
        raise CertificateError(
            f"{path} names no host, and a server certificate without one is refused.",
            "say which with --name and --ip.",
        )
    if not list(asked.subject):
        raise CertificateError(
            f"{path} has an empty subject.", "make the request with a common name."
        )
    signed = issue(role, asked.subject, key, held.authority, days, presented)
    return b"".join(map(pem, (signed, *held.authority.chain)))


def load_request(path: Path) -> x509.CertificateSigningRequest:
    """Read a request whose signature holds.

    Raises:
        CertificateError: If the file holds none.
    """
    got = read_path(os.fspath(path))
    if got.fault is not None:
        raise CertificateError(
            f"{path} cannot be read: {got.fault.detail or got.fault.code}.", "name a .csr file."
        )
    load = x509.load_der_x509_csr if got.data.startswith(b"0") else x509.load_pem_x509_csr
    try:
        asked = load(got.data)
        sound = asked.is_signature_valid
        _ = asked.subject, asked.public_key()  # parsed only when asked for
    except (*NAME_ERRORS, UnsupportedAlgorithm):
        raise CertificateError(
            f"{path} holds no certificate request.", f"look at it: {certs('show', path)}"
        ) from None
    if not sound:
        raise CertificateError(
            f"The signature of {path} ({name_text(asked.subject)}) is not of its own key.",
            "make the request anew with the key that it is for.",
        )
    return asked
