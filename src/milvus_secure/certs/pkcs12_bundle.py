"""Client material as PKCS#12, for Java, .NET and browsers."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from ..errors import CertificateError
from .inspect.inventory import Inventory, read_certificates, require_pair
from .issuing.keys import load_key

_MIN_PASSWORD = 6  # Java's keytool takes none shorter


def export(inventory: Inventory, stem: str, password: str) -> bytes:
    """Put a client's key, its chain and the CA into one encrypted store.

    Args:
        inventory: The set.
        stem: The name of the client's files without suffix, such as ``client``.
        password: Opens the store.

    Raises:
        CertificateError: If the key or certificate is missing, or the password is too short for
            Java.
    """
    if len(password) < _MIN_PASSWORD:
        raise CertificateError(
            f"The password is shorter than the {_MIN_PASSWORD} characters that Java needs.",
            "Choose a longer one.",
        )
    directory: Path = inventory.directory
    leaf, *chain = read_certificates(directory / f"{stem}.pem")
    key = load_key(directory / f"{stem}.key")
    require_pair(leaf, key, directory / stem)
    return pkcs12.serialize_key_and_certificates(
        stem.encode(),
        key,
        leaf,
        [*chain, *inventory.anchors],
        BestAvailableEncryption(password.encode()),
    )
