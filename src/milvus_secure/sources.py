"""Where settings come from: arguments, environment, .env, a file, a secrets directory.

Each source yields named texts with their provenance; the strongest source wins. Nothing here
knows what a setting means, and nothing opens a certificate.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from .errors import SettingsError
from .report import Finding, finding
from .settings_file import read_settings_file

DEFAULT_CONFIG = "milvus-secure.toml"
MAX_SECRET_BYTES = 1 << 20

# Variables that steer the loading itself, and pymilvus's own that are no settings of ours.
_CONTROL = ("MILVUS_CONFIG", "MILVUS_PROFILE", "MILVUS_SECRETS_DIR")
_FOREIGN = ("MILVUS_CONN_ALIAS", "MILVUS_DEFAULT_CONNECTION")
_SERVER_PREFIX = "MILVUS_CONF_"


@dataclass(frozen=True, slots=True)
class Sourced:
    """A raw value, where it came from, and what a relative path in it is relative to."""

    value: Any
    source: str
    base: Path


@dataclass(frozen=True)
class Gathered:
    """The winning raw value of each setting, and what was noticed on the way."""

    values: dict[str, Sourced]
    notes: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Places:
    """Where to look; every part can be given, so that no test depends on the machine.

    Attributes:
        environ: The environment; ``os.environ`` unless given.
        config: An explicit settings file, which must exist.
        profile: The profile to choose, which must exist.
        env_file: A ``.env`` file; one that is missing is no error.
        secrets_dir: A directory with one file per secret, such as ``/run/secrets``.
        cwd: What relative paths and ``milvus-secure.toml`` are relative to.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: str | os.PathLike[str] | None = None
    profile: str | None = None
    env_file: str | os.PathLike[str] | None = ".env"
    secrets_dir: str | os.PathLike[str] | None = None
    cwd: Path = field(default_factory=Path.cwd)


def gather(arguments: Mapping[str, Any], places: Places, variables: Mapping[str, str]) -> Gathered:
    """Merge all sources, the strongest first.

    Args:
        arguments: Settings given in code or as flags; a None counts as not given.
        places: Where the other sources are.
        variables: Environment variable names, each with the setting it stands for, in order of
            preference (a setting's own name before its aliases).

    Raises:
        SettingsError: If a named file or profile is missing, a file cannot be parsed, or an
            argument or a file key is unknown.
    """
    names = tuple(dict.fromkeys(variables.values()))
    given = {name: value for name, value in arguments.items() if value is not None}
    unknown = [_unknown_argument(name, names) for name in arguments if name not in names]
    if unknown:
        raise SettingsError(*unknown)

    environ = {name: Sourced(value, f"env {name}", places.cwd)
               for name, value in places.environ.items()}  # fmt: skip
    dotenv = _dotenv(places)

    def control(name: str, explicit: str | os.PathLike[str] | None) -> Sourced | None:
        if explicit is not None:
            return Sourced(os.fspath(explicit), "argument", places.cwd)
        found = environ.get(name) or dotenv.get(name)
        return found if found and found.value.strip() else None

    config = _config(
        control("MILVUS_CONFIG", places.config), control("MILVUS_PROFILE", places.profile),
        places, names,
    )  # fmt: skip
    secrets = _secrets(control("MILVUS_SECRETS_DIR", places.secrets_dir), places, variables)
    layers = (
        {name: Sourced(value, "argument", places.cwd) for name, value in given.items()},
        _by_setting(environ, variables),
        _by_setting(dotenv, variables),
        config,
        secrets,
    )
    merged: dict[str, Sourced] = {}
    for layer in reversed(layers):
        merged.update(layer)
    misspelled = tuple(_misspelled((*environ.values(), *dotenv.values()), variables))
    return Gathered(merged, misspelled)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a misspelled one most likely stands for, if any is close."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)


def _by_setting(found: Mapping[str, Sourced], variables: Mapping[str, str]) -> dict[str, Sourced]:
    """Translate variables to settings; an empty variable counts as not set."""
    layer: dict[str, Sourced] = {}
    for variable, name in variables.items():
        sourced = found.get(variable)
        if sourced and sourced.value.strip():
            layer.setdefault(name, sourced)
    return layer


def _dotenv(places: Places) -> dict[str, Sourced]:
    if places.env_file is None:
        return {}
    path = places.cwd / places.env_file
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only where there is a .env

    try:
        with path.open(encoding="utf-8") as stream:
            bindings = [b for b in parse_stream(stream) if b.key and b.value]
    except (OSError, UnicodeDecodeError) as error:
        _malformed(os.fspath(places.env_file), "argument", path, _reason(error))
    shown = path.name
    return {
        binding.key: Sourced(binding.value, f"{shown}:{_line(binding.original)}", path.parent)
        for binding in bindings
        if binding.key is not None
    }


def _line(original: Any) -> int:  # noqa: ANN401 - python-dotenv's Original
    """The line of the assignment itself: python-dotenv counts leading blank lines into it."""
    text: str = original.string
    return int(original.line) + len(text[: len(text) - len(text.lstrip())].splitlines())


