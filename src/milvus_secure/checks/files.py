"""Rules about files: what keeps PEM material from being read, and what is odd about it.

gRPC is the judge. A fault in a file that the connection does not use is a warning.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ..context import Context
from ..known_keys import KNOWN, fingerprint
from ..material import Block, Material
from ..mode import TLSMode
from ..report import Finding, Severity, finding
from .conversions import CONVERSIONS, LABELS, Conversion
from .rule import Rule

# What BoringSSL signs a client's handshake with (``ssl/ssl_privkey.cc``); measured, too, is
# that RSA of 512 bits has no room for the signature.
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_SHORTEST_RSA = 768

Words = Callable[[Material], tuple[str, str]]


def _fault_rule(code: str, words: Words, expected: str) -> Rule:
    """A rule for a fault found while reading: `words` gives its message and remedy."""

    def judge(context: Context) -> Iterator[Finding]:
        for material in context.material.values():
            if material.fault is not None and material.fault.code == code:
                message, remedy = words(material)
                yield _about(
                    context, material, code, message, remedy,
                    expected=expected, presented=material.fault.detail or None,
                )  # fmt: skip

    return Rule(code, judge)


def _about(
    context: Context, material: Material, code: str, message: str, remedy: str, *,
    expected: str | None = None, presented: str | None = None, warn: bool = False,
) -> Finding:  # fmt: skip
    unused = material.slot not in used_slots(context)
    tail = " This connection does not use it." if unused and not warn else ""
    return finding(
        code, message + tail, remedy, severity=Severity.WARNING if unused or warn else None,
        setting=material.setting, source=material.source, origin=material.origin,
        expected=expected, presented=presented,
    )  # fmt: skip


def used_slots(context: Context) -> tuple[str, ...]:
    """The slots whose material `wiring` hands to gRPC."""
    if context.mode is TLSMode.MUTUAL:
        return ("ca_pem", "client_pem", "client_key")
    anchor = context.anchor_material
    return (anchor.slot,) if anchor else ()


def _missing(material: Material) -> tuple[str, str]:
    hint = material.fault.hint if material.fault else ""
    remedy = f"Did you mean {hint}?" if hint else (
        f"Correct {material.setting} in {material.source}, or put the file there.")  # fmt: skip
    return f"The file of {material.setting} does not exist: {_detail(material)}.", remedy


def _not_regular(material: Material) -> tuple[str, str]:
    message = f"{material.setting} leads to {_detail(material)}, not to a file."
    return message, f"Name the PEM file itself in {material.setting}."


def _unreadable(material: Material) -> tuple[str, str]:
    message = f"The file of {material.setting} cannot be read: {_detail(material)}."
    return message, f"Let this user read it; see: ls -l {_quoted(material)}"


def _empty(material: Material) -> tuple[str, str]:
    message = f"{_subject(material)} is empty; pymilvus itself may abort on it."
    return message, f"Put {_wanted(material)} there; an unset secret is often the reason."


def _too_large(material: Material) -> tuple[str, str]:
    message = f"The file of {material.setting} is too large for PEM material and was not read."
    return message, f"Name the PEM file itself in {material.setting}."


def _not_pem(material: Material) -> tuple[str, str]:
    detail = _detail(material)
    return f"{_subject(material)} is {detail}; gRPC reads only PEM.", _convert(
        material, CONVERSIONS.get(detail)
    )


def _malformed(material: Material) -> tuple[str, str]:
    detail = _detail(material)
    if "two characters \\n" in detail:
        remedy = "Put real line breaks there; in a shell: printf '%b' \"$PEM\" > fixed.pem"
    elif "byte order mark" in detail:
        remedy = f"Remove it: sed '1s/^\\xEF\\xBB\\xBF//' {_quoted(material)} > fixed.pem"
    elif "indented" in detail:
        remedy = f"Remove the blanks: sed 's/^[ \\t]*//' {_quoted(material)} > fixed.pem"
    else:
        remedy = "Copy it again from where it was made, from the BEGIN line to the END line."
    return f"{_subject(material)} is damaged PEM: {detail}.", remedy


def _wrong_type(material: Material) -> tuple[str, str]:
    label = _detail(material)
    what = LABELS.get(label)
    named = what.what if what else f"a block {label}"
    message = f"{_subject(material)} holds {named}, where {_wanted(material)} belongs."
    if material.slot == "client_key" and label.endswith("CERTIFICATE"):
        return message, "Name the private key in client_key_path; were the two swapped?"
    if material.slot != "client_key" and label.endswith("PRIVATE KEY"):
        return message, f"Name a certificate in {material.setting}; were two settings swapped?"
    return message, _convert(material, what)


def _encrypted(material: Material) -> tuple[str, str]:
    command = f"openssl pkey -in {_quoted(material)} -out client-plain.key"
    return (
        "The client key is encrypted, and no password is given.",
        f"Set client_key_password, or remove the password: {command}",
    )


def _password_wrong(material: Material) -> tuple[str, str]:
    return (
        "client_key_password does not open the client key.",
        f"Try the password by hand: openssl pkey -noout -in {_quoted(material)}",
    )


def _unsupported(context: Context) -> Iterator[Finding]:
    material = context.material.get("client_key")
    if material is None:
        return
    why = ""
    if material.fault and material.fault.code == "key-unsupported":
        why = material.fault.detail
    elif material.key is not None:
        why = _unusable(material.key)
    if why:
        yield _about(
            context, material, "key-unsupported",
            f"gRPC cannot authenticate a client with {why}.",
            "Have the certificate reissued for a P-256 key: "
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out client.key",
            expected="RSA of 2048 bits or more, EC P-256, P-384 or P-521, or Ed25519",
            presented=why,
        )  # fmt: skip


def _unusable(key: PrivateKeyTypes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return f"an RSA key of {key.key_size} bits" if key.key_size < _SHORTEST_RSA else ""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "" if key.curve.name in _CURVES else f"an EC key on the curve {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ""
    return f"a key of type {type(key).__name__.removesuffix('PrivateKey')}"


def _mismatch(context: Context) -> Iterator[Finding]:
    given, holder = context.material.get("client_key"), context.material.get("client_pem")
    if given is None or holder is None or given.key is None:
        return
    own = fingerprint(given.key.public_key())
    certified = [_certified(block) for block in holder.read_blocks if block.is_certificate]
    # A key that belongs to a later certificate is a matter of chain-order.
    if not certified or own is None or None in certified or own in certified:
        return
    yield _about(
        context, given, "key-mismatch",
        "The client key does not belong to the client certificate.",
        "Name the two that were made together in client_pem_path and client_key_path; compare: "
        f"openssl x509 -noout -pubkey -in {_quoted(holder)} and "
        f"openssl pkey -pubout -in {_quoted(given)}",
        expected=f"public key SHA-256 {certified[0]}", presented=f"public key SHA-256 {own}",
    )  # fmt: skip


def _certified(block: Block) -> str | None:
    if block.certificate is None:
        return None
    try:
        return fingerprint(block.certificate.public_key())
    except Exception:  # noqa: BLE001 - a key that cryptography cannot read matches nothing
        return None


def _known_public(context: Context) -> Iterator[Finding]:
    for material in context.material.values():
        digests = [_certified(b) for b in material.read_blocks if b.is_certificate]
        if material.key is not None:
            digests.append(fingerprint(material.key.public_key()))
        known = next((KNOWN[digest] for digest in digests if digest in KNOWN), None)
        if known is None:
            continue
        yield _about(
            context, material, "known-public-key",
            f"{_subject(material)} is the example {known} from the Milvus repository; "
            "everybody has its private key.",
            "Make certificates of your own: milvus-secure certs init certs",
            expected="a key that only its owner has", presented=f"the published {known}",
        )  # fmt: skip


def _permissions(context: Context) -> Iterator[Finding]:
    for material in context.material.values():
        if not material.exposed_to or not any(
            b.label.endswith("PRIVATE KEY") and not b.label.startswith("ENC")
            for b in material.blocks
        ):
            continue
        if material.slot not in {"client_key", "client_pem"}:
            continue  # key-in-trust-file is the greater matter
        yield _about(
            context, material, "key-permissions",
            f"The private key of {material.setting} can be used by {material.exposed_to}, "
            "not by its owner alone.",
            f"chmod 600 {_quoted(material)}", warn=True,
            expected="mode 600", presented=f"mode {material.mode or 0:o}",
        )  # fmt: skip


def _key_in_trust_file(context: Context) -> Iterator[Finding]:
    for slot in ("server_pem", "ca_pem"):
        material = context.material.get(slot)
        keys = [b for b in material.blocks if b.label.endswith("PRIVATE KEY")] if material else []
        if material is None or material.fault or not keys:
            continue
        yield _about(
            context, material, "key-in-trust-file",
            f"{_subject(material)} holds a private key; a client needs the certificate alone.",
            f"Hand out a copy without it: openssl x509 -in {_quoted(material)} -out trust.pem",
            warn=True, expected="certificates only",
            presented=f"{keys[0].label} on line {keys[0].line}",
        )  # fmt: skip


def _trailing_block(context: Context) -> Iterator[Finding]:
    for material in context.material.values():
        ignored = None if material.fault else _ignored(material)
        if ignored is None:
            continue
        block, why = ignored
        yield _about(
            context, material, "pem-trailing-block",
            f"gRPC silently ignores a part of {material.setting}: {why}.",
            "Remove or repair that block, so that all readers agree.", warn=True,
            expected="blocks that gRPC reads", presented=f"{block.label} on line {block.line}",
        )  # fmt: skip


def _ignored(material: Material) -> tuple[Block, str] | None:
    """The first block that gRPC does not use though it looks as if it should, and why."""
    used = 0
    for block in material.blocks:
        where = f"the {block.label} on line {block.line}"
        if block.error:
            return block, f"everything from {where}, because {block.error}"
        if material.slot == "client_key":
            used += block.is_key
            if used > 1:
                return block, f"{where}, because it takes the first key only"
        elif block.label == "X509 CRL" and material.slot != "client_pem":
            return block, f"{where}, because it checks no revocation lists"
    return None


def _detail(material: Material) -> str:
    return material.fault.detail if material.fault else ""


def _subject(material: Material) -> str:
    path = material.setting.endswith("_path")
    return f"The file of {material.setting}" if path else f"The text of {material.setting}"


def _wanted(material: Material) -> str:
    return "a private key" if material.slot == "client_key" else "a certificate"


def _quoted(material: Material) -> str:
    """The file as it may be typed into a shell; inline text is one to be saved first."""
    path = material.origin.removeprefix("file:")
    return shlex.quote(path) if material.origin.startswith("file:") else f"{material.slot}.txt"


def _convert(material: Material, conversion: Conversion | None) -> str:
    if conversion is None or not conversion.command(material.slot):
        return f"Name a PEM file with {_wanted(material)} in {material.setting}."
    source = _quoted(material)
    stem = Path(material.origin.removeprefix("file:")).stem or material.slot
    target = shlex.quote(f"{os.path.basename(stem)}-converted.pem")  # noqa: PTH119 - a name
    return "Convert it: " + conversion.command(material.slot).format(source=source, target=target)


RULES: tuple[Rule, ...] = (
    _fault_rule("file-missing", _missing, "a PEM file"),
    _fault_rule("file-not-regular", _not_regular, "a regular file"),
    _fault_rule("file-unreadable", _unreadable, "a file this process may read"),
    _fault_rule("file-empty", _empty, "PEM text"),
    _fault_rule("file-too-large", _too_large, "at most 8 MiB"),
    _fault_rule("file-not-pem", _not_pem, "PEM text"),
    _fault_rule("pem-malformed", _malformed, "PEM as gRPC reads it"),
    _fault_rule("pem-wrong-type", _wrong_type, "a certificate, or a key for client_key_path"),
    _fault_rule("key-encrypted", _encrypted, "a password, or a key without one"),
    _fault_rule("key-password-wrong", _password_wrong, "the key's password"),
    Rule("key-unsupported", _unsupported),
    Rule("key-mismatch", _mismatch),
    Rule("known-public-key", _known_public),
    Rule("key-permissions", _permissions),
    Rule("key-in-trust-file", _key_in_trust_file),
    Rule("pem-trailing-block", _trailing_block),
)
