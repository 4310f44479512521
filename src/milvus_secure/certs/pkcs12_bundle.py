"""Client material as PKCS#12, for Java, .NET and browsers."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from ..errors import CertificateError
from .inspect.inventory import Inventory, read_certificates, require_pair
from .issuing.keys import load_key

_MIN_PASSWORD = 6  # Java's keytool takes none shorter


def export(held: Inventory, stem: str, password: str) -> bytes:
    """A pair of the set, its chain and the CA as one encrypted store.

    Args:
        held: The set.
        stem: Whose pair, such as ``client``.
        password: Opens the store.

    Raises:
        CertificateError: If the pair is not whole, or the password too short for Java.
    """
    if len(password) < _MIN_PASSWORD:
        raise CertificateError(
            f"The password is shorter than the {_MIN_PASSWORD} characters Java wants.",
            "choose a longer one.",
        )
    directory: Path = held.directory
    leaf, *chain = read_certificates(directory / f"{stem}.pem")
    key = load_key(directory / f"{stem}.key")
    require_pair(leaf, key, directory / stem)
    return pkcs12.serialize_key_and_certificates(
        stem.encode(),
        key,
        leaf,
        [*chain, *held.anchors],
        BestAvailableEncryption(password.encode()),
    )
