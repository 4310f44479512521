"""Message, remedy and command for each way in which a file cannot be used."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from ..._common.text import printable
from ...pem.blocks import BLANK_LINE, CUT_LINE, JOINED, SHORT_LINES
from ...pem.formats import Kind
from ...pem.material import Material
from ...pem.slots import SYSTEM
from .conversions import CONVERSIONS, LABELS, Conversion


class Words(NamedTuple):
    """What a finding about a file says.

    Attributes:
        message: The cause, in one sentence.
        remedy: What repairs it.
        command: A line to paste that does so, or shows more.
    """

    message: str
    remedy: str
    command: str | None = None


def missing(material: Material) -> Words:
    """Words for ``file-missing``."""
    hint = material.fault.hint if material.fault else ""
    path = material.origin.removeprefix("file:")
    url = re.search(r"(?:^|/)([a-z][a-z0-9+-]+):/+(.*)$", path)  # made absolute as a relative path
    if url and url[1] == "file":
        remedy = f"Write the path without file://, as /{url[2]}."
    elif url:
        remedy = f"{material.setting} takes the path of a file, not a URL: download the file first."
    elif hint:
        remedy = f"Did you mean {hint}?"
    else:
        remedy = _another_form(path) or (
            f"Correct {material.setting} (from {material.source}), or put the file there."
        )
    return Words(f"{material.setting} names {path}, but {_detail(material)}.", remedy)


def _another_form(path: str) -> str:
    """What helps where a path is written in a form that is not of this system; else empty."""
    variable = re.search(r"\$\{?(\w+)|%(\w+)%", path)
    if variable:
        return f"Set the variable {variable[1] or variable[2]}, or write the whole path."
    if os.path.basename(path).lower() == SYSTEM:  # noqa: PTH119 - text
        return f"Write {SYSTEM} in lower case for the public CAs, or correct the path."
    windows = re.search(r"(?:^|/)([A-Za-z]):\\(.*)$", path)
    if windows and os.name != "nt":
        within = f"/mnt/{windows[1].lower()}/{windows[2]}".replace("\\", "/")
        return f"This is a path of Windows; write the path on this system, in WSL {within}."
    first = re.split(r"[:,;]\s*", path)[0]
    if first != path and os.path.isfile(first):  # noqa: PTH113 - False for what cannot be
        return "Name one file; it may contain several certificates, one after the other."
    return ""


def not_regular(material: Material) -> Words:
    """Words for ``file-not-regular``."""
    message = f"{material.setting} leads to {_detail(material)}, not to a file."
    return Words(message, f"Name the PEM file itself in {material.setting}.")


def unreadable(material: Material) -> Words:
    """Words for ``file-unreadable``."""
    closed = material.fault.hint if material.fault else ""
    if closed:
        folder = printable(closed)
        return Words(
            f"The file of {material.setting} cannot be read: this user may not enter the directory "
            f"{folder}.",
            "Let this user enter it (chmod o+x, or its group), or put the file into another "
            "directory.",
            f"ls -ld {shlex.quote(folder)}",
        )
    message = f"The file of {material.setting} cannot be read: {_detail(material)}."
    if _in_kubernetes_volume(material):
        return Words(message, _KUBERNETES_MODE, f"ls -lL {quoted(material)}")
    return Words(message, "Give this user permission to read it.", f"ls -l {quoted(material)}")


def empty(material: Material) -> Words:
    """Words for ``file-empty``."""
    message = f"{subject(material)} is empty, and pymilvus may abort the process."
    return Words(
        message,
        f"Put {_expected_content(material)} there. Often the cause is a secret that is not set.",
    )


def too_large(material: Material) -> Words:
    """Words for ``file-too-large``."""
    message = f"The file of {material.setting} is too large for PEM material and was not read."
    return Words(message, f"Name the PEM file itself in {material.setting}.")


def not_pem(material: Material) -> Words:
    """Words for ``file-not-pem``."""
    detail = _detail(material)
    message = f"{subject(material)} is {detail}; gRPC reads only PEM."
    return Words(message, *_convert(material, CONVERSIONS.get(detail)))


def malformed(material: Material) -> Words:
    """Words for ``pem-malformed``."""
    detail = _detail(material)
    message = f"{subject(material)} is damaged PEM: {detail}."
    cut = b"\n" not in material.data.strip() and b"-----END" not in material.data
    if "END" in detail and cut and not material.origin.startswith("file:"):
        remedy = "Only its first line was read: in an .env file a value ends with its line."
        return Words(message, f"{remedy} Use base64 of the file instead: base64 -w0 FILE.")
    return Words(message, *repair(detail, material))


# What a fault's words hold, what helps, and the command that does it.
_REPAIRS = (
    (
        "two characters \\n",
        "Put real line breaks there.",
        "printf '%b\\n' \"$(tr -d '\"' < {file})\" > fixed.pem",
    ),
    (
        "byte order mark",
        "Remove the byte order mark.",
        "sed '1s/^\\xEF\\xBB\\xBF//' {file} > fixed.pem",
    ),
    ("indented", "Remove the blanks.", "sed 's/^[ \\t]*//' {file} > fixed.pem"),
    (
        JOINED,
        "Put END and BEGIN on separate lines.",
        "awk '{{gsub(/----------BEGIN/, \"-----\\n-----BEGIN\"); print}}' {file} > fixed.pem",
    ),
    (BLANK_LINE, "Remove the blank lines.", "grep -v '^[[:space:]]*$' {file} > fixed.pem"),
    (SHORT_LINES, "Remove the blank lines.", "grep -v '^[[:space:]]*$' {file} > fixed.pem"),
    (CUT_LINE, "Break the lines after 64 characters.", "fold -w 64 {file} > fixed.pem"),
)


def repair(detail: str, material: Material) -> tuple[str, str | None]:
    """What helps with a fault in PEM text, and the command that does it, if there is one."""
    for words, remedy, command in _REPAIRS:
        if words in detail:
            return remedy, command.format(file=quoted(material))
    return "Copy it again from where it was made, from the BEGIN line to the END line.", None


def wrong_type(material: Material) -> Words:
    """Words for ``pem-wrong-type``."""
    label = _detail(material)
    conversion = LABELS.get(label)
    named = conversion.what if conversion else f"a block {label}"
    message = f"{subject(material)} contains {named}, but {_expected_content(material)} is needed."
    if material.slot == "client_key" and label.endswith("CERTIFICATE"):
        return Words(message, "Name the private key in client_key_path; were the two swapped?")
    if material.slot != "client_key" and label.endswith("PRIVATE KEY"):
        remedy = f"Name a certificate in {material.setting}; were two settings swapped?"
        return Words(message, remedy)
    return Words(message, *_convert(material, conversion))


def encrypted(material: Material) -> Words:
    """Words for ``key-encrypted``."""
    message = f"{_locked(material)} is encrypted, and no password is set."
    if _is_store(material):
        return Words(message, "Set client_key_password to the password of the store.")
    command = f"openssl pkey -in {quoted(material)} -out client-plain.key"
    return Words(message, "Set client_key_password, or remove the password.", command)


def password_wrong(material: Material) -> Words:
    """Words for ``key-password-wrong``."""
    locked = _locked(material)
    message = f"client_key_password does not decrypt {locked[:1].lower()}{locked[1:]}."
    if not material.origin.startswith("file:"):
        remedy = f"Correct client_key_password, or the text of {material.setting}."
        return Words(message, remedy)
    form = "pkcs12" if _is_store(material) else "pkey"
    command = f"openssl {form} -noout -in {quoted(material)}"
    return Words(
        message, "Correct client_key_password. Test the password with the command below.", command
    )


def restrict(material: Material) -> tuple[str, str | None]:
    """How to keep others from using a private key."""
    if _in_kubernetes_volume(material):
        return _KUBERNETES_MODE, None
    return "Allow only its owner to use it.", f"chmod 600 {quoted(material)}"


# The mode of a file in a Kubernetes volume is set where the volume is declared. A container that
# does not run as root reads the file by its group, fsGroup, so 0440 and not 0400.
_KUBERNETES_MODE = "Set defaultMode: 0440 for the Kubernetes volume, and fsGroup for the pod."


def _in_kubernetes_volume(material: Material) -> bool:
    """True for a file of a Secret, a ConfigMap or a projected volume: kubelet's AtomicWriter."""
    path = material.origin.removeprefix("file:")
    folders = (Path(path).parent, Path(os.path.realpath(path)).parent.parent)
    return any(os.path.islink(folder / "..data") for folder in folders)  # noqa: PTH114 - no OSError


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


