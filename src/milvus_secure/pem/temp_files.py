"""Gives material a path of its own, for as long as it is needed and no longer."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

from .._common.system_limits import NoPlaceError

_File = tuple[int, int]  # device and inode: a descriptor's number alone may be reused


class Spool:
    """Paths for PEM text that pymilvus, which takes paths only, can read again and again.

    On Linux each is an anonymous file in memory, never on disk; elsewhere, and where there is no
    ``/proc`` or no ``memfd_create``, a file of mode 0600 in a private directory. All of them go
    when the spool does, or when the process that made them exits. A deep copy, or one sent to
    another process, starts empty; a forked child reads what its parent made, and makes it anew
    if it has closed all descriptors, as daemons do.
    """

    def __init__(self) -> None:
        self._paths: dict[bytes, str] = {}
        self._open: dict[int, _File] = {}
        self._folders: list[str] = []
        self._close = weakref.finalize(self, _release, os.getpid(), self._open, self._folders)

    def __reduce__(self) -> tuple[type[Spool], tuple[()]]:
        return Spool, ()

    def path_for(self, data: bytes, *, on_disk: str | None = None) -> str:
        """A readable path with exactly these bytes; the same bytes share one path.

        Args:
            data: What the file holds.
            on_disk: A file that holds these bytes already. It is named rather than copied where
                memory has no files, so that a key is never left on disk a second time.

        Raises:
            NoPlaceError: If there is no room for it.
        """
        path = self._paths.get(data)
        if path is None or not self._stands(path):
            try:
                path = self._in_memory(data) or on_disk or self._on_disk(data)
            except OSError as error:
                raise NoPlaceError(error) from error
            self._paths[data] = path
        return path

    def close(self) -> None:
        """Remove everything now; paths given out stop working."""
        self._close()
        self._paths.clear()

    def _stands(self, path: str) -> bool:
        """False for a file in memory whose descriptor somebody else has closed."""
        ours = {f"{_DESCRIPTORS}{number}": number for number in self._open}
        return path not in ours or _is_still(ours[path], self._open[ours[path]])

    def _in_memory(self, data: bytes) -> str | None:
        if sys.platform != "linux" or not hasattr(os, "memfd_create"):
            return None
        try:
            descriptor = os.memfd_create("milvus-secure", os.MFD_CLOEXEC)
        except OSError:  # forbidden, as by some sandboxes
            return None
        self._open[descriptor] = _identity(descriptor)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        path = f"{_DESCRIPTORS}{descriptor}"
        return path if os.path.exists(path) else None  # noqa: PTH110 - hot; no /proc in some chroots

    def _on_disk(self, data: bytes) -> str:
        folder = tempfile.mkdtemp(prefix="milvus-secure-")  # created with mode 0700
        self._folders.append(folder)
        path = Path(folder, "material.pem")
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(data)
        return str(path)


_DESCRIPTORS = "/proc/self/fd/"


def _identity(descriptor: int) -> _File:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _is_still(descriptor: int, file: _File) -> bool:
    try:
        return _identity(descriptor) == file
    except OSError:
        return False


def _release(owner: int, descriptors: dict[int, _File], folders: list[str]) -> None:
    while descriptors:
        descriptor, file = descriptors.popitem()
        if _is_still(descriptor, file):
            os.close(descriptor)
    if os.getpid() != owner:  # a forked child leaves its parent's files alone
        return
    while folders:
        shutil.rmtree(folders.pop(), ignore_errors=True)
