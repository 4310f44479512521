"""Gives material that is not in a file a path, for as long as it is needed and no longer."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path


class Spool:
    """Paths for PEM text that pymilvus, which takes paths only, can read again and again.

    On Linux each is an anonymous file in memory, never on disk; elsewhere a file of mode 0600
    in a private directory. All of them go when the spool does, or when the process that made
    them exits. A deep copy, or one sent to another process, starts empty.
    """

    def __init__(self) -> None:
        self._paths: dict[bytes, str] = {}
        self._descriptors: list[int] = []
        self._folders: list[str] = []
        self._close = weakref.finalize(
            self, _release, os.getpid(), self._descriptors, self._folders
        )  # fmt: skip

    def __reduce__(self) -> tuple[type[Spool], tuple[()]]:
        return Spool, ()

    def path_for(self, data: bytes) -> str:
        """A readable path with exactly these bytes; the same bytes share one path."""
        if data not in self._paths:
            self._paths[data] = self._in_memory(data) if _HAS_MEMFD else self._on_disk(data)
        return self._paths[data]

    def close(self) -> None:
        """Remove everything now; paths given out stop working."""
        self._close()
        self._paths.clear()

    def _in_memory(self, data: bytes) -> str:
        descriptor = os.memfd_create("milvus-secure", os.MFD_CLOEXEC)
        self._descriptors.append(descriptor)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        return f"/proc/self/fd/{descriptor}"

    def _on_disk(self, data: bytes) -> str:
        folder = tempfile.mkdtemp(prefix="milvus-secure-")  # created with mode 0700
        self._folders.append(folder)
        path = Path(folder, "material.pem")
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(data)
        return str(path)


_HAS_MEMFD = sys.platform == "linux" and hasattr(os, "memfd_create")


def _release(owner: int, descriptors: list[int], folders: list[str]) -> None:
    if os.getpid() != owner:  # a forked child leaves its parent's files alone
        return
    while descriptors:
        os.close(descriptors.pop())
    while folders:
        shutil.rmtree(folders.pop(), ignore_errors=True)
