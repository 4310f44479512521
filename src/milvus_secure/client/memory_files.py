"""Files in memory for one client, gone with it, and with the process however that ends."""

from __future__ import annotations

import os
import sys
import weakref

from ..pem.files import read_path
from ..pem.temp_files import TempFiles

_FileId = tuple[int, int]  # device and inode: a descriptor's number alone may be reused
_DESCRIPTORS = "/proc/self/fd/"


class MemoryFiles:
    """Paths that go with this object, for a caller that asks again before each use.

    On Linux each is an anonymous file in memory; where there is no ``/proc`` or no
    ``memfd_create``, one of `TempFiles`. A forked child reads what its parent made, and makes it
    anew if it has closed all descriptors, as daemons do.
    """

    def __init__(self) -> None:
        self._paths: dict[bytes, str] = {}
        self._open: dict[int, _FileId] = {}
        self._others = TempFiles()
        self._close = weakref.finalize(self, _release, self._open, self._others)

    def path_for(self, data: bytes, *, on_disk: str | None = None) -> str:
        """A readable path with exactly these bytes; the same bytes share one path.

        Args:
            data: What the file holds.
            on_disk: A file that held these bytes when it was read. As long as it still does, it is
                named rather than copied where memory has no files, so that a key is not written to
                a disk a second time; what replaced it does not fit the other files read with it.

        Raises:
            NoPlaceError: If there is no room for it.
        """
        path = self._paths.get(data)
        if path is None or not self._exists(path):
            path = self._in_memory(data)
            if path is None:
                if on_disk is not None and not _is_replaced(on_disk, data):
                    return on_disk
                path = self._others.path_for(data)
            self._paths[data] = path
        return path

    def close(self) -> None:
        """Remove everything now; paths that were returned stop working."""
        self._close()
        self._paths.clear()

    def _exists(self, path: str) -> bool:
        """False for a file in memory whose descriptor other code has closed."""
        descriptors = {f"{_DESCRIPTORS}{number}": number for number in self._open}
        if path not in descriptors:
            return os.path.exists(path)  # noqa: PTH110 - hot
        return _is_still(descriptors[path], self._open[descriptors[path]])

    def _in_memory(self, data: bytes) -> str | None:
        if sys.platform != "linux" or not hasattr(os, "memfd_create"):
            return None
        try:
            descriptor = os.memfd_create("milvus-secure", os.MFD_CLOEXEC)
            self._open[descriptor] = _file_id(descriptor)
            _write(descriptor, data)
        except OSError:  # forbidden, as by some sandboxes, or no room
            return None
        path = f"{_DESCRIPTORS}{descriptor}"
        return path if os.path.exists(path) else None  # noqa: PTH110 - hot; no /proc in some chroots


def _is_replaced(path: str, data: bytes) -> bool:
    """True for a file that is known to hold other bytes now, or to be gone."""
    current = read_path(path)
    unknown = current.fault is not None and current.fault.code == "file-unreadable"
    return current.data != data and not unknown  # unknown also where no descriptor is left


def _file_id(descriptor: int) -> _FileId:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _is_still(descriptor: int, file: _FileId) -> bool:
    try:
        return _file_id(descriptor) == file
    except OSError:
        return False


def _release(descriptors: dict[int, _FileId], others: TempFiles) -> None:
    while descriptors:
        descriptor, file = descriptors.popitem()
        if _is_still(descriptor, file):
            os.close(descriptor)
    others.close()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
