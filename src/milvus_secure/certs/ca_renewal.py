"""Renews the CA itself with an overlap, in an order that holds.

It takes three steps, each of which leaves every client working: first everybody trusts both CAs,
then the leaves change, then the old CA goes.
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
    """A new CA beside the old one in ca.pem; leaves stay as they are.

    Raises:
        CertificateError: If an earlier renewal is not finished, or ca.key does not fit ca.pem.
    """
    directory = inventory.directory
    require_one_anchor(inventory)
    old = inventory.anchors[0]
    _ = inventory.authority  # a key that does not fit is found before anything is made
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
            "ca.key, ca.pem: a new CA; ca.pem now holds it and the old one, so that both count",
            "server and client certificates: unchanged, still of the old CA",
        ),
        breaks=("nobody, as long as each step below is finished before the next",),
        order=(
            "copy ca.pem to every client (ca_pem_path or server_pem_path) and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {RESTART}",
            f"renew the certificates:\n{certs('renew', directory)}",
            "sign the requests again whose certificates stand elsewhere",
            f"copy server.pem and server.key to the server and {RESTART}",
            "copy each client's pair to it and restart it",
            f"take the old CA out of ca.pem:\n{certs('renew', directory, '--retire')}",
            "copy ca.pem everywhere",
        ),
    )


def retire(inventory: Inventory) -> Change:
    """Take the old CA out of ca.pem.

    Raises:
        CertificateError: If a leaf here still is of the old CA, or there is none to retire.
    """
    if len(inventory.anchors) < 2:
        raise CertificateError(
            f"{inventory.directory / 'ca.pem'} holds one CA only; there is none to retire.",
            f"start a renewal: {certs('renew', inventory.directory, '--ca')}",
        )
    if inventory.of_old_ca:
        late = ", ".join(leaf.stem for leaf in inventory.of_old_ca)
        raise CertificateError(
            f"{late}: still of the old CA, and would be refused without it.", _next_step(inventory)
        )
    new = inventory.anchors[0]
    ended = ", ".join(_called(old) for old in inventory.anchors[1:])
    return Change(
        {"ca.pem": pem(new)},
        done=(f"ca.pem: {ended} is gone; it holds {_called(new)} alone",),
        breaks=("whoever still uses a certificate of the old CA, wherever it stands",),
        order=(
            "copy ca.pem to every client and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {RESTART}",
        ),
    )


def require_one_anchor(inventory: Inventory) -> None:
    """Raise, with the step that is due, if the CA is being renewed.

    Raises:
        CertificateError: If so.
    """
    if len(inventory.anchors) > 1:
        raise CertificateError(
            f"{inventory.directory / 'ca.pem'} holds {len(inventory.anchors)} CAs: a renewal is "
            "under way.",
            _next_step(inventory),
        )


def next_step(inventory: Inventory) -> str | None:
    """The next step of a renewal of the CA, or None if none is under way.

    Raises:
        CertificateError: If there is no set.
    """
    return _next_step(inventory) if len(inventory.anchors) > 1 else None


def _next_step(inventory: Inventory) -> str:
    if not inventory.of_old_ca:
        return (
            "once every server and client uses its new pair, finish it: "
            f"{certs('renew', inventory.directory, '--retire')}"
        )
    late = [leaf for leaf in inventory.of_old_ca if inventory.has_key(leaf.stem)]
    if late:
        return (
            "once ca.pem is everywhere, renew the certificates, and deploy them: "
            f"{certs('renew', inventory.directory)}"
        )
    leaf = inventory.of_old_ca[0]
    return (
        f"the key of {leaf.stem}.pem is not here, so sign its request again, and deploy it: "
        f"{sign_again(inventory, leaf.stem, leaf.role)}"
    )


def _called(certificate: x509.Certificate) -> str:
    return Subject.of(certificate.subject).common_name or "ca.pem"
