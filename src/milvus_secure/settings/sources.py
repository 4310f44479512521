"""Where settings come from: arguments, environment, .env, a file, a secrets directory.

Each source yields named texts with their provenance; the strongest source wins. Nothing here
knows what a setting means, and nothing opens a certificate.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from .._common.text import printable
from ..errors import SettingsError
from ..reporting.report import Finding
from .invalid_values import malformed, missing, missing_profile, misspelled, unknown_key
from .normalize import expand
from .provenance import Sourced
from .pymilvus_variables import unreadable
from .settings_file import read_settings_file, read_settings_text

DEFAULT_CONFIG = "milvus-secure.toml"
DEFAULT_ENV_FILE = ".env"

_T = TypeVar("_T")


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
        config: An explicit settings file, which must exist; False for none at all.
        profile: The profile to choose, which must exist.
        env_file: A ``.env`` file; one of another name must exist.
        secrets_dir: A directory with one file per secret, such as ``/run/secrets``.
        cwd: What relative paths and ``milvus-secure.toml`` are relative to.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: str | os.PathLike[str] | Literal[False] | None = None
    profile: str | None = None
    env_file: str | os.PathLike[str] | None = DEFAULT_ENV_FILE
    secrets_dir: str | os.PathLike[str] | None = None
    cwd: Path = field(default_factory=Path.cwd)


def gather(
    arguments: Mapping[str, object], places: Places, variables: Mapping[str, str]
) -> Gathered:
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
    given = as_arguments(arguments, names, places.cwd)
    environ = {
        name: Sourced(value, f"env {printable(name)}", places.cwd)
        for name, value in places.environ.items()
    }
    dotenv = _dotenv(places)

    def control(name: str, explicit: str | os.PathLike[str] | None) -> Sourced | None:
        if explicit is not None:
            return Sourced(os.fsdecode(explicit), "argument", places.cwd)
        return next((one for one in (environ.get(name), dotenv.get(name)) if _filled(one)), None)

    profile = control("MILVUS_PROFILE", places.profile)
    if places.config is False:
        config = {}
    else:
        config = _config(control("MILVUS_CONFIG", places.config), profile, places, names)
    files = _secrets(control("MILVUS_SECRETS_DIR", places.secrets_dir), places, variables)
    layers = (
        given,
        _by_setting(environ, variables),
        _by_setting(dotenv, variables),
        config,
        _by_setting(files, variables),
    )
    merged: dict[str, Sourced] = {}
    for rank, layer in reversed(list(enumerate(layers))):
        merged.update({name: replace(value, rank=rank) for name, value in layer.items()})
    notes = misspelled({**files, **dotenv, **environ}, variables)
    return Gathered(merged, (*notes, *unreadable({**dotenv, **environ})))


def as_arguments(
    values: Mapping[str, object], names: tuple[str, ...], cwd: Path
) -> dict[str, Sourced]:
    """Settings given in code; a None counts as not given.

    Raises:
        SettingsError: If a name is not a setting.
    """
    unknown = [unknown_key(name, "argument", names) for name in values if name not in names]
    if unknown:
        raise SettingsError(*unknown)
    return {
        name: Sourced(value, "argument", cwd, literal=True)
        for name, value in values.items()
        if value is not None
    }


def _filled(one: Sourced | None) -> bool:
    return one is not None and bool(one.value if one.literal else one.value.strip())


def _by_setting(found: Mapping[str, Sourced], variables: Mapping[str, str]) -> dict[str, Sourced]:
    """Translate variables to settings; an empty variable counts as not set."""
    layer: dict[str, Sourced] = {}
    for variable, name in variables.items():
        if _filled(found.get(variable)):
            layer.setdefault(name, found[variable])
    return layer


def _dotenv(places: Places) -> dict[str, Sourced]:
    if places.env_file is None:
        return {}
    path = places.cwd / os.fsdecode(places.env_file)
    if os.fsdecode(places.env_file) == DEFAULT_ENV_FILE:
        if not os.path.isfile(path):  # noqa: PTH113 - also False where it may not be looked at
            return {}  # a virtual environment is often a directory of this name
    elif not _exists(path):
        missing("env_file", "argument", path, "file", "Create it, or correct env_file.")
    from io import StringIO  # noqa: PLC0415 - only where there is a .env

    from dotenv.parser import parse_stream  # noqa: PLC0415
    from dotenv.variables import parse_variables  # noqa: PLC0415

    text = _read("env_file", path.name, path, partial(read_settings_text, path))
    found: dict[str, Sourced] = {}
    for binding in parse_stream(StringIO(text)):
        where = f"{path.name}:{_line(binding.original)}"
        if binding.error and "MILVUS_" in binding.original.string:
            malformed("env_file", where, path, "it has a line that is not NAME=value")
        if binding.key and binding.value:
            # As load_dotenv() does, which pymilvus calls when it is imported.
            known = {**{name: one.value for name, one in found.items()}, **places.environ}
            value = "".join(part.resolve(known) for part in parse_variables(binding.value))
            cut = _has_comment(binding.original.string)
            found[binding.key] = Sourced(value, where, path.parent, comment_cut=cut)
    return found


def _has_comment(assignment: str) -> bool:
    """True if python-dotenv ends an unquoted value at a blank and ``#`` (its ``parse_value``)."""
    value = assignment.partition("=")[2].lstrip(" \t")
    line = value.partition("\n")[0]
    return line[:1] not in {"'", '"'} and re.search(r"\s#", line) is not None


