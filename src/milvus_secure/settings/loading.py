"""What all sources of one loading share: where to look, and the variables found there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Literal

from .._common.text import printable
from ..pem.shapes import holds_material
from ..reporting.report import Finding
from .declarations import PREFIX
from .env_file import read_env_file
from .keys import keys_of
from .normalize import expand, noted_cleaned, stripped
from .other_names import by_upper_case, is_filled, port_in
from .provenance import Sourced
from .pymilvus_variables import VARIABLES
from .settings_file import read_settings_file
from .source_errors import (
    key_in_place_of_path,
    malformed,
    missing,
    missing_profile,
    read_or_raise,
    unreadable_implicit,
)

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

DEFAULT_CONFIG = "milvus-secure.toml"
DEFAULT_ENV_FILE = ".env"

PathText = str | os.PathLike[str]


def _may_be_directory(path: Path) -> bool:
    """False for what is no directory; True too for what this user may not look at."""
    try:
        return S_ISDIR(path.stat().st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):  # nothing is there, or the path cannot be
        return False


@dataclass(frozen=True)
class Places:
    """Where to look; every part can be given, so that no test depends on the machine.

    Attributes:
        environ: The environment; ``os.environ`` unless given.
        config: An explicit settings file, which must exist; False for none at all.
        profile: The profile to choose, which must exist.
        env_files: ``.env`` files, the weakest first; one of another name must exist.
        secrets_dirs: Directories with one file per secret, such as ``/run/secrets``, the weakest
            first; empty for the one that a variable names.
        cwd: What relative paths and ``milvus-secure.toml`` are relative to.
        prefix: What variables begin with, in upper case.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    config: PathText | Literal[False] | None = None
    profile: str | None = None
    env_files: tuple[PathText, ...] = (DEFAULT_ENV_FILE,)
    secrets_dirs: tuple[PathText, ...] = ()
    cwd: Path = field(default_factory=Path.cwd)
    prefix: str = PREFIX


