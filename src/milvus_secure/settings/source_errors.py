"""Errors and notes about the sources of settings themselves."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from .._common.text import nearest, printable
from ..errors import SettingsError
from ..pem.shapes import holds_material
from ..pem.slots import Slot
from ..reporting.report import Finding, Severity, finding
from .normalize import shown_value
from .other_names import meant_setting
from .provenance import Sourced
from .unread_names import is_about_verification

if TYPE_CHECKING:
    from pydantic import ValidationError

_T = TypeVar("_T")
_TEXT_FOR = {slot.path_setting: slot.text_setting for slot in Slot}


_TABLE = (
    "Write settings at the top level, and profiles as [profiles.NAME] (YAML, JSON: NAME below "
    "profiles); other tables are not read."
)


def unknown_key(
    key: str,
    where: str,
    names: tuple[str, ...],
    path: Path | None = None,
    *,
    is_table: bool = False,
) -> Finding:
    """A setting that does not exist, in code or in a file."""
    bare = key.lower().removeprefix("milvus_")
    # An unknown key is an error in any case, so a bold guess does no harm.
    close = None if is_table else meant_setting(bare) or nearest(bare, names)
    remedy = f"Did you mean {close!r}?" if close else "See `milvus-secure settings` for the names."
    if close in _TEXT_FOR:
        remedy = f"Did you mean {close!r} (or {_TEXT_FOR[close]!r} for the text itself)?"
    if is_about_verification(bare):
        close = "ca_pem_path"
        remedy = (
            "The server's certificate is always verified: set ca_pem_path to the CA that issued it."
        )
    shown = "<PEM text>" if holds_material(key) else printable(key)
    message = (
        f"The settings file has the unknown key {shown!r}."
        if path
        else (f"There is no setting named {shown!r}.")
    )
    return finding(
        "config-unknown-key",
        message,
        _TABLE if is_table else remedy,
        setting=shown,
        source=where,
        origin=_origin(path) if path else None,
        expected=close,
        presented=shown,
    )


def invalid_values(
    error: ValidationError, values: Mapping[str, Sourced], names: Mapping[str, str]
) -> list[Finding]:
    """One finding for each setting whose value is not of its type; defaults are not validated.

    Args:
        error: What pydantic says.
        values: The settings with their provenance.
        names: Every key that pydantic may use for a setting, with the setting's name.
    """
    findings: dict[str, Finding] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        place = str(detail["loc"][0]) if detail["loc"] else ""
        name = names.get(place, place)
        if name not in findings:
            findings[name] = _invalid(name, detail["type"], detail["msg"], values.get(name))
    return list(findings.values())


def _invalid(name: str, kind: str, why: str, value: Sourced | None) -> Finding:
    why = _PLAIN.get(kind, why.removeprefix("Value error, ").replace("Input should", "it must"))
    subject = f"The value of {name}" if name else "The combination of settings"
    message = f"{subject} cannot be used: {why[:1].lower()}{why[1:]}."
    remedy = _correct(value.source) if value else "Correct the settings."
    scalar = value is not None and isinstance(value.value, (int, float, date, time))
    if value and value.source != "argument" and kind == "string_type" and scalar:
        remedy = f"Put the value between quotes in {value.source}."
    if kind == "missing":
        message, remedy = f"The setting {name} is required, but it is not set.", f"Set {name}."
    return finding(
        "value-invalid",
        message,
        remedy,
        setting=name or None,
        source=value.source if value else None,
        presented=shown_value(name, value.value)[:80] if value else None,
    )


_PLAIN = {
    "string_type": "it is not text",
    "float_type": "it is not a number",
    "float_parsing": "it is not a number",
    "int_type": "it is not a whole number",
    "int_parsing": "it is not a whole number",
    "int_from_float": "it is not a whole number",
    "bool_type": "it is not true or false",
    "bool_parsing": "it is not true or false",
}
"""What pydantic's types of error mean, for engineers who do not know pydantic."""


def _correct(source: str) -> str:
    return "Correct the argument." if source == "argument" else f"Correct it in {source}."


