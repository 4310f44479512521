"""Certificate sets where the system lacks what Linux has: locks, hard links, owners."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certificate_judges import contents
from milvus_secure._common import atomic_files, directory_lock, file_journal
from milvus_secure._common.file_journal import PENDING
from milvus_secure.certs import CertificateSet
from milvus_secure.errors import CertificateError


def unlock(monkeypatch) -> None:
    """Windows has no ``fcntl``."""
    monkeypatch.setitem(sys.modules, "fcntl", None)


def unlink(monkeypatch) -> None:
    """FAT and some network file systems have no hard links."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)


def forget_owners(monkeypatch) -> None:
    """Windows has no owners, groups and mode bits as POSIX has them."""
    for name in ("geteuid", "getegid", "getgroups", "chown"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(os, "supports_effective_ids", set())


def open_no_directories(monkeypatch) -> None:
    """Windows opens no directory, so none can be locked or synced."""
    original = os.open

    def refuse(path: object, flags: int, *rest: object, **named: object) -> int:
        # Elsewhere shutil removes a tree without opening its directories.
        of_shutil = sys._getframe(1).f_code.co_filename == shutil.__file__
        if not of_shutil and isinstance(path, (str, Path)) and Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(file_journal, "sync_directory", lambda _: None)
    monkeypatch.setattr(atomic_files, "sync_directory", lambda _: None)


MISSING = (unlock, unlink, forget_owners, open_no_directories)


@pytest.fixture(params=[*MISSING, None], ids=[*(take.__name__ for take in MISSING), "all of it"])
def without(request, monkeypatch) -> None:
    """Take away one thing, or all of them as on Windows."""
    for take in MISSING if request.param is None else (request.param,):
        take(monkeypatch)
    monkeypatch.setattr(directory_lock, "PENDING_SECONDS", 0.1)


@pytest.fixture
def set_without(without, tmp_path: Path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "certs")


def test_a_set_is_made_extended_and_renewed(set_without, judge):
    inode = set_without.directory.stat().st_ino
    set_without.add_client("more")
    set_without.renew()
    assert set(judge(set_without.directory, "localhost", "more").values()) == {"OK"}
    assert set_without.directory.stat().st_ino == inode
    assert not (set_without.directory / PENDING).exists()


@contextmanager
def stopped_by(error: BaseException) -> Iterator[None]:
    """Let the first replacement of server.pem fail, or end as if the process were killed there."""
    errors = [error]
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == "server.pem" and errors:
            raise errors.pop()
        return original(self, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        if isinstance(error, KeyboardInterrupt):
            patched.setattr(atomic_files, "_undo", lambda _: None)
        yield


def test_a_failure_in_the_middle_changes_nothing(set_without):
    before = contents(set_without.directory)
    failure = stopped_by(OSError(errno.EIO, "Input/output error"))
    with failure, pytest.raises(CertificateError, match="Nothing was changed"):
        set_without.renew()
    assert contents(set_without.directory) == before
    assert not (set_without.directory / PENDING).exists()


def test_what_a_killed_run_left_is_completed_by_the_next(set_without, judge):
    before = contents(set_without.directory)
    with stopped_by(KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        set_without.renew()
    assert (set_without.directory / PENDING).exists()
    assert set_without.repair().files == {}
    after = contents(set_without.directory)
    assert after["server.pem"] != before["server.pem"]
    assert set(judge(set_without.directory, "localhost").values()) == {"OK"}