def _config(
    config: Sourced | None, profile: Sourced | None, places: Places, names: tuple[str, ...]
) -> dict[str, Sourced]:
    path = places.cwd / (Path(config.value.strip()).expanduser() if config else DEFAULT_CONFIG)
    if not config and not path.is_file():
        if profile:
            _missing_profile(profile, path, ())
        return {}
    asked_by = config.source if config else "default"
    if not path.is_file():
        raise SettingsError(finding(
            "config-file-missing",
            f"The settings file {path} does not exist.",
            "Create it, or correct or unset MILVUS_CONFIG or --config.",
            setting="config", source=asked_by, origin=f"file:{path}",
        ))  # fmt: skip
    try:
        table = read_settings_file(path)
    except (OSError, ValueError) as error:
        _malformed("config", asked_by, path, _reason(error))
    shown = path.name
    profiles = table.pop("profiles", {})
    if not isinstance(profiles, Mapping) or not all(
        isinstance(one, Mapping) for one in profiles.values()
    ):
        _malformed("profiles", shown, path, "profiles must be tables, as in [profiles.prod]")
    sections = [(table, shown)]
    if profile:
        name = profile.value.strip()
        if name not in profiles:
            _missing_profile(profile, path, tuple(profiles))
        sections.append((profiles[name], f"{shown} [profiles.{name}]"))
    unknown = [
        _unknown_key(key, section, path, names)
        for section, where in (
            (table, shown), *((p, f"{shown} [profiles.{n}]") for n, p in profiles.items()),
        )
        for key, section in ((key, where) for key in section)
        if key not in names
    ]  # fmt: skip
    if unknown:
        raise SettingsError(*unknown)
    return {
        key: Sourced(value, where, path.parent)
        for section, where in sections
        for key, value in section.items()
        if value is not None
    }


def _secrets(
    directory: Sourced | None, places: Places, variables: Mapping[str, str]
) -> dict[str, Sourced]:
    """One file per setting, named as its variable in any case (as Docker secrets are)."""
    if directory is None:
        return {}
    path = places.cwd / Path(directory.value.strip()).expanduser()
    if not path.is_dir():
        raise SettingsError(finding(
            "config-file-missing",
            f"The secrets directory {path} does not exist.",
            "Mount it, or correct or unset MILVUS_SECRETS_DIR.",
            setting="secrets_dir", source=directory.source, origin=f"file:{path}",
        ))  # fmt: skip
    files = {entry.name.upper(): entry for entry in path.iterdir() if entry.is_file()}
    found: dict[str, Sourced] = {}
    for variable in variables:
        entry = files.get(variable)
        if entry is None:
            continue
        try:
            if entry.stat().st_size > MAX_SECRET_BYTES:
                raise ValueError("it is larger than 1 MiB")
            found[variable] = Sourced(entry.read_text("utf-8"), f"secret {entry}", path)
        except (OSError, ValueError) as error:
            _malformed(entry.name, directory.source, entry, _reason(error))
    return _by_setting(found, variables)


def _misspelled(found: Iterable[Sourced], variables: Mapping[str, str]) -> Iterable[Finding]:
    known = (*variables, *_CONTROL)
    for sourced in found:
        name = sourced.source.removeprefix("env ") if sourced.source.startswith("env ") else ""
        upper = name.upper()
        if not upper.startswith("MILVUS_") or upper.startswith(_SERVER_PREFIX):
            continue
        if name in known or name in _FOREIGN:
            continue
        close = nearest(upper, known)
        if close:
            yield finding(
                "env-unknown",
                f"The variable {name} is not read; it looks like {close}.",
                f"Rename it to {close}, or unset it.",
                setting=variables.get(close), source=sourced.source,
                expected=close, presented=name,
            )  # fmt: skip


def _unknown_argument(name: str, names: tuple[str, ...]) -> Finding:
    close = nearest(name, names)
    return finding(
        "config-unknown-key",
        f"There is no setting named {name!r}.",
        f"Did you mean {close!r}?" if close else "See `milvus-secure settings` for the names.",
        setting=name, source="argument", expected=close, presented=name,
    )  # fmt: skip


def _unknown_key(key: str, where: str, path: Path, names: tuple[str, ...]) -> Finding:
    close = nearest(key, names)
    return finding(
        "config-unknown-key",
        f"The settings file has the unknown key {key!r}.",
        f"Did you mean {close!r}?" if close else "See `milvus-secure settings` for the names.",
        setting=key, source=where, origin=f"file:{path}", expected=close, presented=key,
    )  # fmt: skip


def _missing_profile(profile: Sourced, path: Path, known: tuple[str, ...]) -> NoReturn:
    name = profile.value.strip()
    close = nearest(name, known)
    have = f"The profiles there are: {', '.join(known)}." if known else "It has no profiles."
    if not path.is_file():
        have = f"There is no {path.name} here."
    raise SettingsError(finding(
        "profile-missing",
        f"The profile {name!r} is not in {path}.",
        f"Did you mean {close!r}?" if close else f"Add [profiles.{name}] to it. {have}",
        setting="profile", source=profile.source, origin=f"file:{path}",
        expected=", ".join(known) or None, presented=name,
    ))  # fmt: skip


def _malformed(setting: str, source: str, path: Path, why: str) -> NoReturn:
    raise SettingsError(finding(
        "config-file-malformed",
        f"{path} cannot be read: {why}.",
        "Correct the file; nothing was read from it.",
        setting=setting, source=source, origin=f"file:{path}",
    ))  # fmt: skip


def _reason(error: Exception) -> str:
    """Why a file could not be read, without quoting its text, which may hold secrets."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return str(error)