def missing(setting: str, source: str, path: Path, what: str, remedy: str) -> NoReturn:
    """Refuse to continue without a place that was named."""
    raise SettingsError(
        finding(
            "config-file-missing",
            f"The {what} {printable(str(path))} does not exist.",
            remedy,
            setting=setting,
            source=source,
            origin=_origin(path),
        )
    )


def missing_profile(
    profile: Sourced, path: Path, known: tuple[str, ...], *, known_file: bool = True
) -> NoReturn:
    """Refuse to continue without the requested profile."""
    name = printable(profile.value.strip())
    close = nearest(name, known)
    have = f"Its profiles: {', '.join(known)}." if known else "It has no profiles."
    message = f"The profile {name!r} is not in {printable(str(path))}."
    remedy = f"Did you mean {close!r}?" if close else f"Add [profiles.{name}] to it. {have}"
    if not known_file:
        message = f"There is no settings file that could contain the profile {name!r}."
        remedy = f"Name it in MILVUS_CONFIG or --config, or create {printable(str(path))}."
    raise SettingsError(
        finding(
            "profile-missing",
            message,
            remedy,
            setting="profile",
            source=profile.source,
            origin=_origin(path),
            expected=", ".join(known) or None,
            presented=name,
        )
    )


def malformed(
    setting: str,
    source: str,
    path: Path,
    why: str,
    remedy: str = "Correct the file; nothing was read from it.",
    command: str | None = None,
) -> NoReturn:
    """Refuse to guess what a file that cannot be read would say."""
    raise SettingsError(
        finding(
            "config-file-malformed",
            f"{printable(str(path))} cannot be read: {why}.",
            remedy,
            setting=setting,
            source=source,
            origin=_origin(path),
            command=command,
        )
    )


def _listing(path: Path) -> str:
    return f"ls -ld {shlex.quote(printable(str(path)))}"


def _origin(path: Path) -> str:
    return f"file:{printable(str(path))}"


def read_or_raise(setting: str, source: str, path: Path, read: Callable[[], _T]) -> _T:
    """What reading yields; an error message never quotes the text, which may hold secrets.

    Raises:
        SettingsError: If reading fails.
    """
    # Raised outside the handler, so that no parser's exception keeps the text.
    try:
        return read()
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        return malformed(
            setting, source, path, why, "Give this user permission to read it.", _listing(path)
        )
    except ValueError as error:
        why = str(error)
    return malformed(setting, source, path, why)


def key_in_place_of_path(setting: str, source: str) -> NoReturn:
    """Refuse a certificate or a key where the name of a file or a profile belongs."""
    raise SettingsError(
        finding(
            "value-invalid",
            f"The value of {setting} cannot be used: it is the text of a certificate or key.",
            f"{_correct(source)} {setting} takes a name.",
            setting=setting,
            source=source,
            presented="<PEM text>",
        )
    )


def unreadable_implicit(path: Path) -> Finding:
    """A file that was not named explicitly and that this user may not read."""
    return finding(
        "config-file-malformed",
        f"{printable(str(path))} was not read: this user has no permission to read it.",
        "Give this user permission to read it, if it is meant for this program.",
        command=_listing(path),
        severity=Severity.WARNING,
        origin=_origin(path),
    )


def no_settings_in(directory: Path, source: str, entries: Iterable[str]) -> Finding:
    """A secrets directory that holds no setting."""
    names = [name for name in entries if not name.startswith("..")]
    listed = ", ".join(printable(name) for name in names[:5]) or "no files"
    return finding(
        "secrets-dir-unused",
        f"No file in the secrets directory {printable(str(directory))} is named as a setting; it "
        f"holds {listed}.",
        "Name the files like variables, such as MILVUS_TOKEN, or as Kubernetes does: ca.crt, "
        "tls.crt, tls.key. For other names set the paths: MILVUS_CA_PEM_PATH.",
        setting="secrets_dir",
        source=source,
        origin=_origin(directory),
    )


def not_json(name: str, source: str) -> Finding:
    """A variable of a subclass's field whose type needs JSON."""
    return finding(
        "value-invalid",
        f"The value of {name} cannot be used: it is not JSON, which a field of its type needs.",
        _correct(source),
        setting=name,
        source=source,
    )
