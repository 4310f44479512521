"""Reissues the certificates of a set that clients or servers refuse, under the same CA key.

The CA keeps its key and name, so that clients with the old ca.pem trust what it signs now.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from ..errors import CertificateError
from ..pem.certificate import extension, public_key
from ..pem.files import read_path
from .ca_renewal import require_one_anchor
from .inspect.defects import (
    LeafFiles,
    intermediate_defects,
    leaf_defects,
    missing_names,
    root_defects,
)
from .inspect.inventory import Inventory, read_certificates, require_pair
from .issuing.build import make_leaf, serial_file
from .issuing.issue import Authority, Role, issue, now, pem, self_signed
from .issuing.keys import DEFAULT_KEY_TYPE, PrivateKey, generate, key_pem, load_key, usable
from .issuing.plan import CA_DAYS, CLIENT, LEAF_DAYS
from .issuing.subject import Subject
from .issuing.subject_alt_names import host_name, identifiers
from .messages import certs
from .renew import RESTART, reachable
from .storage.change import Change


def repair(
    inventory: Inventory,
    names: Sequence[str] = (),
    ips: Sequence[str] = (),
    days: int | None = None,
) -> Change:
    """Find the defects of a set and reissue the certificates that have some.

    Args:
        inventory: The set; ca.key belongs to ca.pem.
        names: Host names for the server's certificate, in addition to those that it has.
        ips: IP addresses for it, likewise.
        days: Validity of reissued certificates, in days.

    Raises:
        CertificateError: If the CA itself cannot be kept, or is being renewed.
    """
    directory = inventory.directory
    require_one_anchor(inventory)  # clients with the old ca.pem would refuse what the new CA signs
    old_root = inventory.anchors[0]
    key = _sound_key(directory, "ca", old_root)
    files: dict[str, bytes] = {}
    done: list[str] = []
    modes: dict[str, int] = {}
    root, defects = old_root, list(root_defects(old_root))
    if defects:
        root = _reissued_root(old_root, key)
        files["ca.pem"] = pem(root)
        done.append(f"ca.pem: {'; '.join(defects)}; reissued with the same key and name")
    authority = Authority(root, key, renewal=certs("renew", directory, "--ca"))
    if inventory.has_intermediate:
        authority = _intermediate(directory, authority, files, done)
    stems = dict.fromkeys(("server", CLIENT, *(leaf.stem for leaf in inventory.leaves)))
    servers = []
    for stem in stems:
        leaf = LeafFiles(directory, stem)
        added_names = (names, ips) if stem == "server" else ((), ())
        defects = list(leaf_defects(leaf, authority, root)) or list(
            missing_names(leaf, *added_names)
        )
        if defects:
            files |= _reissued(leaf, authority, root, added_names, days)
            done.append(f"{stem}.pem: {'; '.join(defects)}; reissued")
            servers += [stem] if leaf.role is Role.SERVER else []
    for name in ("ca.key", "intermediate.key", *(f"{stem}.key" for stem in stems)):
        content = read_path(os.fspath(directory / name))
        # Access by the group is how a service of another user reads its key; it stays.
        if content.exposed_to == "others" and content.data:
            files.setdefault(name, content.data)
            modes[name] = 0o600
            done.append(f"{name}: every user could read it; now only its owner can (mode 0600)")
    return replace(_described(directory, files, done, servers), modes=modes)


def _sound_key(directory: Path, stem: str, certificate: x509.Certificate) -> PrivateKey:
    key = load_key(directory / f"{stem}.key")
    require_pair(certificate, key, directory / stem)
    if not usable(key):
        raise CertificateError(
            f"{directory / stem}.key is too weak, and every certificate depends on it.",
            "Make a new set with a new CA.",
            certs("init", directory, "--force"),
        )
    return key


def _intermediate(
    directory: Path, root: Authority, files: dict[str, bytes], done: list[str]
) -> Authority:
    """The intermediate CA, reissued if it has a defect."""
    middle = read_certificates(directory / "intermediate.pem")[0]
    key = _sound_key(directory, "intermediate", middle)
    defects = list(intermediate_defects(middle, root.certificate))
    if defects:
        days = reachable(CA_DAYS, root)
        middle = issue(Role.INTERMEDIATE, middle.subject, key.public_key(), root, days)
        files["intermediate.pem"] = pem(middle)
        done.append(f"intermediate.pem: {'; '.join(defects)}; reissued with the same key and name")
    if files:
        files["chain.pem"] = pem(middle) + pem(root.certificate)
    return Authority(middle, key, (middle,), root.renewal)


def _reissued_root(old: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    end = old.not_valid_after_utc
    if end <= now():
        end = now() + timedelta(days=CA_DAYS)
    return self_signed(old.subject, key, end, path_length=None).certificate


def _reissued(
    leaf: LeafFiles,
    authority: Authority,
    root: x509.Certificate,
    added_names: tuple[Sequence[str], Sequence[str]],
    days: int | None,
) -> dict[str, bytes]:
    old, key = leaf.certificate, leaf.key
    fits = old is None or (key is not None and public_key(old) == key.public_key())
    if key is None or not fits or not usable(key):
        key = generate(DEFAULT_KEY_TYPE)
    sans = _names(old, root, *added_names) if leaf.role is Role.SERVER else None
    subject = _subject(leaf, root, sans)
    valid = reachable(LEAF_DAYS, authority) if days is None else days
    pair = make_leaf(leaf.role, subject.x509_name(), key, authority, valid, sans)
    return {
        **pair.files(leaf.stem),
        f"{leaf.stem}.key": key_pem(key),
        "ca.srl": serial_file(pair.certificate),
    }


def _names(
    old: x509.Certificate | None,
    root: x509.Certificate,
    names: Sequence[str],
    ips: Sequence[str],
) -> x509.SubjectAlternativeName:
    """The names that the server had and those to add; its common name if there are none."""
    existing = extension(old, x509.SubjectAlternativeName) if old else None
    added = identifiers(names, ips).extension()
    general = [*(existing or ()), *(added or ())]
    if not general:
        # Where gen.sh broke off, the name is on the CA only: it gives all three the same.
        name = Subject.of((old or root).subject).common_name or "localhost"
        try:
            host_name(name)
        except CertificateError:
            raise CertificateError(
                f"The server's certificate contains no host name, and {name!r} is not a host name.",
                "Add the name that clients use, such as --name milvus.example.com.",
            ) from None
        local = ("127.0.0.1",) if name == "localhost" else ()
        general = list(identifiers([name], local).extension() or ())
    return x509.SubjectAlternativeName(dict.fromkeys(general))


def _subject(
    leaf: LeafFiles, root: x509.Certificate, sans: x509.SubjectAlternativeName | None
) -> Subject:
    """The subject as before, but not the one that gen.sh gives to all three certificates."""
    old = Subject.of((leaf.certificate or root).subject)
    if leaf.role is Role.CLIENT:
        shared = leaf.certificate is None or leaf.stem == CLIENT
        return old.named(leaf.stem) if shared else old
    if leaf.certificate is None and sans is not None:
        old = old.named(str(next(iter(sans)).value)[:64])
    if old.x509_name() == root.subject:
        return replace(old, organizational_unit="Milvus server")
    return old


def _described(
    directory: Path, files: dict[str, bytes], done: list[str], servers: Sequence[str]
) -> Change:
    if not files:
        return Change(done=(f"{directory}: no defect found in this set",))
    new_root = "ca.pem" in files
    order = (
        ["copy ca.pem to the clients; clients with the old ca.pem still work"] if new_root else []
    )
    order += [
        f"copy {stem}.pem, {stem}.key and ca.pem to the server and {RESTART}"
        for stem in servers or (["server"] if new_root else [])
    ]
    kept = {"ca.pem", "intermediate.pem", "chain.pem", *(f"{stem}.pem" for stem in servers)}
    if any(name.endswith(".pem") and name not in kept for name in files):
        order.append("copy its key and certificate to each client and restart it")
    return Change(
        files,
        done=tuple(done),
        breaks=tuple(
            f"clients that trust only {stem}.pem (server_pem_path): copy ca.pem to them first"
            for stem in servers
        ),
        order=tuple(order),
    )
