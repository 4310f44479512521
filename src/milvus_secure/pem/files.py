"""Opens what a path leads to, once and carefully. A failure is a fault, not an exception."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from .._common.text import nearest, printable

MAX_BYTES = 8 << 20
"""The largest file read; the public roots of all browsers together take a quarter of a MiB."""

_MAX_NEIGHBOURS = 2000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why material cannot be used.

    Attributes:
        code: The code of the finding.
        detail: The evidence, in words.
        hint: For a missing file, the existing one its name resembles; for an unreadable one, the
            directory that this user may not enter, if there is one.
    """

    code: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a path gave.

    Attributes:
        data: The bytes read; never shown.
        fault: Why there are none, or None.
        mode: The file's permission bits.
        exposed_to: ``others`` or ``group`` if these may use the file besides its owner; empty if
            not, or if group access is how this process comes to read a file it does not own.
    """

    data: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    mode: int | None = None
    exposed_to: str = ""


def read_path(path: str) -> Reading:
    """Read a regular file of at most `MAX_BYTES`; open nothing that could block or be huge."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        return Reading(fault=_unopened(path, error))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Reading(fault=Fault("file-not-regular", _kind(status.st_mode)))
        if status.st_size > MAX_BYTES:
            return Reading(fault=Fault("file-too-large", f"{status.st_size} bytes"))
        data = _whole(descriptor, status.st_size)
    except OSError as error:
        return Reading(fault=_unopened(path, error))
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        return Reading(fault=Fault("file-too-large", f"more than {MAX_BYTES} bytes"))
    return Reading(data, mode=stat.S_IMODE(status.st_mode), exposed_to=_exposed_to(status))


def _whole(descriptor: int, size: int) -> bytes:
    """What is in a file, but no more than one byte above `MAX_BYTES`."""
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    parts, left = [data], MAX_BYTES + 1 - len(data)  # it grows, or is one of /proc, with size 0
    while left > 0 and (data := os.read(descriptor, min(left, _CHUNK))):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


# Never blocks on a FIFO, and translates no line ends on Windows.
_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
_CHUNK = 1 << 16


def _unopened(path: str, error: OSError | ValueError) -> Fault:
    if isinstance(error, ValueError):
        return Fault("file-missing", "the path contains a zero byte or cannot be encoded")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}:
        return Fault("file-missing", *_surroundings(Path(path)))
    if error.errno == errno.ELOOP:
        return Fault("file-missing", "its symbolic links form a loop")
    if error.errno in {errno.ENXIO, errno.EISDIR, errno.ENODEV}:
        return Fault("file-not-regular", "a socket or a device")
    why = (error.strerror or type(error).__name__).lower()
    return Fault(
        "file-unreadable", why, _closed_directory(path) if error.errno == errno.EACCES else ""
    )


def _closed_directory(path: str) -> str:
    """The first directory on the way to a file that this user may not enter; empty if none is."""
    effective = os.access in os.supports_effective_ids
    for folder in reversed(Path(path).absolute().parents):
        if not os.access(folder, os.X_OK, effective_ids=effective):
            return str(folder)
    return ""


def _surroundings(path: Path) -> tuple[str, str]:
    """What is missing on the way to a path, and the file there with the nearest name."""
    folder = path.parent
    try:
        if not folder.is_dir():
            return f"there is no directory {printable(str(folder))}", ""
        if path.is_symlink():
            target = printable(str(path.readlink()))
            return f"it is a symbolic link to {target}, which is missing", ""
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in islice(entries, _MAX_NEIGHBOURS)
                if _is_key(entry.name) is _is_key(path.name)
            ]
    except OSError:
        return "there is no such file", ""
    close = nearest(path.name, names, 0.7)
    return "there is no such file", printable(str(folder / close)) if close else ""


def _is_key(name: str) -> bool:
    """True for the usual suffix: a key is no misspelled certificate."""
    return name.lower().endswith(".key")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _exposed_to(status: os.stat_result) -> str:
    if not hasattr(os, "geteuid"):
        return ""  # the bits say nothing about access there
    if status.st_mode & stat.S_IRWXO:
        return "others"
    ours = status.st_uid == os.geteuid()
    return "group" if ours and status.st_mode & stat.S_IRWXG else ""
