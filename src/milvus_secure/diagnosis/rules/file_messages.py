"""Message and remedy for each way in which a file cannot be used."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ...pem.formats import Kind
from ...pem.material import Material
from .conversions import CONVERSIONS, LABELS, Conversion


def missing(material: Material) -> tuple[str, str]:
    """Words for ``file-missing``."""
    hint = material.fault.hint if material.fault else ""
    remedy = (
        f"Did you mean {hint}?"
        if hint
        else f"Correct {material.setting} (from {material.source}), or put the file there."
    )
    path = material.origin.removeprefix("file:")
    return f"{material.setting} names {path}, but {_detail(material)}.", remedy


def not_regular(material: Material) -> tuple[str, str]:
    """Words for ``file-not-regular``."""
    message = f"{material.setting} leads to {_detail(material)}, not to a file."
    return message, f"Name the PEM file itself in {material.setting}."


def unreadable(material: Material) -> tuple[str, str]:
    """Words for ``file-unreadable``."""
    message = f"The file of {material.setting} cannot be read: {_detail(material)}."
    return message, f"Let this user read it; see: ls -l {quoted(material)}"


def empty(material: Material) -> tuple[str, str]:
    """Words for ``file-empty``."""
    message = f"{subject(material)} is empty; pymilvus itself may abort on it."
    return message, f"Put {_wanted(material)} there; an unset secret is often the reason."


def too_large(material: Material) -> tuple[str, str]:
    """Words for ``file-too-large``."""
    message = f"The file of {material.setting} is too large for PEM material and was not read."
    return message, f"Name the PEM file itself in {material.setting}."


def not_pem(material: Material) -> tuple[str, str]:
    """Words for ``file-not-pem``."""
    detail = _detail(material)
    return f"{subject(material)} is {detail}; gRPC reads only PEM.", _convert(
        material, CONVERSIONS.get(detail)
    )


def malformed(material: Material) -> tuple[str, str]:
    """Words for ``pem-malformed``."""
    detail = _detail(material)
    if "two characters \\n" in detail:
        remedy = "Put real line breaks there; in a shell: printf '%b' \"$PEM\" > fixed.pem"
    elif "byte order mark" in detail:
        remedy = f"Remove it: sed '1s/^\\xEF\\xBB\\xBF//' {quoted(material)} > fixed.pem"
    elif "indented" in detail:
        remedy = f"Remove the blanks: sed 's/^[ \\t]*//' {quoted(material)} > fixed.pem"
    else:
        remedy = "Copy it again from where it was made, from the BEGIN line to the END line."
    return f"{subject(material)} is damaged PEM: {detail}.", remedy


def wrong_type(material: Material) -> tuple[str, str]:
    """Words for ``pem-wrong-type``."""
    label = _detail(material)
    what = LABELS.get(label)
    named = what.what if what else f"a block {label}"
    message = f"{subject(material)} holds {named}, where {_wanted(material)} belongs."
    if material.slot == "client_key" and label.endswith("CERTIFICATE"):
        return message, "Name the private key in client_key_path; were the two swapped?"
    if material.slot != "client_key" and label.endswith("PRIVATE KEY"):
        return message, f"Name a certificate in {material.setting}; were two settings swapped?"
    return message, _convert(material, what)


def encrypted(material: Material) -> tuple[str, str]:
    """Words for ``key-encrypted``."""
    message = f"{_locked(material)} is encrypted, and no password is given."
    if _is_store(material):
        return message, "Set client_key_password to the password of the store."
    command = f"openssl pkey -in {quoted(material)} -out client-plain.key"
    return message, f"Set client_key_password, or remove the password: {command}"


def password_wrong(material: Material) -> tuple[str, str]:
    """Words for ``key-password-wrong``."""
    what = _locked(material)
    message = f"client_key_password does not open {what[:1].lower()}{what[1:]}."
    if not material.origin.startswith("file:"):
        return message, f"Correct client_key_password, or the text of {material.setting}."
    form = "pkcs12" if _is_store(material) else "pkey"
    return message, f"Try the password by hand: openssl {form} -noout -in {quoted(material)}"


def _locked(material: Material) -> str:
    store = f"The PKCS#12 store of {material.setting}"
    return store if _is_store(material) else "The client key"


def _is_store(material: Material) -> bool:
    return _detail(material) == Kind.PKCS12.value


def subject(material: Material) -> str:
    """The file or the text, as the subject of a sentence."""
    path = material.setting.endswith("_path")
    return f"The file of {material.setting}" if path else f"The text of {material.setting}"


def quoted(material: Material) -> str:
    """The file as it may be typed into a shell; inline text is one to be saved first."""
    path = material.origin.removeprefix("file:")
    return shlex.quote(path) if material.origin.startswith("file:") else f"{material.slot}.txt"


def _detail(material: Material) -> str:
    return material.fault.detail if material.fault else ""


def _wanted(material: Material) -> str:
    return "a private key" if material.slot == "client_key" else "a certificate"


def _convert(material: Material, conversion: Conversion | None) -> str:
    if not material.origin.startswith("file:"):
        return f"Give {_wanted(material)} as PEM text, or base64 of that, in {material.setting}."
    if conversion is None or not conversion.command(material.slot):
        return f"Name a PEM file with {_wanted(material)} in {material.setting}."
    source = quoted(material)
    stem = Path(material.origin.removeprefix("file:")).stem
    form = "key" if material.slot == "client_key" else "pem"
    target = shlex.quote(f"{os.path.basename(stem)}-converted.{form}")  # noqa: PTH119 - a name
    return "Convert it: " + conversion.command(material.slot).format(source=source, target=target)
