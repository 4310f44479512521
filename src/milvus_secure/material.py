"""Reads each PEM file once. A file that cannot be used is data with a fault, not an exception."""

from __future__ import annotations

import errno
import os
import re
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

if TYPE_CHECKING:
    from .settings import MilvusSettings

MAX_BYTES = 8 << 20
"""The largest file read; the public roots of all browsers together take a quarter of a MiB."""

SLOTS = ("server_pem", "ca_pem", "client_pem", "client_key")

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END ([A-Z0-9 ]+)-----", re.DOTALL)
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why material cannot be used: a finding code and the evidence."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block.

    Attributes:
        label: What stands behind BEGIN, such as ``CERTIFICATE``.
        line: The line BEGIN is on, from 1.
        certificate: Parsed, when it is a certificate that can be read.
        error: Why it cannot be read, or empty.
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
        """True if the label announces a private key."""
        return self.label.endswith("PRIVATE KEY")


@dataclass(frozen=True)
class Material:
    """One PEM setting as it was found.

    Attributes:
        slot: ``server_pem``, ``ca_pem``, ``client_pem`` or ``client_key``.
        setting: The field that gave it, the slot's name or with ``_path``.
        source: Where that field's value came from.
        origin: ``file:/abs/ca.pem``, ``inline:ca_pem`` or ``system``.
        data: The bytes read; never shown.
        fault: Why it cannot be used, or None.
        blocks: Every PEM block in it, broken ones included.
        key: The parsed private key, in the slot of the key only.
        mode: The file's permission bits, when it is a file.
    """

    slot: str
    setting: str
    source: str
    origin: str
    data: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    blocks: tuple[Block, ...] = ()
    key: PrivateKeyTypes | None = field(default=None, repr=False)
    mode: int | None = None

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates gRPC reads: those before the first broken block."""
        read = []
        for block in self.blocks:
            if not block.is_certificate:
                continue
            if block.certificate is None:
                break
            read.append(block.certificate)
        return tuple(read)


def read_material(settings: MilvusSettings) -> Mapping[str, Material]:
    """Read everything the settings refer to, each file once.

    Args:
        settings: Loaded settings; a slot given both inline and as a path is read inline.

    Returns:
        The slots that are set, in the order of `SLOTS`.
    """
    found: dict[str, Material] = {}
    for slot in SLOTS:
        inline, path = getattr(settings, slot), getattr(settings, f"{slot}_path")
        if inline is not None:
            text = inline if isinstance(inline, str) else inline.get_secret_value()
            data = text.encode("utf-8", "surrogateescape")
            base = Material(slot, slot, settings.source_of(slot), f"inline:{slot}", data)
        elif path == "system":
            setting = f"{slot}_path"
            found[slot] = Material(slot, setting, settings.source_of(setting), "system")
            continue
        elif path is not None:
            setting = f"{slot}_path"
            base = _read_file(slot, os.fspath(path), setting, settings.source_of(setting))
        else:
            continue
        password = settings.client_key_password
        found[slot] = parse_material(base, password.get_secret_value() if password else None)
    return found


def parse_material(raw: Material, password: str | None = None) -> Material:
    """Parse the bytes of one piece of material, keeping what is wrong with them as a fault."""
    if raw.fault is not None:
        return raw
    if not raw.data.strip():
        return replace(raw, fault=Fault("file-empty"))
    blocks = _blocks(raw.data)
    if not blocks:
        return replace(raw, fault=_foreign(raw.data))
    if raw.slot == "client_key":
        return _with_key(replace(raw, blocks=blocks), password)
    first = next((block for block in blocks if block.is_certificate), None)
    if first is None:
        return replace(raw, blocks=blocks, fault=Fault("pem-wrong-type", blocks[0].label))
    if first.certificate is None:
        fault = Fault("pem-malformed", f"line {first.line}: {first.error}")
        return replace(raw, blocks=blocks, fault=fault)
    return replace(raw, blocks=blocks)


def _read_file(slot: str, path: str, setting: str, source: str) -> Material:
    raw = Material(slot, setting, source, f"file:{path}")
    try:
        # Never blocks on a FIFO and never follows a device's side effects.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return replace(raw, fault=_unreadable(error))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return replace(raw, fault=Fault("file-not-regular", _kind(status.st_mode)))
        if status.st_size > MAX_BYTES:
            return replace(raw, fault=Fault("file-too-large", f"{status.st_size} bytes"))
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return replace(raw, fault=_unreadable(error))
    finally:
        os.close(descriptor)
    return replace(raw, data=data, mode=stat.S_IMODE(status.st_mode))


def _unreadable(error: OSError | ValueError) -> Fault:
    if isinstance(error, ValueError):
        return Fault("file-missing", "the path holds a zero byte")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}:
        return Fault("file-missing", (error.strerror or "").lower())
    if error.errno in {errno.ENXIO, errno.EISDIR}:
        return Fault("file-not-regular", "a socket or a device")
    return Fault("file-unreadable", (error.strerror or type(error).__name__).lower())


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _blocks(data: bytes) -> tuple[Block, ...]:
    blocks = []
    for match in _BLOCK.finditer(data):
        label = match[1].decode("ascii")
        line = data.count(b"\n", 0, match.start()) + 1
        if label not in _CERTIFICATES:
            blocks.append(Block(label, line))
            continue
        blocks.append(_certificate_block(match[0], label, line))
    return tuple(blocks)


def _certificate_block(pem: bytes, label: str, line: int) -> Block:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd certificates are what this library judges
            return Block(label, line, x509.load_pem_x509_certificate(pem))
    except ValueError as error:
        return Block(label, line, error=str(error).splitlines()[0] if str(error) else "unreadable")


def _with_key(raw: Material, password: str | None) -> Material:
    block = next((block for block in raw.blocks if block.is_key), None)
    if block is None:
        return replace(raw, fault=Fault("pem-wrong-type", raw.blocks[0].label))
    matches = {raw.data.count(b"\n", 0, m.start()) + 1: m[0] for m in _BLOCK.finditer(raw.data)}
    pem = matches[block.line]
    encrypted = block.label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in pem
    if encrypted and password is None:
        return replace(raw, fault=Fault("key-encrypted"))
    try:
        key = serialization.load_pem_private_key(
            pem, password.encode() if encrypted and password is not None else None,
            # Its primality tests take 60 ms for RSA 4096; the pair is compared instead.
            unsafe_skip_rsa_key_validation=True,
        )  # fmt: skip
    except UnsupportedAlgorithm:
        return replace(raw, fault=Fault("key-unsupported", block.label))
    except (TypeError, ValueError) as error:
        if encrypted:
            return replace(raw, fault=Fault("key-password-wrong"))
        return replace(raw, fault=Fault("pem-malformed", f"line {block.line}: {error}"[:200]))
    return replace(raw, key=key)


def _foreign(data: bytes) -> Fault:
    """What a file without a PEM block is."""
    if b"-----BEGIN" in data:
        return Fault("pem-malformed", "a block has no matching END line")
    if data[:4] == b"\xfe\xed\xfe\xed":
        return Fault("file-not-pem", "JKS")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Fault("file-not-pem", "UTF-16")
    if data[:1] == b"\x30":
        return Fault("file-not-pem", _der_kind(data))
    return Fault("file-not-pem", "text" if data[:512].isascii() else "binary")


def _der_kind(data: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415 - rare

    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        pass
    else:
        return "DER certificate"
    try:
        serialization.load_der_private_key(data, None)
    except TypeError:
        return "DER key"
    except (ValueError, UnsupportedAlgorithm):
        pass
    else:
        return "DER key"
    try:
        pkcs12.load_pkcs12(data, None)
    except ValueError as error:
        return "PKCS#12" if "password" in str(error).lower() else "binary"
    return "PKCS#12"
