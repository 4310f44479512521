"""Files for PEM material that has no path of its own: pymilvus accepts only paths.

Keyword arguments are kept, pickled, and opened again at any time. So each file has an unguessable
name in a private directory, on a file system in memory where there is one. A descriptor's path
(``/proc/self/fd/N``) would not do: once N is closed it names whatever is opened next, and gRPC
takes ``/dev/null`` for "all public roots".
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import RLock

from .._common.system_limits import NoPlaceError
from .memory_file_systems import memory_directories

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOG = logging.getLogger("milvus_secure")

_PREFIX = "milvus-secure-"
_ATTEMPTS = 3


class TempFiles:
    """Paths that stay good until the process ends, also when this object is gone.

    Equal bytes share one path in the whole process, so that a factory that maps the same settings
    again and again makes one file. A deep copy, or one sent to another process, starts empty; a
    forked child makes files of its own, and can read its parent's as long as the parent lives.
    """

    def __init__(self) -> None:
        self._files: _ProcessFiles | None = None
        self._digests: set[bytes] = set()

    def __reduce__(self) -> tuple[type[TempFiles], tuple[()]]:
        return TempFiles, ()

    def path_for(self, data: bytes) -> str:
        """A path with exactly these bytes, which only this user can read.

        Raises:
            NoPlaceError: If there is no room for it.
        """
        files = _process_files()
        if files is not self._files:  # a forked child
            self._files, self._digests = files, set()
        digest = sha256(data).digest()
        first_use = digest not in self._digests
        self._digests.add(digest)
        return files.path_for(digest, data, first_use=first_use)

    def close(self) -> None:
        """Remove now what no other `TempFiles` ever gave a path for."""
        if self._files is _process_files():
            for digest in self._digests:
                self._files.release(digest)
        self._digests.clear()


class _ProcessFiles:
    """The files of one process by their content, in private directories."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = RLock()  # a collected client releases its files in any thread, also here
        self._paths: dict[bytes, str] = {}
        self._users: dict[bytes, int] = {}
        self._directories: dict[str, _Directory] = {}

    def path_for(self, digest: bytes, data: bytes, *, first_use: bool) -> str:
        with self._lock:
            self._users[digest] = self._users.get(digest, 0) + first_use
            path = self._paths.get(digest)
            if path is None or not os.path.exists(path):  # noqa: PTH110 - hot
                path = self._paths[digest] = self._written(data)
            return path

    def release(self, digest: bytes) -> None:
        with self._lock:
            self._users[digest] -= 1
            if self._users[digest]:
                return
            del self._users[digest]
            path = self._paths.pop(digest, None)
            if path is not None:
                with suppress(OSError):
                    Path(path).unlink()
                self._tidy(Path(path).parent)

    def _written(self, data: bytes) -> str:
        for base in memory_directories():
            with suppress(OSError):  # full, or read-only
                return self._written_in(base, data)
        try:
            path = self._written_in(tempfile.gettempdir(), data)
        except OSError as error:
            raise NoPlaceError(error) from error
        if b"PRIVATE KEY-----" in data:
            LOG.warning(_KEY_ON_DISK, path)
        return path

    def _written_in(self, base: str, data: bytes) -> str:
        directory = self._directories.get(base)
        if directory is None or not directory.exists():
            sweep(base)
            directory = self._directories[base] = _Directory(base)
            atexit.register(directory.leave)
        try:
            return directory.write(data)
        except OSError:
            self._tidy(directory.path)
            raise

    def _tidy(self, path: Path) -> None:
        """Remove a directory without files."""
        if any(Path(file).parent == path for file in self._paths.values()):
            return
        for base, directory in tuple(self._directories.items()):
            if directory.path == path:
                atexit.unregister(directory.leave)
                directory.leave()
                del self._directories[base]


_KEY_ON_DISK = (
    "A private key is in the file %s (mode 0600) until this process ends, because there is no file "
    "system in memory here that can be written. Fix: mount a tmpfs at /dev/shm, or put the key in "
    "a file of your own and name it with client_key_path."
)

_current = _ProcessFiles()


def _process_files() -> _ProcessFiles:
    """Those of this process: a forked child has none yet, and its parent's lock may be taken."""
    global _current  # noqa: PLW0603 - one for each process is the point
    if _current.pid != os.getpid():
        _current = _ProcessFiles()
    return _current


class _Directory:
    """A directory of mode 0700 with an unguessable name, locked as long as it is in use.

    Forked children share the lock, so that it lasts as long as the last of them.
    """

    def __init__(self, base: str) -> None:
        for _ in range(_ATTEMPTS):
            name = f"{_namespace()}-{os.getpid()}-{_started(os.getpid()) or 0}"
            self.path = Path(base, f"{_PREFIX}{name}-{secrets.token_hex(16)}")
            self.path.mkdir(mode=0o700)
            try:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
                self._descriptor = os.open(self.path / _LOCK, flags, 0o600)
            except OSError:
                self.path.rmdir()
                raise
            if fcntl is not None:
                with suppress(OSError):  # NFS may lock nothing; the process identifier must do
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = os.fstat(self._descriptor)
            if self.exists():  # else a process of another namespace took it for abandoned
                return
            os.close(self._descriptor)
        raise OSError("temporary directories vanish as soon as they are made")

    def exists(self) -> bool:
        return (self.path / _LOCK).exists()

    def write(self, data: bytes) -> str:
        path = self.path / f"{secrets.token_hex(16)}.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError:
            path.unlink()
            raise
        return str(path)

    def leave(self) -> None:
        """At exit: remove it unless a forked child, or the parent of this one, still uses it."""
        with suppress(OSError):  # other code has closed it
            if os.path.samestat(os.fstat(self._descriptor), self._file):
                os.close(self._descriptor)
        _remove_abandoned(self.path)


_LOCK = "lock"
_BINARY = getattr(os, "O_BINARY", 0)


def sweep(base: str) -> None:
    """Remove what processes of this user left when they were killed."""
    with suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_own(entry):
                _remove_abandoned(Path(entry.path))


def _is_own(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
        return entry.is_dir(follow_symlinks=False) and status.st_uid == _user()
    except OSError:
        return False


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _remove_abandoned(directory: Path) -> None:
    """Remove a directory whose process is gone and whose lock nobody holds.

    The lock is what processes of several containers with one ``/dev/shm`` see of each other; the
    process identifier also covers one that has closed all its descriptors, and its lock with them.
    """
    try:
        namespace, pid, started, _ = directory.name.removeprefix(_PREFIX).split("-")
        in_view = namespace == str(_namespace()) and int(pid) != os.getpid()
        if in_view and _is_running(int(pid), started):
            return
        if fcntl is None:
            (directory / _LOCK).unlink()  # Windows refuses it while the file is open
            shutil.rmtree(directory, ignore_errors=True)
            return
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except (OSError, ValueError):  # in use, being made, or not ours
        return
    with suppress(OSError):  # in use
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    os.close(lock)


def _namespace() -> int:
    """The namespace that process identifiers of this process belong to; 0 where there is none."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - no path of ours
    except OSError:
        return 0


def _is_running(pid: int, started: str) -> bool:
    if started != "0":
        return _started(pid) == started
    if fcntl is None:  # on Windows os.kill(pid, 0) ends the process; the open lock must do
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty if it has ended or cannot be seen.

    Fields 3 and 22 of ``/proc/PID/stat``; the name in field 2 may hold blanks and brackets.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
