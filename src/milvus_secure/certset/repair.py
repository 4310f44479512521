"""Reissues what is wrong in a set that gen.sh left, under the same CA key.

The CA keeps its key and name, so that whoever trusts the old ca.pem trusts what it signs now.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..certificates.certificate import authority_key, extension, key_id, public_key
from ..errors import CertificateError
from ..material.reading import read_path
from .build import make_leaf, serial_file
from .change import Change
from .inventory import is_authority, read_certificates, require_pair, signed_by
from .issue import Authority, Role, now, pem, self_signed
from .keys import DEFAULT_KEY_TYPE, PrivateKey, generate, key_pem, load_key, usable
from .names import host_name, identifiers
from .plan import CA_DAYS, CLIENT, LEAF_DAYS
from .subject import Subject

_WEAK = (hashes.MD5, hashes.SHA1)


def repair(
    directory: Path, names: Sequence[str] = (), ips: Sequence[str] = (), days: int | None = None
) -> Change:
    """Find what is wrong with a set and reissue it.

    Args:
        directory: With ca.key and ca.pem of one another.
        names: What the server is called besides what its certificate presents; its common name
            when that presents nothing.
        ips: Addresses likewise.
        days: Validity of what is reissued.

    Raises:
        CertificateError: If the CA itself cannot be kept.
    """
    old_root = read_certificates(directory / "ca.pem")[0]
    key = load_key(directory / "ca.key")
    require_pair(old_root, key, directory / "ca")
    if not usable(key):
        raise CertificateError(
            f"{directory / 'ca.key'} is too weak a key, which no reissued certificate can mend.",
            f"make a new set: milvus-secure certs init {directory} --force",
        )
    files: dict[str, bytes] = {}
    done: list[str] = []
    root, faults = old_root, list(_root_faults(old_root))
    if faults:
        root = _reissued_root(old_root, key)
        files["ca.pem"] = pem(root)
        done.append(f"ca.pem: {'; '.join(faults)}; reissued with the same key and name")
    authority = Authority(root, key)
    stems = [CLIENT, *sorted(p.stem for p in directory.glob("*.pem") if _is_client(p, root))]
    for stem in dict.fromkeys(("server", *stems)):
        found = _Found(directory, stem)
        faults = list(_leaf_faults(found, root))
        if stem == "server" and not faults:
            faults += _missing_names(found, names, ips)
        if faults:
            files |= _reissued(found, authority, names, ips, days)
            done.append(f"{stem}.pem: {'; '.join(faults)}; reissued")
    for name in ("ca.key", "server.key", "client.key"):
        got = read_path(os.fspath(directory / name))
        if got.exposed_to and got.data:
            files.setdefault(name, got.data)
            done.append(f"{name}: readable by {got.exposed_to}; now by its owner alone")
    return _told(directory, files, done)


class _Found:
    """A leaf as it is in the directory, however broken."""

    def __init__(self, directory: Path, stem: str) -> None:
        self.stem = stem
        self.role = Role.SERVER if stem == "server" else Role.CLIENT
        self.certificate: x509.Certificate | None = None
        self.key: PrivateKey | None = None
        self.faults: list[str] = []
        try:
            self.certificate = read_certificates(directory / f"{stem}.pem")[0]
        except CertificateError:
            self.faults.append("missing or unreadable")
        try:
            self.key = load_key(directory / f"{stem}.key")
        except CertificateError:
            self.faults.append("its key is missing or unreadable")


def _is_client(path: Path, root: x509.Certificate) -> bool:
    if path.stem in {"ca", "server"} or not path.with_suffix(".key").exists():
        return False
    try:
        return signed_by(read_certificates(path)[0], root)
    except CertificateError:
        return False


def _root_faults(root: x509.Certificate) -> Iterator[str]:
    basic = extension(root, x509.BasicConstraints)
    if basic is None or not basic.ca:
        yield "not marked as a CA"
    if extension(root, x509.KeyUsage) is None or not is_authority(root):
        yield "no key usage keyCertSign"
    if key_id(root) is None:
        yield "no subject key identifier"
    if isinstance(root.signature_hash_algorithm, _WEAK):
        yield "a weak signature"
    if root.not_valid_after_utc <= now():
        yield f"expired on {root.not_valid_after_utc.date()}"


def _leaf_faults(found: _Found, root: x509.Certificate) -> Iterator[str]:
    yield from found.faults
    leaf, key = found.certificate, found.key
    if leaf is None:
        return
    if key is not None and public_key(leaf) != key.public_key():
        yield "its key is of another certificate"
    if key is not None and not usable(key):
        yield "a key that is too weak or refused by gRPC"
    if not signed_by(leaf, root):
        yield "not signed by ca.key"
    if leaf.subject == root.subject:
        yield "the same subject as the CA"
    if authority_key(leaf) is None or authority_key(leaf) != key_id(root):
        yield "no key identifier of its CA"
    if isinstance(leaf.signature_hash_algorithm, _WEAK):
        yield "a weak signature"
    if leaf.not_valid_after_utc <= now():
        yield f"expired on {leaf.not_valid_after_utc.date()}"
    yield from _purpose_faults(found.role, leaf)


def _purpose_faults(role: Role, leaf: x509.Certificate) -> Iterator[str]:
    server = role is Role.SERVER
    needed = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    usages = extension(leaf, x509.ExtendedKeyUsage)
    if usages is None or needed not in usages:
        yield f"no extended key usage {'serverAuth' if server else 'clientAuth'}"
    if server and extension(leaf, x509.SubjectAlternativeName) is None:
        yield "no subjectAltName"


def _missing_names(found: _Found, names: Sequence[str], ips: Sequence[str]) -> Iterator[str]:
    had = extension(found.certificate, x509.SubjectAlternativeName) if found.certificate else None
    for asked in identifiers(names, ips).extension() or ():
        if asked not in (had or ()):
            yield f"not called {asked.value}"


def _reissued_root(old: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    end = old.not_valid_after_utc
    if end <= now():
        end = now() + timedelta(days=CA_DAYS)
    return self_signed(old.subject, key, end, path_length=None).certificate


def _reissued(
    found: _Found,
    authority: Authority,
    names: Sequence[str],
    ips: Sequence[str],
    days: int | None,
) -> dict[str, bytes]:
    old, key = found.certificate, found.key
    fits = old is None or (key is not None and public_key(old) == key.public_key())
    if key is None or not fits or not usable(key):
        key = generate(DEFAULT_KEY_TYPE)
    root = authority.certificate
    sans = _names(old, root, names, ips) if found.role is Role.SERVER else None
    subject = _subject(found, root, sans)
    left = (root.not_valid_after_utc - now()).days
    made = make_leaf(
        found.role, subject.x509_name(), key, authority, days or max(1, min(LEAF_DAYS, left)), sans
    )
    return {**made.files(found.stem), f"{found.stem}.key": key_pem(key),
            "ca.srl": serial_file(made.certificate)}  # fmt: skip


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
    found: _Found, root: x509.Certificate, sans: x509.SubjectAlternativeName | None
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


def _told(directory: Path, files: dict[str, bytes], done: list[str]) -> Change:
    if not files:
        return Change(done=(f"{directory}: nothing is wrong with this set",))
    breaks, order = [], []
    if "server.pem" in files:
        breaks.append("clients that pin server.pem (server_pem_path); give them ca.pem first")
    if "ca.pem" in files:
        order.append("copy ca.pem to the clients; those with the old one keep working")
    if "server.pem" in files or "ca.pem" in files:
        order.append("copy server.pem, server.key and ca.pem to the server and restart Milvus")
    if any(name.endswith(".pem") and name not in {"ca.pem", "server.pem"} for name in files):
        order.append("copy the client pairs to the clients and restart them")
    return Change(files, (), tuple(done), tuple(breaks), tuple(order))
