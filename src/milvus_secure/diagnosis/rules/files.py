"""Rules about files: what keeps PEM material from being read, and what is odd about it.

gRPC is the judge. A fault in a file that the connection does not use is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ..._common.tls_mode import TLSMode
from ...pem.files import Fault
from ...pem.known_keys import KNOWN, fingerprint
from ...pem.material import Block, Material
from ...reporting.report import Finding, Severity, finding
from ..context import Context
from . import file_messages as words
from .rule import Rule

# What BoringSSL signs a client's handshake with (``ssl/ssl_privkey.cc``); measured, too, is
# that RSA of 512 bits has no room for the signature.
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_SHORTEST_RSA = 768


def _fault_rule(code: str, words_for: Callable[[Material], words.Words], expected: str) -> Rule:
    """A rule for a fault found while reading: `words_for` gives its message and remedy."""

    def judge(context: Context) -> Iterator[Finding]:
        reported: set[tuple[Fault, bytes | str]] = set()
        for material in context.material.values():
            if material.fault is not None and material.fault.code == code:
                # A store, or one file with certificate and key, is named twice.
                identity = material.fault, material.data or material.origin
                if identity in reported:
                    continue
                reported.add(identity)
                yield _about(
                    context,
                    material,
                    code,
                    words_for(material),
                    expected=expected,
                    presented=material.fault.detail or None,
                )

    return Rule(code, judge)


def _about(
    context: Context,
    material: Material,
    code: str,
    text: words.Words,
    *,
    expected: str | None = None,
    presented: str | None = None,
    warn: bool = False,
) -> Finding:
    unused = material.slot not in used_slots(context)
    tail = " This connection does not use it." if unused and not warn else ""
    return finding(
        code,
        text.message + tail,
        text.remedy,
        severity=Severity.WARNING if unused or warn else None,
        setting=material.setting,
        source=material.source,
        origin=material.origin,
        expected=expected,
        presented=presented,
        command=text.command,
    )


def used_slots(context: Context) -> tuple[str, ...]:
    """The slots whose material `wiring` hands to gRPC."""
    if context.mode is TLSMode.MUTUAL:
        return ("ca_pem", "client_pem", "client_key")
    anchor = context.anchor_material
    return (anchor.slot,) if anchor else ()


def _unsupported(context: Context) -> Iterator[Finding]:
    for slot in ("client_key", "client_pem"):  # a store may be either, or both
        material = context.material.get(slot)
        why = _unusable(material) if material else ""
        if material is None or not why:
            continue
        yield _about(
            context,
            material,
            "key-unsupported",
            words.Words(
                f"gRPC cannot authenticate a client with {why}.",
                "Make a P-256 key, and have the certificate reissued for it.",
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out client.key",
            ),
            expected="RSA of 2048 bits or more, EC P-256, P-384 or P-521, or Ed25519",
            presented=why,
        )
        return


def _unusable(material: Material) -> str:
    if material.fault and material.fault.code == "key-unsupported":
        return material.fault.detail
    return _refused(material.key) if material.key is not None else ""


def _refused(key: PrivateKeyTypes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return f"an RSA key of {key.key_size} bits" if key.key_size < _SHORTEST_RSA else ""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "" if key.curve.name in _CURVES else f"an EC key on the curve {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ""
    return f"a key of type {type(key).__name__.removesuffix('PrivateKey')}"


def _mismatch(context: Context) -> Iterator[Finding]:
    key, holder = context.material.get("client_key"), context.material.get("client_pem")
    if key is None or holder is None or key.key is None:
        return
    digest = key.key_hash
    certified = [_certified(block) for block in holder.read_blocks if block.is_certificate]
    # A key that belongs to a later certificate is a matter of chain-order.
    if not certified or digest is None or None in certified or digest in certified:
        return
    yield _about(
        context,
        key,
        "key-mismatch",
        words.Words(
            "The client key does not belong to the client certificate.",
            "Set client_pem_path and client_key_path to the two that were made together. To "
            "compare their public keys:",
            f"openssl x509 -noout -pubkey -in {words.quoted(holder)}; "
            f"openssl pkey -pubout -in {words.quoted(key)}",
        ),
        expected=f"public key SHA-256 {certified[0]}",
        presented=f"public key SHA-256 {digest}",
    )


@lru_cache(maxsize=512)
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
            digests.append(material.key_hash)
        known = next((KNOWN[digest] for digest in digests if digest in KNOWN), None)
        if known is None:
            continue
        yield _about(
            context,
            material,
            "known-public-key",
            words.Words(
                f"{words.subject(material)} is the example {known} from the Milvus repository; "
                "its private key is public.",
                "Make new certificates.",
                "milvus-secure certs init certs",
            ),
            expected="a key that only its owner has",
            presented=f"the published {known}",
        )


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
            context,
            material,
            "key-permissions",
            words.Words(
                f"The private key of {material.setting} can be used by {material.exposed_to}, "
                "not only by its owner.",
                *words.restrict(material),
            ),
            warn=True,
            expected="mode 600",
            presented=f"mode {material.mode or 0:o}",
        )


def _key_in_trust_file(context: Context) -> Iterator[Finding]:
    for slot in ("server_pem", "ca_pem"):
        material = context.material.get(slot)
        keys = [b for b in material.blocks if b.label.endswith("PRIVATE KEY")] if material else []
        if material is None or material.fault or not keys:
            continue
        yield _about(
            context,
            material,
            "key-in-trust-file",
            words.Words(
                f"{words.subject(material)} contains a private key; a client needs only the "
                "certificate.",
                "Distribute a copy without the key.",
                f"openssl crl2pkcs7 -nocrl -certfile {words.quoted(material)} | "
                "openssl pkcs7 -print_certs -out trust.pem",
            ),
            warn=True,
            expected="certificates only",
            presented=f"{keys[0].label} on line {keys[0].line}",
        )


def _trailing_block(context: Context) -> Iterator[Finding]:
    for material in context.material.values():
        ignored = None if material.fault else _ignored(material)
        if ignored is None:
            continue
        block, why = ignored
        remedy, command = words.repair(block.error, material)
        yield _about(
            context,
            material,
            "pem-trailing-block",
            words.Words(
                f"gRPC silently ignores a part of {material.setting}: {why}.",
                remedy
                if command
                else "Remove or repair that block, so that all programs read the same.",
                command,
            ),
            warn=True,
            expected="blocks that gRPC reads",
            presented=f"{block.label} on line {block.line}",
        )


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
                return block, f"{where}, because it reads only the first key"
        elif block.label == "X509 CRL" and material.slot != "client_pem":
            return block, f"{where}, because it does not check revocation lists"
    return None


RULES: tuple[Rule, ...] = (
    _fault_rule("file-missing", words.missing, "a PEM file"),
    _fault_rule("file-not-regular", words.not_regular, "a regular file"),
    _fault_rule("file-unreadable", words.unreadable, "a file this process may read"),
    _fault_rule("file-empty", words.empty, "PEM text"),
    _fault_rule("file-too-large", words.too_large, "at most 8 MiB"),
    _fault_rule("file-not-pem", words.not_pem, "PEM text"),
    _fault_rule("pem-malformed", words.malformed, "PEM as gRPC reads it"),
    _fault_rule("pem-wrong-type", words.wrong_type, "a certificate, or a key for client_key_path"),
    _fault_rule("key-encrypted", words.encrypted, "a password, or a key that is not encrypted"),
    _fault_rule("key-password-wrong", words.password_wrong, "the key's password"),
    Rule("key-unsupported", _unsupported),
    Rule("key-mismatch", _mismatch),
    Rule("known-public-key", _known_public),
    Rule("key-permissions", _permissions),
    Rule("key-in-trust-file", _key_in_trust_file),
    Rule("pem-trailing-block", _trailing_block),
)