def _expected_content(material: Material) -> str:
    return "a private key" if material.slot == "client_key" else "a certificate"


# What helps with a text that is in the wrong form.
_AROUND = (
    "Put the line -----BEGIN {label}----- before it and the line -----END {label}----- after it."
)
_HINTS = {
    Kind.PATH.value: "Name the file in {setting}_path; {setting} takes the text itself.",
    Kind.BASE64_TWICE.value: "Decode it; in a Kubernetes Secret, put the PEM under stringData.",
    Kind.DATA_URI.value: "Set {setting} to what follows the comma.",
    Kind.CERTIFICATE.value: _AROUND,
    Kind.KEY.value: _AROUND,
    Kind.BODY.value: _AROUND,
}


def _convert(material: Material, conversion: Conversion | None) -> tuple[str, str | None]:
    if not material.origin.startswith("file:"):
        hint = _HINTS.get(_detail(material))
        if hint:
            label = "PRIVATE KEY" if material.slot == "client_key" else "CERTIFICATE"
            return hint.format(setting=material.setting, label=label), None
        content = _expected_content(material)
        return f"Give {content} as PEM text, or base64 of that, in {material.setting}.", None
    if _detail(material) == Kind.PATH.value:
        return f"Set {material.setting} to that path, or put the PEM itself into the file.", None
    if conversion is None or not conversion.command(material.slot):
        return f"Name a PEM file with {_expected_content(material)} in {material.setting}.", None
    source = quoted(material)
    stem = Path(material.origin.removeprefix("file:")).stem
    form = "key" if material.slot == "client_key" else "pem"
    target = shlex.quote(f"{os.path.basename(stem)}-converted.{form}")  # noqa: PTH119 - a name
    command = conversion.command(material.slot).format(source=source, target=target)
    return f"Convert it, and set {material.setting} to the new file.", command
