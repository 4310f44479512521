"""Reissues what is wrong in a set that gen.sh left, under the same CA key.

The CA keeps its key and name, so that whoever trusts the old ca.pem trusts what it signs now.
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
from .inspect.defects import Found, intermediate_faults, leaf_faults, missing_names, root_faults
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
    held: Inventory, names: Sequence[str] = (), ips: Sequence[str] = (), days: int | None = None
) -> Change:
    """Find what is wrong with a set and reissue it.

    Args:
        held: With ca.key and ca.pem of one another.
        names: What the server is called besides what its certificate presents; its common name
            when that presents nothing.
        ips: Addresses likewise.
        days: Validity of what is reissued.

    Raises:
        CertificateError: If the CA itself cannot be kept, or is being renewed.
    """
    directory = held.directory
    require_one_anchor(held)  # what the new CA signs, clients with the old ca.pem refuse
    old_root = held.anchors[0]
    key = _sound_key(directory, "ca", old_root)
    files: dict[str, bytes] = {}
    done: list[str] = []
    modes: dict[str, int] = {}
    root, faults = old_root, list(root_faults(old_root))
    if faults:
        root = _reissued_root(old_root, key)
        files["ca.pem"] = pem(root)
        done.append(f"ca.pem: {'; '.join(faults)}; reissued with the same key and name")
    authority = Authority(root, key)
    if held.has_intermediate:
        authority = _intermediate(directory, authority, files, done)
    stems = dict.fromkeys(("server", CLIENT, *(leaf.stem for leaf in held.leaves)))
    servers = []
    for stem in stems:
        found = Found(directory, stem)
        asked = (names, ips) if stem == "server" else ((), ())
        faults = list(leaf_faults(found, authority, root)) or list(missing_names(found, *asked))
        if faults:
            files |= _reissued(found, authority, root, asked, days)
            done.append(f"{stem}.pem: {'; '.join(faults)}; reissued")
            servers += [stem] if found.role is Role.SERVER else []
    for name in ("ca.key", "intermediate.key", *(f"{stem}.key" for stem in stems)):
        got = read_path(os.fspath(directory / name))
        # Access by the group is how a service of another user reads its key; it stays.
        if got.exposed_to == "others" and got.data:
            files.setdefault(name, got.data)
            modes[name] = 0o600
            done.append(f"{name}: every user could read it; now only its owner can (mode 0600)")
    return replace(_told(directory, files, done, servers), modes=modes)


def _sound_key(directory: Path, stem: str, certificate: x509.Certificate) -> PrivateKey:
    key = load_key(directory / f"{stem}.key")
    require_pair(certificate, key, directory / stem)
    if not usable(key):
        raise CertificateError(
            f"{directory / stem}.key is too weak a key, which no reissued certificate can mend.",
            f"make a new set, CA and all: {certs('init', directory, '--force')}",
        )
    return key


def _intermediate(
    directory: Path, root: Authority, files: dict[str, bytes], done: list[str]
) -> Authority:
    """The CA that signs leaves below the root, reissued if something is wrong with it."""
    middle = read_certificates(directory / "intermediate.pem")[0]
    key = _sound_key(directory, "intermediate", middle)
    faults = list(intermediate_faults(middle, root.certificate))
    if faults:
        days = reachable(CA_DAYS, root)
        middle = issue(Role.INTERMEDIATE, middle.subject, key.public_key(), root, days)
        files["intermediate.pem"] = pem(middle)
        done.append(f"intermediate.pem: {'; '.join(faults)}; reissued with the same key and name")
    if files:
        files["chain.pem"] = pem(middle) + pem(root.certificate)
    return Authority(middle, key, (middle,))


def _reissued_root(old: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    end = old.not_valid_after_utc
    if end <= now():
        end = now() + timedelta(days=CA_DAYS)
    return self_signed(old.subject, key, end, path_length=None).certificate


def _reissued(
    found: Found,
    authority: Authority,
    root: x509.Certificate,
    asked: tuple[Sequence[str], Sequence[str]],
    days: int | None,
) -> dict[str, bytes]:
    old, key = found.certificate, found.key
    fits = old is None or (key is not None and public_key(old) == key.public_key())
    if key is None or not fits or not usable(key):
        key = generate(DEFAULT_KEY_TYPE)
    sans = _names(old, root, *asked) if found.role is Role.SERVER else None
    subject = _subject(found, root, sans)
    valid = reachable(LEAF_DAYS, authority) if days is None else days
    made = make_leaf(found.role, subject.x509_name(), key, authority, valid, sans)
    return {
        **made.files(found.stem),
        f"{found.stem}.key": key_pem(key),
        "ca.srl": serial_file(made.certificate),
    }


def _names(
    old: x509.Certificate | None,
    root: x509.Certificate,
    names: Sequence[str],
    ips: Sequence[str],
) -> x509.SubjectAlternativeName:
    """What the server presented and what is asked for; its common name if that is nothing."""
    had = extension(old, x509.SubjectAlternativeName) if old else None
    asked = identifiers(names, ips).extension()
    general = [*(had or ()), *(asked or ())]
    if not general:
        # Where gen.sh broke off, the name is on the CA only: it gives all three the same.
        called = Subject.of((old or root).subject).common_name or "localhost"
        try:
            host_name(called)
        except CertificateError:
            raise CertificateError(
                f"The server's certificate presents no name, and {called!r} is none.",
                "say what clients dial: --name milvus.example.com",
            ) from None
        local = ("127.0.0.1",) if called == "localhost" else ()
        general = list(identifiers([called], local).extension() or ())
    return x509.SubjectAlternativeName(dict.fromkeys(general))


def _subject(
    found: Found, root: x509.Certificate, sans: x509.SubjectAlternativeName | None
) -> Subject:
    """As before, but for names that gen.sh gives to all three alike."""
    old = Subject.of((found.certificate or root).subject)
    if found.role is Role.CLIENT:
        shared = found.certificate is None or found.stem == CLIENT
        return old.named(found.stem) if shared else old
    if found.certificate is None and sans is not None:
        old = old.named(str(next(iter(sans)).value)[:64])
    if old.x509_name() == root.subject:
        return replace(old, organizational_unit="Milvus server")
    return old


def _told(
    directory: Path, files: dict[str, bytes], done: list[str], servers: Sequence[str]
) -> Change:
    if not files:
        return Change(done=(f"{directory}: nothing is wrong with this set",))
    new_root = "ca.pem" in files
    order = ["copy ca.pem to the clients; those with the old one keep working"] if new_root else []
    order += [
        f"copy {stem}.pem, {stem}.key and ca.pem to the server and {RESTART}"
        for stem in servers or (["server"] if new_root else [])
    ]
    kept = {"ca.pem", "intermediate.pem", "chain.pem", *(f"{stem}.pem" for stem in servers)}
    if any(name.endswith(".pem") and name not in kept for name in files):
        order.append("copy the client pairs to the clients and restart them")
    return Change(
        files,
        done=tuple(done),
        breaks=tuple(
            f"clients that pin {stem}.pem (server_pem_path); give them ca.pem first"
            for stem in servers
        ),
        order=tuple(order),
    )
