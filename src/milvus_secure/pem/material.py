"""Reads each PEM file once. A file that cannot be used is data with a fault, not an exception."""

from __future__ import annotations

import base64
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from .._common.text import printable
from .blocks import Armor, read_armor, why_no_block
from .files import Fault, read_path
from .formats import recognise
from .known_keys import fingerprint
from .pkcs12 import Store, chain_pem, open_store, plain_pem
from .private_key import read_key
from .slots import SLOTS

_CLIENT = SLOTS[2:]
"""What a PKCS#12 store may contain."""

# The labels BoringSSL takes for a certificate and for a private key; it passes over all others.
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
_KEYS = (
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
)
_LAST_VERSION = 2  # version 3, as RFC 5280 (4.1.2.1) numbers them


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block.

    Attributes:
        label: The text behind BEGIN, such as ``CERTIFICATE``.
        line: The line BEGIN is on, from 1.
        certificate: Parsed, when it is a certificate; None also for one that OpenSSL reads and
            cryptography does not.
        error: Why gRPC cannot read it, and with it whatever follows; or empty.
    """

    label: str
    line: int
    certificate: x509.Certificate | None = None
    error: str = ""

    @property
    def is_certificate(self) -> bool:
        """True if the label announces a certificate."""
        return self.label in _CERTIFICATES

    @property
    def is_key(self) -> bool:
        """True if the label announces a private key that gRPC can read."""
        return self.label in _KEYS


@dataclass(frozen=True)
class Material:
    """One PEM setting as it was found.

    Attributes:
        slot: ``server_pem``, ``ca_pem``, ``client_pem`` or ``client_key``.
        setting: The field that gave it, the slot's name or with ``_path``.
        source: Where that field's value came from.
        origin: ``file:/abs/ca.pem``, ``inline:ca_pem`` or ``system``.
        data: The bytes read; never shown.
        converted: The PEM made of them where gRPC cannot read them as they are: of an encrypted
            key once opened, and of a PKCS#12 store.
        fault: Why it cannot be used, or None.
        blocks: Every PEM block in it, broken ones included.
        key: The parsed private key, in the slot of a key only; None also for one that OpenSSL
            reads and cryptography does not.
        mode: The file's permission bits, when it is a file.
        exposed_to: Who may use the file besides its owner; see `reading.Reading`.
    """

    slot: str
    setting: str
    source: str
    origin: str
    data: bytes = field(default=b"", repr=False)
    converted: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    blocks: tuple[Block, ...] = ()
    key: PrivateKeyTypes | None = field(default=None, repr=False)
    mode: int | None = None
    exposed_to: str = ""

    @cached_property
    def read_blocks(self) -> tuple[Block, ...]:
        """The blocks that gRPC reads: those before the first broken one."""
        broken = (at for at, block in enumerate(self.blocks) if block.error)
        return self.blocks[: next(broken, len(self.blocks))]

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates gRPC reads, as far as cryptography can parse them."""
        return tuple(b.certificate for b in self.read_blocks if b.certificate is not None)

    @cached_property
    def key_hash(self) -> str | None:
        """The SHA-256 of the public key that belongs to `key`; None without one."""
        return None if self.key is None else fingerprint(self.key.public_key())

    @property
    def has_unread(self) -> bool:
        """True if gRPC may read a certificate here that cryptography cannot parse."""
        return any(b.is_certificate and b.certificate is None for b in self.read_blocks)

    @property
    def leaf_is_unread(self) -> bool:
        """True if the first certificate is one that cryptography cannot parse."""
        first = next((block for block in self.read_blocks if block.is_certificate), None)
        return first is not None and first.certificate is None

    @property
    def pem(self) -> bytes:
        """The bytes for gRPC, which knows neither passwords nor PKCS#12."""
        return self.converted or self.data


def inline_pem(text: str) -> bytes:
    """Material given as text: PEM, or base64 of PEM or of what is binary."""
    if "-----" not in text:
        with suppress(ValueError):
            decoded = base64.b64decode("".join(text.split()), validate=True)
            if b"-----BEGIN " in decoded or decoded.startswith(b"\x30"):  # DER
                return decoded
    return text.encode("utf-8", "surrogateescape")