def _line(original: Any) -> int:  # noqa: ANN401 - python-dotenv's Original
    """The line of the assignment itself: python-dotenv counts leading blank lines into it."""
    text: str = original.string
    return int(original.line) + len(text[: len(text) - len(text.lstrip())].splitlines())


def _config(
    config: Sourced | None, profile: Sourced | None, places: Places, names: tuple[str, ...]
) -> dict[str, Sourced]:
    if config:
        path = expand(config.value.strip(), config.base, places.environ)
    else:
        path = places.cwd / DEFAULT_CONFIG
    if not (_exists(path) if config else os.path.lexists(path)):
        if config:
            remedy = "Create it, or correct or unset MILVUS_CONFIG or --config."
            missing("config", config.source, path, "settings file", remedy)
        if profile:
            missing_profile(profile, path, (), known_file=False)
        return {}
    shown = printable(path.name)
    asked_by = config.source if config else "default"
    table = _read("config", asked_by, path, partial(read_settings_file, path))
    profiles = table.pop("profiles", {})
    if not isinstance(profiles, Mapping) or not all(
        isinstance(one, Mapping) for one in profiles.values()
    ):
        malformed("profiles", shown, path, "profiles must be tables, as in [profiles.prod]")
    sections = {shown: table, **{f"{shown} [profiles.{n}]": p for n, p in profiles.items()}}
    unknown = [
        unknown_key(str(key), where, names, path)
        for where, section in sections.items()
        for key in section
        if key not in names
    ]
    if unknown:
        raise SettingsError(*unknown)
    chosen = [shown]
    if profile:
        name = profile.value.strip()
        if name not in profiles:
            missing_profile(profile, path, tuple(map(str, profiles)))
        chosen.append(f"{shown} [profiles.{name}]")
    return {
        key: Sourced(value, where, path.parent, literal=True)
        for where in chosen
        for key, value in sections[where].items()
        if value is not None
    }


def _secrets(
    directory: Sourced | None, places: Places, variables: Mapping[str, str]
) -> dict[str, Sourced]:
    """One file per variable, named as that in any case (as Docker secrets are)."""
    if directory is None:
        return {}
    path = expand(directory.value.strip(), directory.base, places.environ)
    if not os.path.isdir(path):  # noqa: PTH112 - also False for a path that cannot be
        remedy = "Mount it, or correct or unset MILVUS_SECRETS_DIR."
        missing("secrets_dir", directory.source, path, "secrets directory", remedy)
    entries = _read("secrets_dir", directory.source, path, lambda: sorted(path.iterdir()))
    found: dict[str, Sourced] = {}
    for entry in entries:
        variable, value = entry.name.upper(), ""
        if variable in variables:
            setting, read = variables[variable], partial(read_settings_text, entry)
            text = _read(setting, directory.source, entry, read)
            # The line break at the end belongs to the file, not to the value.
            value = text.removesuffix("\n").removesuffix("\r")
        source = f"secret {printable(str(entry))}"
        found[variable] = Sourced(value, source, path, literal=True)
    return found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a loop of links, a name too long, a directory not ours
        return True


def _read(setting: str, source: str, path: Path, read: Callable[[], _T]) -> _T:
    """What reading yields; a failure is told without the text, which may hold secrets."""
    # Raised outside the handler, so that no parser's exception hangs on to the text.
    try:
        return read()
    except UnicodeDecodeError:
        why = "it is not UTF-8 text"
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        remedy = f"Let this user read it; see: ls -ld {shlex.quote(printable(str(path)))}"
        return malformed(setting, source, path, why, remedy)
    except ValueError as error:
        why = str(error)
    return malformed(setting, source, path, why)
