"""Where a path of the container leads: to this machine, to known content, or to the image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from .container import Mount

IMAGE_DIRECTORY: Final = PurePosixPath("/milvus/configs")
"""What Milvus's image has: milvus.yaml, and ``cert/`` with certificates that are public."""

IMAGE_CERTIFICATES: Final = tuple(
    IMAGE_DIRECTORY / "cert" / name
    for name in ("server.pem", "server.key", "ca.pem", "client.pem", "client.key")
)

_CONFIGURATION: Final = re.compile(r"(milvus|user|default)\.ya?ml")


class ImageFiles(Enum):
    """What files a container's image may have."""

    PUBLISHED = "only Milvus's own"
    RENAMED = "likely Milvus's own, perhaps others too"
    BUILT = "any, because the image is built here"


class Presence(Enum):
    """What is known about a file of the container."""

    HERE = "a path on this machine"
    CONTENT = "its content is known"
    UNKNOWN = "the content of the mount is not known"
    ABSENT = "the mount does not contain the file"
    IMAGE = "Milvus's image has it"
    UNMOUNTED = "nothing provides it"


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """A path of the container, looked up.

    Attributes:
        presence: What is known.
        origin: How to call the file, such as ``/abs/tls/server.pem`` or ``Secret certs tls.crt``.
        path: On this machine, for ``HERE``; the file itself may be missing.
        content: For ``CONTENT``.
        mount: What provides the path, if anything does.
    """

    presence: Presence
    origin: str
    path: Path | None = None
    content: bytes | None = field(default=None, repr=False)
    mount: Mount | None = None


class ContainerFiles:
    """The files of one container, or of a machine that runs Milvus without one.

    Attributes:
        mounts: What is mounted; empty for none.
        working_directory: Where relative paths start, in the container.
    """

    def __init__(
        self,
        mounts: tuple[Mount, ...],
        working_directory: PurePosixPath,
        *,
        image: ImageFiles = ImageFiles.PUBLISHED,
        outside: tuple[Path, ...] = (),
    ) -> None:
        """Describe the files.

        Args:
            mounts: See the attribute.
            working_directory: See the attribute.
            image: What files the container's image may have.
            outside: For a configuration that is judged without its container: the directories of
                this machine in which relative paths are looked for, the likeliest first.
        """
        self.mounts = mounts
        self.working_directory = working_directory
        self._outside = outside
        self._image = image

    @property
    def is_container(self) -> bool:
        """False if Milvus's own container is not known."""
        return not self._outside

    def absolute(self, path: str) -> PurePosixPath:
        """A path as Milvus opens it: relative ones start in the working directory."""
        return PurePosixPath(posixpath.normpath(posixpath.join(self.working_directory, path)))

    def find(self, path: PurePosixPath | str) -> ContainerFile:
        """Look a path up; it is the longest mount at or above it that provides it."""
        if self._outside:
            return self._find_outside(str(path))
        absolute = self.absolute(str(path))
        mount = self.mount_of(absolute)
        if mount is not None:
            return _in_mount(mount, absolute)
        known = absolute == IMAGE_DIRECTORY / "milvus.yaml" or absolute in IMAGE_CERTIFICATES
        if known and self._image is not ImageFiles.BUILT:
            return ContainerFile(Presence.IMAGE, f"{absolute} in the image")
        published = self._image is ImageFiles.PUBLISHED
        presence = Presence.UNMOUNTED if published else Presence.UNKNOWN
        return ContainerFile(presence, f"{absolute} in the image")

    def mount_of(self, path: PurePosixPath) -> Mount | None:
        """The most specific mount at or above a path; of two equal ones, the later."""
        covering = [mount for mount in self.mounts if path.is_relative_to(mount.target)]
        return max(reversed(covering), key=lambda mount: len(mount.target.parts), default=None)

    def configuration_files(self) -> Iterator[PurePosixPath]:
        """Every mounted path with the name of a configuration of Milvus, also wrongly placed."""
        for mount in self.mounts:
            if mount.source is not None and mount.source.is_dir():
                yield from (
                    mount.target / name
                    for name in ("milvus.yaml", "milvus.yml", "user.yaml", "user.yml")
                    if (mount.source / name).is_file()
                )
            elif mount.source is not None or (mount.files is not None and "" in mount.files):
                names = (mount.target.name, mount.source.name if mount.source else "")
                if any(map(_CONFIGURATION.fullmatch, names)):
                    yield mount.target
            else:
                yield from (
                    mount.target / name
                    for name in mount.files or ()
                    if _CONFIGURATION.fullmatch(name)
                )

    def _find_outside(self, path: str) -> ContainerFile:
        """A path on this machine, or one that only a container has.

        A mount given by ``--mount`` has precedence. Where not even the file's directory
        exists here, the path is a container's, and nothing is known about it.
        """
        mount = self.mount_of(self.absolute(path))
        if mount is not None:
            return _in_mount(mount, self.absolute(path))
        candidates = [directory / path for directory in self._outside]
        existing = [file for file in candidates if _exists(file)]
        beside = [file for file in candidates if _exists(file.parent)]
        for file in (*existing, *beside):
            return ContainerFile(Presence.HERE, str(file), file)
        return ContainerFile(Presence.UNKNOWN, f"the directory {Path(path).parent}")


def _in_mount(mount: Mount, wanted: PurePosixPath) -> ContainerFile:
    rest = wanted.relative_to(mount.target)
    name = "" if rest == PurePosixPath() else str(rest)
    if mount.source is not None:
        path = mount.source / rest if name else mount.source
        return ContainerFile(Presence.HERE, str(path), path, mount=mount)
    if mount.files is None:
        return ContainerFile(Presence.UNKNOWN, f"the content of {mount.origin}", mount=mount)
    origin = f"{mount.origin} {name}".rstrip()
    if name not in mount.files:
        return ContainerFile(Presence.ABSENT, mount.origin, mount=mount)
    content = mount.files[name]
    presence = Presence.UNKNOWN if content is None else Presence.CONTENT
    return ContainerFile(presence, origin, content=content, mount=mount)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
