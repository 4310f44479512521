"""From a raw value to the one that counts: stray characters, home, variables, the URI's parts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from .._common.endpoint import ParsedUri, mask_uri, uri_of
from .._common.text import printable
from ..pem.shapes import holds_material, is_material_path
from ..pem.slots import SYSTEM, Slot
from ..reporting.report import Finding, finding
from .credentials import unpack_uri
from .provenance import Sourced, inside

SECRETS = ("password", "token", "client_key_password", "client_key")
PATHS = tuple(slot.path_setting for slot in Slot)
INLINE = tuple(slot.text_setting for slot in Slot)


def clean(
    raw: Mapping[str, Sourced], environ: Mapping[str, str]
) -> tuple[dict[str, Sourced], list[Finding]]:
    """Strip what surrounds values, make paths absolute, and drop what is empty.

    Args:
        raw: The winning value of each setting.
        environ: The values for ``~`` and ``$VAR`` in a path.

    Returns:
        The values that count, and a note on each that was changed beyond its path.
    """
    cleaned: dict[str, Sourced] = {}
    notes: list[Finding] = []
    for name, entry in raw.items():
        value = entry.value
        if isinstance(value, (bytes, os.PathLike)):
            value = os.fsdecode(value)
        if isinstance(value, str):
            text = value if entry.literal and name in SECRETS else stripped(value)
            # A block of PEM text ends with a line break as it should.
            if text != value and not (name in INLINE and text == value.strip()):
                notes.append(noted_cleaned(name, entry.source, value, text))
            value = text
            if name in PATHS and value not in {"", SYSTEM} and not is_material_path(value):
                value = expand(value, entry.base, environ)
        if entry.comment_cut and name in SECRETS:
            notes.append(_noted_comment(name, entry.source))
        if entry.unset_variable:
            notes.append(_noted_unset(name, entry.source))
        if value != "":
            cleaned[name] = entry if value is entry.value else replace(entry, value=value)
    return cleaned, notes


def with_scheme(values: Mapping[str, Sourced]) -> dict[str, Sourced]:
    """Complete an address that has no scheme: TLS, unless plaintext is asked for."""
    uri = values.get("uri")
    if uri is None or not uri.without_scheme:
        return dict(values)
    text = uri_of(uri.value)
    requests = [values[name].value for name in ("secure", "tls_mode") if name in values]
    if any(stripped(str(value)).lower() in _PLAINTEXT for value in requests):
        text = re.sub("^https://", "http://", text)
    return {**values, "uri": replace(uri, value=text)}


_PLAINTEXT = {"false", "f", "no", "n", "off", "0", "plaintext"}


def expand(value: str, base: Path, environ: Mapping[str, str]) -> Path:
    """Resolve ``~``, ``$VAR`` and a relative path; an unknown variable stays as it is written."""
    text = re.sub(
        r"\$(?:(\w+)|\{(\w+)\})",
        lambda match: environ.get(match[1] or match[2], match[0]),
        value,
    )
    if text.startswith("~"):
        head, _, rest = text.partition("/")
        home = environ.get("HOME") if head == "~" else None
        with suppress(ValueError):  # a zero byte in a user's name
            text = f"{home}/{rest}" if home else os.path.expanduser(text)  # noqa: PTH111 - keeps an unknown user as text
    return Path(os.path.normpath(os.path.join(base, text)))  # noqa: PTH118 - one Path, not three


def unpack(
    values: Mapping[str, Sourced], parsed: ParsedUri | None
) -> tuple[dict[str, Sourced], list[Finding]]:
    """Settings that are part of another: of the URI, and the key in a PKCS#12 store.

    Returns:
        All settings, and a note on each credential that is not used.
    """
    unpacked, notes = unpack_uri(values, parsed)
    return _unpack_store(unpacked), notes


_STORE = (".p12", ".pfx")
# Base64 without PEM's dashes, of DER that is longer than 127 bytes.
_STORE_TEXT = re.compile(r"MI[A-Za-z0-9+/=\s]+")


def _unpack_store(values: Mapping[str, Sourced]) -> dict[str, Sourced]:
    """A PKCS#12 store as client certificate is the key as well, where no other is named."""
    unpacked = dict(values)
    for setting, key in (("client_pem_path", "client_key_path"), ("client_pem", "client_key")):
        entry = values.get(setting)
        if entry is None or {"client_key", "client_key_path"} & set(values):
            continue
        text = str(entry.value)
        if _STORE_TEXT.fullmatch(text) if setting in INLINE else text.lower().endswith(_STORE):
            unpacked[key] = replace(entry, source=inside(setting, entry.source))
    return unpacked


def shown_value(name: str, value: object) -> str:
    """A setting's value as it may be printed anywhere: secrets masked, always encodable."""
    if value is None:
        return ""
    if name in SECRETS or isinstance(value, SecretStr):
        return "**********"
    if name in INLINE or (is_material_path if name in PATHS else holds_material)(str(value)):
        return "<PEM text>"
    if isinstance(value, bool):
        return str(value).lower()
    return printable(mask_uri(str(value)) if name == "uri" else str(value))


def stripped(value: str) -> str:
    """Drop what shells, Windows editors and ``docker --env-file`` leave around a value."""
    text = value.strip().lstrip("\ufeff")
    while len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text


def noted_cleaned(name: str, source: str, before: str, after: str) -> Finding:
    """The note on a value that had blanks, quotes or a line end around it."""
    hidden = name in SECRETS or name in INLINE
    return finding(
        "value-cleaned",
        f"Blanks, quotes or a line end around the value of {name} were removed.",
        f"Write the value without them in {source}.",
        setting=name,
        source=source,
        expected=None if hidden else shown_value(name, after),
        presented=None if hidden else repr(mask_uri(before) if name == "uri" else before),
    )


def _noted_comment(name: str, source: str) -> Finding:
    return finding(
        "value-cleaned",
        f"In {source} the text after the first blank and # is a comment, and not part of {name}.",
        f"If the # belongs to {name}, put the whole value between single quotes.",
        setting=name,
        source=source,
    )


def _noted_unset(name: str, source: str) -> Finding:
    """The variable's name is not shown: it may be a part of a password."""
    return finding(
        "value-cleaned",
        f"In {source} a ${{NAME}} in the value of {name} was replaced by nothing, because no "
        "variable of that name is set.",
        f"Set that variable. If the text is meant as it is written, set {name} elsewhere, such as "
        "in the environment or a TOML file: python-dotenv replaces ${NAME} within quotes too.",
        setting=name,
        source=source,
    )
