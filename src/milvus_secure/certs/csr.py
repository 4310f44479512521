"""Certificate requests: made for a company's CA, and signed by the CA of a set."""

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
    """Make a key and a request for another CA to sign.

    Args:
        role: Whether a server or a client will use the certificate.
        names: Host names of the server.
        ips: Its IP addresses.
        key_type: One of `keys.KEY_TYPES`.
        subject: The subject; a common name is added if it has none.

    Returns:
        ``server.key`` and ``server.csr``, or the client's.

    Raises:
        CertificateError: If a server has no name.
    """
    host_names, subject = identifiers(names, ips), subject or Subject()
    if role is Role.SERVER and not host_names.texts:
        raise CertificateError("The server has no name.", "Add --name, --ip or both.")
    if subject.common_name is None:
        name = common_name(host_names) if role is Role.SERVER else role.value
        subject = subject.named(name)
    key = generate(key_type)
    signed_request = request(subject.x509_name(), key, host_names.extension())
    encoded = signed_request.public_bytes(serialization.Encoding.PEM)
    return {f"{role.value}.key": key_pem(key), f"{role.value}.csr": encoded}


def write_request(directory: Path, files: Mapping[str, bytes], *, overwrite: bool = False) -> None:
    """Write a key and its request into a directory.

    Raises:
        CertificateError: If one of them exists and ``overwrite`` is false.
    """
    with exclusive(directory, create=True) as expected:
        existing = [name for name in files if os.path.lexists(directory / name)]
        if existing and not overwrite:
            raise CertificateError(
                f"{directory} already contains {', '.join(existing)}.",
                "Name another directory, or add --force.",
            )
        write_change(directory, Change(files), expected)


def sign_request(
    inventory: Inventory,
    path: Path,
    role: Role,
    names: Sequence[str] = (),
    ips: Sequence[str] = (),
    days: int = LEAF_DAYS,
) -> bytes:
    """Sign a request with the CA of a set.

    Only the key, the subject and the names are taken from the request. The usages of the
    certificate follow from the role.

    Args:
        inventory: The set.
        path: The request, PEM or DER.
        role: Whether a server or a client will use the certificate.
        names: Host names for the certificate instead of those in the request.
        ips: IP addresses for it, likewise.
        days: Validity, in days.

    Returns:
        The chain as PEM, leaf first.

    Raises:
        CertificateError: If the request is damaged, or gRPC refuses its key.
    """
    csr = load_request(path)
    key = csr.public_key()
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)) or not usable(key):
        raise CertificateError(
            f"{path} is for a key of type {type_of(key)}, which is too weak or which gRPC refuses.",
            "Make the request with a P-256 key.",
        )
    presented = identifiers(names, ips).extension() or extension(csr, x509.SubjectAlternativeName)
    if role is Role.SERVER and presented is None:
        raise CertificateError(
            f"{path} contains no host name, and clients refuse a server certificate without a host "
            "name.",
            "Add --name and --ip.",
        )
    if not list(csr.subject):
        raise CertificateError(
            f"{path} has an empty subject.", "Make the request with a common name."
        )
    signed = issue(role, csr.subject, key, inventory.authority, days, presented)
    return b"".join(map(pem, (signed, *inventory.authority.chain)))


def load_request(path: Path) -> x509.CertificateSigningRequest:
    """Read a request and verify its signature.

    Raises:
        CertificateError: If the file holds no request, or its signature is wrong.
    """
    reading = read_path(os.fspath(path))
    if reading.fault is not None:
        raise CertificateError(
            f"{path} cannot be read: {reading.fault.detail or reading.fault.code}.",
            "Name a .csr file.",
        )
    load = x509.load_der_x509_csr if reading.data.startswith(b"0") else x509.load_pem_x509_csr
    try:
        csr = load(reading.data)
        is_valid = csr.is_signature_valid
        _ = csr.subject, csr.public_key()  # cryptography parses them only when they are read
    except (*NAME_ERRORS, UnsupportedAlgorithm):
        raise CertificateError(
            f"{path} contains no certificate request.",
            "See what it contains.",
            certs("show", path),
        ) from None
    if not is_valid:
        raise CertificateError(
            f"The signature of {path} ({name_text(csr.subject)}) does not fit its key.",
            "Make the request again.",
        )
    return csr