class Loading:
    """One loading of settings.

    Attributes:
        places: Where to look.
        keys: The keys that a source may use.
        variables: Every variable that is known, with the setting's name.
        notes: What was noticed on the way.
        has_file_source: True once there is a source for the settings file.
    """

    def __init__(self, settings_cls: type[BaseSettings], places: Places) -> None:
        self.places = places
        self.keys = keys_of(settings_cls)
        self.variables = self.keys.variables(places.prefix)
        self.notes: list[Finding] = []
        self.has_file_source = False

    @cached_property
    def environ(self) -> dict[str, Sourced]:
        """The variables of the environment that are settings, or look as if they were meant for us.

        All of them for a class with fields of its own, whose variables pydantic-settings knows.
        """
        environ = self.places.environ
        names = environ if self.keys.added else filter(self._may_be_ours, environ)
        return {
            name: Sourced(environ[name], f"env {printable(name)}", self.places.cwd)
            for name in names
        }

    def _may_be_ours(self, name: str) -> bool:
        upper = name.upper()
        prefixed = upper.startswith(self.places.prefix)
        return prefixed or upper in self.variables or upper in VARIABLES

    @cached_property
    def env_file(self) -> dict[str, Sourced]:
        """All variables of the ``.env`` files."""
        merged: dict[str, Sourced] = {}
        for name in self.places.env_files:
            if holds_material(os.fsdecode(name)):
                key_in_place_of_path("env_file", "argument")
            path = self.places.cwd / os.fsdecode(name)
            if os.fsdecode(name) == DEFAULT_ENV_FILE:
                # A virtual environment is often a directory of this name.
                if not os.path.isfile(path) or not self._may_read(path):  # noqa: PTH113 - False where it may not be looked at
                    continue
            elif not _exists(path):
                missing("env_file", "argument", path, "file", "Create it, or correct env_file.")
            merged.update(read_env_file(path, self.places.environ, self.places.prefix))
        return merged

    @cached_property
    def port(self) -> Sourced | None:
        """What completes a variable like ``MILVUS_HOST``, wherever each of the two is."""
        prefix = self.places.prefix
        in_environ = port_in(by_upper_case(self.environ), prefix)
        return in_environ or port_in(by_upper_case(self.env_file), prefix)

    @cached_property
    def config(self) -> dict[str, Sourced]:
        """The settings of the settings file: of its top level, and of the profile over it."""
        if self.places.config is False:
            return {}
        return self._config(
            self._control("CONFIG", self.places.config),
            self._control("PROFILE", self.places.profile),
        )

    @cached_property
    def secrets_dirs(self) -> tuple[tuple[Path, str], ...]:
        """The secrets directories, the weakest first, each with what names it."""
        named: Iterable[Sourced]
        if self.places.secrets_dirs:
            named = [
                Sourced(os.fsdecode(name), "argument", self.places.cwd)
                for name in self.places.secrets_dirs
            ]
        else:
            control = self._control("SECRETS_DIR", None)
            named = [control] if control else []
        directories = []
        for name in named:
            path = self._path("secrets_dir", name)
            if not _may_be_directory(path):
                remedy = f"Mount it, or correct or unset {self.places.prefix}SECRETS_DIR."
                if os.path.lexists(path):
                    malformed("secrets_dir", name.source, path, "it is not a directory", remedy)
                missing("secrets_dir", name.source, path, "secrets directory", remedy)
            directories.append((path, name.source))
        return tuple(directories)

    def _control(self, name: str, explicit: PathText | None) -> Sourced | None:
        """What says where to look: an argument, or a variable of the environment or ``.env``."""
        value: Sourced | None
        if explicit is not None:
            value = Sourced(os.fsdecode(explicit), "argument", self.places.cwd)
        else:
            variable = f"{self.places.prefix}{name}"
            layers = (self.environ, self.env_file)
            candidates = (by_upper_case(layer).get(variable) for layer in layers)
            value = next(
                (
                    candidate
                    for candidate in candidates
                    if candidate is not None and is_filled(candidate)
                ),
                None,
            )
            if value is not None and (text := stripped(value.value)) != value.value:
                self.notes.append(noted_cleaned(name.lower(), value.source, value.value, text))
                value = replace(value, value=text)
        if value is not None and holds_material(value.value):
            key_in_place_of_path(name.lower(), value.source)
        return value

    def _path(self, setting: str, value: Sourced) -> Path:
        if holds_material(value.value):
            key_in_place_of_path(setting, value.source)
        return expand(value.value.strip(), value.base, self.places.environ)

    def _may_read(self, path: Path) -> bool:
        """False, with a note, for an implicit file that this user may not read."""
        if os.access(path, os.R_OK):
            return True
        self.notes.append(unreadable_implicit(path))
        return False

    def _config(self, config: Sourced | None, profile: Sourced | None) -> dict[str, Sourced]:
        path = self._path("config", config) if config else self.places.cwd / DEFAULT_CONFIG
        exists = _exists(path) if config else os.path.lexists(path) and self._may_read(path)
        if not exists:
            if config:
                remedy = f"Create it, or correct or unset {self.places.prefix}CONFIG or --config."
                missing("config", config.source, path, "settings file", remedy)
            if profile:
                missing_profile(profile, path, (), known_file=False)
            return {}
        shown = printable(path.name)
        asked_by = config.source if config else "default"
        table = read_or_raise("config", asked_by, path, partial(read_settings_file, path))
        profiles = table.pop("profiles", {})
        if not isinstance(profiles, Mapping) or not all(
            isinstance(section, Mapping) for section in profiles.values()
        ):
            malformed("profiles", shown, path, "profiles must be tables, as in [profiles.prod]")
        sections = {shown: table, **{f"{shown} [profiles.{n}]": p for n, p in profiles.items()}}
        self.keys.refuse_unknown(sections, path)
        chosen = [shown]
        if profile:
            name = profile.value.strip()
            if name not in profiles:
                missing_profile(profile, path, tuple(map(str, profiles)))
            chosen.append(f"{shown} [profiles.{name}]")
        return {
            name: Sourced(value, where, path.parent, literal=True)
            for where in chosen
            for name, value in self.keys.settings(sections[where]).items()
        }


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a loop of links, a name too long, a directory not ours
        return True