def read_one(
    slot: str, path: str, setting: str, source: str, password: str | None = None
) -> Material:
    """Read and parse one file.

    Args:
        slot: What it is for; one that ends in ``_key`` wants a private key, any other a
            certificate.
        path: An absolute path.
        setting: The setting that names it, and `source` where that setting's value came from.
        source: See `setting`.
        password: Opens an encrypted key, or the PKCS#12 store of a client.
    """
    content = read_path(path)
    return parse_material(
        Material(
            slot,
            setting,
            source,
            f"file:{printable(path)}",
            content.data,
            fault=content.fault,
            mode=content.mode,
            exposed_to=content.exposed_to,
        ),
        password,
    )


class _Contents(NamedTuple):
    """What parsing adds to a `Material`; see there."""

    blocks: tuple[Block, ...] = ()
    fault: Fault | None = None
    key: PrivateKeyTypes | None = None
    converted: bytes = b""

    def __repr__(self) -> str:
        return type(self).__name__  # it may hold a key


def parse_material(raw: Material, password: str | None = None) -> Material:
    """Parse the bytes of one piece of material, keeping what is wrong with them as a fault."""
    if raw.fault is not None:
        return raw
    blocks, fault, key, converted = _parsed(raw.slot, raw.data, password)
    return replace(raw, blocks=blocks, fault=fault, key=key, converted=converted)


def _parsed(slot: str, data: bytes, password: str | None) -> _Contents:
    if not data.strip():
        return _Contents(fault=Fault("file-empty"))
    armors = tuple(read_armor(data))
    if not armors:
        store = open_store(data, password) if slot in _CLIENT else None
        if store is not None:
            return _from_store(slot, store, encrypted=password is not None)
        why = why_no_block(data)
        if why:
            return _Contents(fault=Fault("pem-malformed", why))
        return _Contents(fault=Fault("file-not-pem", recognise(data).value))
    blocks = tuple(map(_block, armors))
    wants_key = slot.endswith("_key")
    wanted = _KEYS if wants_key else _CERTIFICATES
    for armor, block in zip(armors, blocks, strict=True):
        if block.error:
            why = f"the block {block.label} on line {block.line}: {block.error}"
            return _Contents(blocks, Fault("pem-malformed", why))
        if block.label in wanted:
            return _Contents(blocks, *read_key(armor, password) if wants_key else ())
    return _Contents(blocks, Fault("pem-wrong-type", blocks[0].label))


def _from_store(slot: str, store: Store | Fault, *, encrypted: bool) -> _Contents:
    if isinstance(store, Fault):
        return _Contents(fault=store)
    if slot == "client_key":
        if store.key is None:
            return _Contents(fault=Fault("pem-wrong-type", "PKCS12 without a key"))
        block = Block("ENCRYPTED PRIVATE KEY" if encrypted else "PRIVATE KEY", 1)
        return _Contents((block,), key=store.key, converted=plain_pem(store.key))
    if not store.chain:
        return _Contents(fault=Fault("pem-wrong-type", "PKCS12 without a certificate"))
    blocks = tuple(Block("CERTIFICATE", 1, certificate) for certificate in store.chain)
    return _Contents(blocks, converted=chain_pem(store.chain))


def _block(armor: Armor) -> Block:
    if armor.error or armor.label not in _CERTIFICATES:
        return Block(armor.label, armor.line, error=armor.error)
    try:
        certificate = _certificate(armor.der)
    except x509.InvalidVersion as error:
        if error.parsed_version > _LAST_VERSION:
            why = f"it contains a certificate of the unknown version {error.parsed_version + 1}"
            return Block(armor.label, armor.line, error=why)
        return _odd_certificate(armor)
    except ValueError:
        return _odd_certificate(armor)
    return Block(armor.label, armor.line, certificate)


@lru_cache(maxsize=512)
def _certificate(der: bytes) -> x509.Certificate:
    """Parse a certificate; the same bytes, such as the public roots, are parsed once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd certificates are what this library judges
        return x509.load_der_x509_certificate(der)


def _odd_certificate(armor: Armor) -> Block:
    """OpenSSL's parser is as lax as gRPC's; ``TRUSTED CERTIFICATE`` has more behind the DER."""
    from OpenSSL import crypto  # noqa: PLC0415 - rare

    try:
        lax = crypto.load_certificate(crypto.FILETYPE_ASN1, armor.der)
    except crypto.Error:
        why = "its base64 contains no certificate that can be read"
        return Block(armor.label, armor.line, error=why)
    try:
        certificate = lax.to_cryptography()
    except (ValueError, x509.InvalidVersion):
        certificate = None
    return Block(armor.label, armor.line, certificate)
