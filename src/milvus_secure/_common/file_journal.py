"""The journal of a change to several files, with which it can be completed or undone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PENDING = ".milvus-secure-pending"
"""The directory with the new files, the backups and the journal, inside the one that changes."""

_FORWARD, _BACK = "journal.json", "undo.json"


class JournalError(Exception):
    """An interrupted change can neither be completed nor undone; the text says why."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file.

    Attributes:
        name: Relative to the directory.
        old: SHA-256 of the contents before, or None if the file did not exist.
        new: SHA-256 of the contents after, or None if the file is removed.
    """

    name: str
    old: str | None
    new: str | None


class Journal:
    """A change to the files of one directory.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pending = directory / PENDING
        self._entries: list[_Entry] = []
        self._folders: list[str] = []

    def add(self, name: str) -> Path:
        """Note a file to replace; returns where its new contents must be put."""
        self._back_up(name)
        return self._new(len(self._entries) - 1)

    def add_removal(self, name: str) -> None:
        """Note a file to remove."""
        self._back_up(name)

    def commit(self) -> None:
        """Write the journal. From now on the change is completed even if the process is killed."""
        entries = []
        for number, entry in enumerate(self._entries):
            new = _digest(self._new(number))
            entries.append(_Entry(entry.name, entry.old, new))
        self._entries = entries
        text = json.dumps({"folders": self._folders, "entries": [asdict(e) for e in entries]})
        draft = self.pending / "draft.json"
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.pending / _FORWARD)
        sync_directory(self.pending)

    def apply(self) -> None:
        """Replace and remove the files. May be repeated."""
        for folder in self._folders:
            (self.directory / folder).mkdir(exist_ok=True)
        for number, entry in enumerate(self._entries):
            if entry.new is not None:
                staged = self._new(number)
                if staged.exists():  # otherwise it has replaced the old file already
                    staged.replace(self.directory / entry.name)
        for entry in self._entries:
            if entry.new is None and _digest(self.directory / entry.name) == entry.old:
                (self.directory / entry.name).unlink(missing_ok=True)
        sync_directory(self.directory)

    def undo(self) -> None:
        """Restore the files as they were. May be repeated."""
        with suppress(FileNotFoundError):
            (self.pending / _FORWARD).replace(self.pending / _BACK)
        self._restore()
        self.discard()

    def discard(self) -> None:
        """Remove the journal, then everything else that is pending."""
        for name in (_FORWARD, _BACK):
            (self.pending / name).unlink(missing_ok=True)
        shutil.rmtree(self.pending, ignore_errors=True)

    def recover(self) -> None:
        """Complete an interrupted change, complete its undoing, or remove what never began.

        Raises:
            JournalError: If another user left it, it is damaged, or a file is neither as it was
                before nor as it was to become.
        """
        self._require_trusted()
        for name in (_FORWARD, _BACK):
            with suppress(FileNotFoundError):
                self._read(self.pending / name)
        for entry in self._entries:
            if _digest(self.directory / entry.name) not in {entry.old, entry.new}:
                raise JournalError(f"{entry.name} was changed afterwards")
        if (self.pending / _BACK).exists():
            self._restore()
        elif (self.pending / _FORWARD).exists():
            self.apply()
        self.discard()

    def _require_trusted(self) -> None:
        """Refuse the journal of a user who may not replace files here: it names what to replace."""
        status = self.pending.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise JournalError(f"{PENDING} is not a directory")
        if not hasattr(os, "geteuid"):
            return
        if status.st_uid not in {os.geteuid(), self.directory.stat().st_uid}:
            raise JournalError(f"user {status.st_uid} ran that command")

    def _read(self, path: Path) -> None:
        try:
            document = json.loads(path.read_bytes())
            self._folders = [str(folder) for folder in document["folders"]]
            self._entries = [_Entry(**entry) for entry in document["entries"]]
        except (ValueError, KeyError, TypeError):
            raise JournalError(f"{path.name} is damaged") from None
        for name in (*self._folders, *(entry.name for entry in self._entries)):
            if not _is_within(self.directory, name):
                raise JournalError(f"{name!r} leads out of the directory")

    def _back_up(self, name: str) -> None:
        path = self.directory / name
        self._entries.append(_Entry(name, _digest(path), None))
        backup = self._old(len(self._entries) - 1)
        if path.exists():
            try:
                os.link(path, backup, follow_symlinks=False)
            except (OSError, NotImplementedError):  # no hard links here, or not to such a file
                _copy(path, backup)
        parts = name.split("/")[:-1]
        for depth, _ in enumerate(parts, 1):
            folder = "/".join(parts[:depth])
            if folder not in self._folders and not (self.directory / folder).exists():
                self._folders.append(folder)

    def _restore(self) -> None:
        for number, entry in enumerate(self._entries):
            path = self.directory / entry.name
            if entry.old is None:
                path.unlink(missing_ok=True)
                continue
            again = self.pending / "again"
            again.unlink(missing_ok=True)
            try:
                os.link(self._old(number), again)
            except (OSError, NotImplementedError):
                _copy(self._old(number), again)
            again.replace(path)
        for folder in reversed(self._folders):
            with suppress(OSError):  # it may hold files of others by now
                (self.directory / folder).rmdir()
        sync_directory(self.directory)

    def _new(self, number: int) -> Path:
        return self.pending / f"{number}.new"

    def _old(self, number: int) -> Path:
        return self.pending / f"{number}.old"


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target, follow_symlinks=False)
    if hasattr(os, "chown"):
        status = source.lstat()
        with suppress(PermissionError):
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(stat.S_IMODE(status.st_mode))


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a loss of power, where the system can."""
    if os.name != "posix":
        return  # a directory cannot be opened there
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _is_within(directory: Path, name: str) -> bool:
    parts = name.split("/")
    if not all(parts) or {".", ".."}.intersection(parts) or Path(name).is_absolute():
        return False
    real = Path(os.path.realpath(directory))
    return Path(os.path.realpath((directory / name).parent)).is_relative_to(real)
