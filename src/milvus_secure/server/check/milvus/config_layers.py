"""Where Milvus's configuration comes from: its sources, laid over each other.

Weakest first: the ``milvus.yaml`` in its image (or what is mounted in its place),
``default.yaml``, ``user.yaml`` (from 2.4 on), and the environment (Milvus
``pkg/util/paramtable/base_table.go``, ``pkg/config/env_source.go``). All of them are compared by
`format_key`. Which directory is read is decided by ``MILVUSCONF``, else it is ``configs`` in the
working directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from ...config.server_plan import USER_YAML_SINCE, image_version
from ...milvus_keys import format_key
from ..yaml.reading import read_text
from ..yaml.yaml_tree import Repeat
from .container import EnvValue, NotJudged, ProxyContainer
from .container_files import ContainerFile, ContainerFiles, ImageFiles, Presence
from .milvus_config import (
    IMAGE_DEFAULTS,
    JUDGED_KEYS,
    Conflict,
    MilvusConfig,
    Setting,
    UnreadFile,
)
from .milvus_yaml import Entry, MilvusFile, parse_file

WORKING_DIRECTORY: Final = PurePosixPath("/milvus")
"""The image's own (``WORKDIR`` in Milvus's Dockerfiles)."""

CONFIG_FILES: Final = ("milvus.yaml", "default.yaml", "user.yaml")
"""Weakest first (``pkg/util/paramtable/base_table.go``, defaultYaml)."""

PREFIX: Final = "MILVUS_CONF_"
"""Read from 2.5 on (milvus#40623, March 2025)."""


def config_of(container: ProxyContainer) -> MilvusConfig:
    """Compute what Milvus runs with in a container.

    Raises:
        MilvusSecureError: If a configuration file on this machine cannot be read.
    """
    return _Layers(container).config()


def config_of_file(path: Path, text: str, name: str, files: ContainerFiles) -> MilvusConfig:
    """What Milvus runs with from one milvus.yaml, outside a container that is known.

    Args:
        path: The file; one named ``user.yaml`` or ``default.yaml`` overlays the image's file.
        text: Its content.
        name: How to call it in a report.
        files: Where its paths lead.

    Raises:
        MilvusSecureError: If it is not YAML or no mapping.
    """
    parsed = parse_file(text, name)
    overlay = path.name in CONFIG_FILES[1:]
    settings = dict(_image_settings()) if overlay else {}
    settings |= dict(_file_settings(parsed))
    return MilvusConfig(
        path,
        "milvus.yaml",
        settings,
        files,
        written=tuple((entry, _source(parsed.name, entry.line)) for entry in parsed.entries),
        conflicts=tuple(_conflicts(_file_settings(parsed))),
        repeats=parsed.repeats,
    )


class _Layers:
    """Lays the sources of one container over each other."""

    def __init__(self, container: ProxyContainer) -> None:
        self.container = container
        self.release = image_version(container.image)
        self.environment = dict(_variables(container.environment, self.release))
        self.settings: dict[str, Setting] = {}
        self.unknown_from = ""
        self.written: list[tuple[Entry, str]] = []
        self.conflicts: list[Conflict] = []
        self.repeats: list[Repeat] = []
        self.absent: list[Path] = []
        self.not_judged: list[NotJudged] = []
        working = container.working_directory or WORKING_DIRECTORY
        self.files = ContainerFiles(
            container.mounts,
            working,
            image=_image_files(container),
        )

    def config(self) -> MilvusConfig:
        directory = self._config_directory()
        if directory is not None:
            for name in self._names():
                self._add_file(directory, name)
        for overlay in self.container.overlays:
            self._add(parse_file(overlay.text, overlay.name, overlay.first_line))
        self.conflicts += _conflicts(_variables(self.container.environment, self.release))
        self.settings |= self.environment
        container = self.container
        return MilvusConfig(
            container.path,
            container.kind,
            self.settings,
            self.files,
            name=container.name,
            place=container.place or "milvus.yaml",
            config_directory=directory,
            release=self.release,
            environment=container.environment,
            written=tuple(self.written),
            conflicts=tuple(self.conflicts),
            repeats=tuple(self.repeats),
            absent=tuple(self.absent),
            unread=tuple(self._unread(directory)),
            not_judged=tuple(self.not_judged),
            unknown_from=self.unknown_from,
            user=container.user,
        )

    def _names(self) -> tuple[str, ...]:
        old = self.release is not None and self.release < USER_YAML_SINCE
        return CONFIG_FILES[:-1] if old else CONFIG_FILES

    def _config_directory(self) -> PurePosixPath | None:
        named = self.environment.get(format_key("MILVUSCONF"))
        if named is None:
            return self.files.working_directory / "configs"
        if named.value is None:
            self._unknown(
                NotJudged(
                    "the directory of Milvus's configuration",
                    f"{named.key} is set from an object that is not in the input",
                    f"Write {named.key} as text, or check the rendered manifests.",
                    named.source,
                )
            )
            return None
        return self.files.absolute(named.value)

    def _add_file(self, directory: PurePosixPath, name: str) -> None:
        file = self.files.find(directory / name)
        if file.mount is None and name != CONFIG_FILES[0]:
            return  # Milvus's image has none of these
        if file.presence is Presence.IMAGE:
            if name == CONFIG_FILES[0] and directory == WORKING_DIRECTORY / "configs":
                self.settings |= dict(_image_settings())
        elif file.presence is Presence.UNKNOWN:
            is_directory = file.mount is not None and directory.is_relative_to(file.mount.target)
            place = f"the configuration {directory if is_directory else directory / name}"
            self._unknown(
                NotJudged(
                    place,
                    f"{file.origin} is not available here",
                    "Check the file that Milvus reads: `milvus-secure server check milvus.yaml`",
                )
            )
        elif file.content is not None:
            self._add(parse_file(_decoded(file), file.origin))
        elif file.path is not None:
            if file.path.is_file():
                self._add(parse_file(read_text(file.path), file.path.name))
            elif file.mount is not None and file.mount.target == directory / name:
                self.absent.append(file.path)

    def _unknown(self, reason: NotJudged) -> None:
        """Nothing below this layer counts, and its content is unknown."""
        self.settings.clear()
        self.unknown_from = reason.what
        if reason not in self.not_judged:  # a directory represents all its files
            self.not_judged.append(reason)

    def _add(self, file: MilvusFile) -> None:
        self.settings |= dict(_file_settings(file))
        self.written += [(entry, _source(file.name, entry.line)) for entry in file.entries]
        self.conflicts += _conflicts(_file_settings(file))
        self.repeats += file.repeats

    def _unread(self, directory: PurePosixPath | None) -> Iterator[UnreadFile]:
        for target in self.files.configuration_files():
            if directory is None or target in {directory / name for name in self._names()}:
                continue
            file = self.files.find(target)
            text = _text_of(file)
            entries = parse_file(text, file.origin).entries if text else ()
            if entries and not {format_key(entry.key) for entry in entries} & JUDGED_KEYS:
                continue
            yield UnreadFile(target, file.origin, self._why_unread(target, directory), entries)

    def _why_unread(self, target: PurePosixPath, directory: PurePosixPath) -> str:
        if target == directory / CONFIG_FILES[-1]:
            return f"Milvus reads a user.yaml since {'.'.join(map(str, USER_YAML_SINCE))}"
        if target.parent == directory:
            return f"Milvus reads {', '.join(self._names())} there, only under these names"
        return f"Milvus reads its configuration only from {directory}"


def _image_files(container: ProxyContainer) -> ImageFiles:
    """Whether the image is Milvus's or a mirror of it; another may have files of its own."""
    if container.built:
        return ImageFiles.BUILT
    image = container.image
    if image is None or re.search(r"(\A|/)milvus([:@]|\Z)", image):
        return ImageFiles.PUBLISHED
    return ImageFiles.RENAMED


def _image_settings() -> Iterator[tuple[str, Setting]]:
    for key, value in IMAGE_DEFAULTS.items():
        yield format_key(key), Setting(key, value, "the image's milvus.yaml", "image")


def _file_settings(file: MilvusFile) -> Iterator[tuple[str, Setting]]:
    for entry in file.entries:
        source = _source(file.name, entry.line)
        yield format_key(entry.key), Setting(entry.key, entry.value, source, "file")


def _source(name: str, line: int) -> str:
    return f"{name}:{line}" if line else name


def _conflicts(settings: Iterable[tuple[str, Setting]]) -> Iterator[Conflict]:
    """Spellings of one key among the settings of one source."""
    spellings: dict[str, list[Setting]] = {}
    for key, setting in settings:
        spellings.setdefault(key, []).append(setting)
    for key, same in spellings.items():
        if key in JUDGED_KEYS and len({setting.value for setting in same}) > 1:
            shown = [_spelling(setting) for setting in same]
            yield Conflict(same[0].key, tuple(shown), same[0].source)


def _spelling(setting: Setting) -> str:
    return f"{setting.key} ({setting.source.removeprefix(f'env {setting.key} in ')})"


def variable_keys(name: str, release: tuple[int, int] | None) -> Iterator[str]:
    """The formatted keys that a variable sets, in a release of Milvus."""
    yield format_key(re.sub(r"(?i)\Amilvus\.", "", name))
    if name.startswith(PREFIX) and (release is None or release >= (2, 5)):
        yield format_key(name.removeprefix(PREFIX))


def _variables(
    environment: Mapping[str, EnvValue], release: tuple[int, int] | None
) -> Iterator[tuple[str, Setting]]:
    for name, variable in environment.items():
        for key in variable_keys(name, release):
            yield (
                key,
                Setting(name, variable.value, f"env {name} in {variable.source}", "environment"),
            )


def _decoded(file: ContainerFile) -> str:
    return (file.content or b"").decode("utf-8-sig", "replace")


def _text_of(file: ContainerFile) -> str:
    if file.content is not None:
        return _decoded(file)
    return read_text(file.path) if file.path is not None and file.path.is_file() else ""
