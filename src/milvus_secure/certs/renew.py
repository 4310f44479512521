"""Renews the certificates of a set under the CA that stands first in ca.pem."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cryptography import x509

from ..errors import CertificateError
from ..pem.certificate import public_key
from .inspect.inventory import Inventory, Leaf
from .issuing.build import make_leaf, serial_file
from .issuing.issue import Authority, Role, check_days, now
from .issuing.keys import DEFAULT_KEY_TYPE, KEY_TYPES, check_key_type, generate, type_of
from .messages import certs
from .storage.change import Change

RESTART = "restart Milvus, which reads them once"


def renew_leaves(
    held: Inventory,
    stems: Collection[str] = (),
    days: int | None = None,
    key_type: str | None = None,
) -> Change:
    """New keys and certificates for leaves, with the names and the validity they had.

    Args:
        held: The set.
        stems: Which, such as ``server``; none means all.
        days: Another validity.
        key_type: Another key type.

    Raises:
        CertificateError: If there is no such leaf, one of them cannot be read, or the CA cannot
            sign.
    """
    chosen = choose(held, stems)
    files: dict[str, bytes] = {}
    done = []
    for leaf in chosen:
        valid = check_days(days) if days is not None else reachable(leaf.days, held.authority)
        key = generate(check_key_type(key_type) if key_type else same_type(leaf.certificate))
        made = make_leaf(
            leaf.role, leaf.certificate.subject, key, held.authority, valid, leaf.names
        )
        files |= made.files(leaf.stem)
        files["ca.srl"] = serial_file(made.certificate)
        end = made.certificate.not_valid_after_utc.date()
        done.append(f"{leaf.stem}.pem: renewed with a new key, valid until {end}")
    elsewhere = [leaf for leaf in held.issued if not stems and not held.has_key(leaf.stem)]
    done += [f"{leaf.stem}.pem: unchanged, as its key is not here" for leaf in elsewhere]
    if not stems:
        done += [
            f"{stem}.pem: unchanged, as it is no server's or client's of this CA"
            for stem in held.foreign
        ]
    return Change(
        files,
        done=tuple(done),
        breaks=tuple(
            f"clients that pin {leaf.stem}.pem (server_pem_path) refuse the new one; "
            "give them ca.pem first"
            for leaf in chosen
            if leaf.role is Role.SERVER
        ),
        order=(*_order(held, chosen, elsewhere), *_retiring(held, chosen)),
    )


def reachable(days: int, authority: Authority) -> int:
    """A validity, as far as the CA reaches.

    Raises:
        CertificateError: If the CA ends within a day.
    """
    left = (authority.certificate.not_valid_after_utc - now()).days
    if left < 1:
        raise CertificateError(
            f"The CA is valid until {authority.certificate.not_valid_after_utc.date()}; "
            "what it signs ends with it.",
            "Renew the CA first.",
            "milvus-secure certs renew DIR --ca",
        )
    return min(days, left)


def same_type(certificate: x509.Certificate) -> str:
    """The key type a renewed certificate gets: the one it had, if gRPC takes that."""
    found = type_of(public_key(certificate))
    return found if found in KEY_TYPES else DEFAULT_KEY_TYPE


def sign_again(held: Inventory, stem: str, role: Role) -> str:
    """The command that makes ``STEM.pem`` anew from its request."""
    asked = held.directory / f"{stem}.csr"
    return certs(
        "sign",
        asked if asked.exists() else "CSR",
        "--dir",
        held.directory,
        "--role",
        role.value,
        "--out",
        held.directory / f"{stem}.pem",
        "--force",
    )


def choose(held: Inventory, stems: Collection[str] = ()) -> list[Leaf]:
    """The certificates of a set that can be renewed.

    Args:
        held: The set.
        stems: Only these, such as ``server``; none means all.

    Raises:
        CertificateError: If there are none, or one of them cannot be read.
    """
    have = [leaf.stem for leaf in held.leaves]
    for stem in held.damaged:
        if not stems or stem in stems:
            role = Role.SERVER if stem == "server" else Role.CLIENT
            raise CertificateError(
                f"{held.directory / stem}.pem is missing or holds no certificate that can be read.",
                "restore it from a copy, or make it anew from its request: "
                f"{sign_again(held, stem, role)}",
            )
    unknown = set(stems).difference(have)
    if unknown or not have:
        raise CertificateError(
            f"{held.directory} holds no certificate of this CA, with its key, called "
            f"{', '.join(sorted(unknown)) or 'server or client'}; "
            f"it holds: {', '.join(have) or 'none'}.",
            "name one of those." if have else "name the directory of a set that has some.",
        )
    return [leaf for leaf in held.leaves if not stems or leaf.stem in stems]


def _order(held: Inventory, chosen: Collection[Leaf], elsewhere: Collection[Leaf]) -> Iterator[str]:
    for leaf in chosen:
        until = f"until {leaf.certificate.not_valid_after_utc.date()}"
        if leaf in held.of_old_ca:
            until = f"until the old CA is retired, at most {until}"
        pair = f"copy {leaf.stem}.pem and {leaf.stem}.key"
        if leaf.role is Role.SERVER:
            yield f"{pair} to the server and {RESTART}; the old pair is good {until}"
        else:
            yield f"{pair} to that client and restart it; the old pair is good {until}"
    for leaf in elsewhere:
        again = sign_again(held, leaf.stem, leaf.role)
        yield f"sign the request of {leaf.stem}.pem again, and deploy what it makes:\n{again}"


def _retiring(held: Inventory, chosen: Collection[Leaf]) -> Iterator[str]:
    """What is left to do when the CA is being renewed."""
    if len(held.anchors) < 2:
        return
    rest = [leaf.stem for leaf in held.of_old_ca if leaf not in chosen and held.has_key(leaf.stem)]
    if rest:
        command = certs("renew", held.directory)
        yield f"renew what else is of the old CA ({', '.join(rest)}):\n{command}"
    command = certs("renew", held.directory, "--retire")
    yield f"once nobody uses an old pair any more, take the old CA out of ca.pem:\n{command}"
    yield "copy ca.pem everywhere"
