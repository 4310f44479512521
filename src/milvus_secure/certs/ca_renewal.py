"""Renews the CA of a set in three steps, none of which makes a client fail.

First every client and server trusts both the old and the new CA, then the certificates are issued
by the new CA, then the old CA is removed.
"""

from __future__ import annotations

from cryptography import x509

from ..errors import CertificateError
from .inspect.inventory import Inventory, Leaf, read_certificates
from .issuing.build import build_authority
from .issuing.issue import MAX_DAYS, check_days, pem
from .issuing.subject import Subject
from .messages import certs
from .renew import RESTART, same_type, sign_again
from .storage.change import Change


def renew_authority(
    inventory: Inventory, days: int | None = None, key_type: str | None = None
) -> Change:
    """Add a new CA to the old one in ca.pem; the leaf certificates do not change.

    Raises:
        CertificateError: If an earlier renewal is not finished, or ca.key does not fit ca.pem.
    """
    directory = inventory.directory
    require_one_anchor(inventory)
    old = inventory.anchors[0]
    _ = inventory.authority  # raises if the key does not belong to the certificate
    middle_days = None
    if inventory.has_intermediate:
        middle_days = Leaf("", read_certificates(directory / "intermediate.pem")[0]).days
    files, _signer = build_authority(
        Subject.of(old.subject),
        key_type or same_type(old),
        check_days(days) if days is not None else min(Leaf("", old).days, MAX_DAYS),
        middle_days,
        named=False,
    )
    files["ca.pem"] += pem(old)
    return Change(
        files,
        done=(
            "ca.key, ca.pem: a new CA; ca.pem now contains both CAs, so both are trusted",
            "server and client certificates: unchanged, still issued by the old CA",
        ),
        breaks=("no client, as long as you finish each step below before the next",),
        order=(
            "copy ca.pem to every client (ca_pem_path or server_pem_path) and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {RESTART}",
            f"renew the certificates:\n{certs('renew', directory)}",
            "for certificates used on other machines, sign their requests again",
            f"copy server.pem and server.key to the server and {RESTART}",
            "copy each client's pair to it and restart it",
            f"remove the old CA from ca.pem:\n{certs('renew', directory, '--retire')}",
            "copy ca.pem everywhere",
        ),
    )


def retire(inventory: Inventory) -> Change:
    """Remove the old CA from ca.pem.

    Raises:
        CertificateError: If the old CA issued a certificate that is here, or there is no old CA.
    """
    if len(inventory.anchors) < 2:
        raise CertificateError(
            f"{inventory.directory / 'ca.pem'} contains only one CA; there is no old CA to remove.",
            "Begin a renewal of the CA first.",
            certs("renew", inventory.directory, "--ca"),
        )
    if inventory.of_old_ca:
        late = ", ".join(leaf.stem for leaf in inventory.of_old_ca)
        raise CertificateError(
            f"{late}: issued by the old CA; it would be refused when the old CA is removed.",
            *_next_step(inventory),
        )
    new = inventory.anchors[0]
    ended = ", ".join(_called(old) for old in inventory.anchors[1:])
    return Change(
        {"ca.pem": pem(new)},
        done=(f"ca.pem: {ended} is removed; it contains only {_called(new)}",),
        breaks=("servers and clients that still use a certificate of the old CA, on any machine",),
        order=(
            "copy ca.pem to every client and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {RESTART}",
        ),
    )


def require_one_anchor(inventory: Inventory) -> None:
    """Refuse to continue while the CA is being renewed.

    Raises:
        CertificateError: If so; its fix is the next step of that renewal.
    """
    if len(inventory.anchors) > 1:
        raise CertificateError(
            f"{inventory.directory / 'ca.pem'} contains {len(inventory.anchors)} CAs: the CA is "
            "being renewed.",
            *_next_step(inventory),
        )


def next_step(inventory: Inventory) -> tuple[str, str] | None:
    """The next step of the CA's renewal in words, and its command; None if it is not renewed.

    Raises:
        CertificateError: If there is no set.
    """
    return _next_step(inventory) if len(inventory.anchors) > 1 else None


def _next_step(inventory: Inventory) -> tuple[str, str]:
    if not inventory.of_old_ca:
        return (
            "When every server and client uses its new certificate, remove the old CA.",
            certs("renew", inventory.directory, "--retire"),
        )
    if any(inventory.has_key(leaf.stem) for leaf in inventory.of_old_ca):
        return (
            "When ca.pem is deployed everywhere, renew the certificates and deploy them.",
            certs("renew", inventory.directory),
        )
    leaf = inventory.of_old_ca[0]
    return (
        f"The key of {leaf.stem}.pem is not here: sign its request again and deploy the result.",
        sign_again(inventory, leaf.stem, leaf.role),
    )


def _called(certificate: x509.Certificate) -> str:
    return Subject.of(certificate.subject).common_name or "ca.pem"
