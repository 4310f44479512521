"""What can be wrong with the sources of settings themselves, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .._common.text import printable
from ..errors import SettingsError
from ..reporting.report import Finding, finding
from .normalize import shown_value
from .provenance import Sourced

if TYPE_CHECKING:
    from pydantic import ValidationError

_PREFIX = "MILVUS_"
# Variables that steer the loading itself, and pymilvus's own that are no settings of ours.
_CONTROL = ("MILVUS_CONFIG", "MILVUS_PROFILE", "MILVUS_SECRETS_DIR")
_FOREIGN = ("MILVUS_CONN_ALIAS", "MILVUS_DEFAULT_CONNECTION")
_SERVER_PREFIX = "MILVUS_CONF_"


def _nearest(name: str, known: Iterable[str], cutoff: float = 0.75) -> str | None:
    """The known name a misspelled one most likely stands for, if any is close."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=cutoff)), None)


def misspelled(found: Mapping[str, Sourced], variables: Mapping[str, str]) -> Iterable[Finding]:
    """Variables that nothing reads though they look like one that is."""
    known = (*variables, *_CONTROL)
    for name, sourced in found.items():
        upper = name.upper()
        if not upper.startswith(_PREFIX) or upper.startswith(_SERVER_PREFIX):
            continue
        if name in known or name in _FOREIGN:
            continue
        # What all names share says nothing about how close two of them are.
        bare = {one.removeprefix(_PREFIX): one for one in known}
        rest = upper.removeprefix(_PREFIX)
        close = "MILVUS_URI" if rest == "URL" else bare.get(_nearest(rest, bare) or "")
        if close:
            yield finding(
                "env-unknown",
                f"The variable {printable(name)} is not read; it looks like {close}.",
                f"Rename it to {close}, or unset it.",
                setting=variables.get(close),
                source=sourced.source,
                expected=close,
                presented=printable(name),
            )


def unknown_key(key: str, where: str, names: tuple[str, ...], path: Path | None = None) -> Finding:
    """A setting that does not exist, in code or in a file."""
    # An unknown key is an error in any case, so a bold guess does no harm.
    close = _nearest(key.lower().removeprefix("milvus_"), names, 0.6)
    what = (
        f"The settings file has the unknown key {key!r}."
        if path
        else (f"There is no setting named {key!r}.")
    )
    return finding(
        "config-unknown-key",
        what,
        f"Did you mean {close!r}?" if close else "See `milvus-secure settings` for the names.",
        setting=printable(key),
        source=where,
        origin=_origin(path) if path else None,
        expected=close,
        presented=printable(key),
    )


def invalid_values(error: ValidationError, values: Mapping[str, Sourced]) -> list[Finding]:
    """One finding for each setting whose value is not of its type; defaults are not validated."""
    found: dict[str, Finding] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(detail["loc"][0])
        why = detail["msg"].removeprefix("Value error, ")
        one = values[name]
        found.setdefault(
            name,
            finding(
                "value-invalid",
                f"The value of {name} cannot be used: {why[:1].lower()}{why[1:]}.",
                f"Correct it in {one.source}.",
                setting=name,
                source=one.source,
                presented=shown_value(name, one.value)[:80],
            ),
        )
    return list(found.values())


def missing(setting: str, source: str, path: Path, what: str, remedy: str) -> NoReturn:
    """Refuse to go on without a place that was named."""
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
    """Refuse to go on without the profile that was asked for."""
    name = printable(profile.value.strip())
    close = _nearest(name, known, 0.6)
    have = f"The profiles there are: {', '.join(known)}." if known else "It has no profiles."
    what = f"The profile {name!r} is not in {printable(str(path))}."
    remedy = f"Did you mean {close!r}?" if close else f"Add [profiles.{name}] to it. {have}"
    if not known_file:
        what = f"There is no settings file that could hold the profile {name!r}."
        remedy = f"Name it in MILVUS_CONFIG or --config, or create {printable(str(path))}."
    raise SettingsError(
        finding(
            "profile-missing",
            what,
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
        )
    )


def _origin(path: Path) -> str:
    return f"file:{printable(str(path))}"
