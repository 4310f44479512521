"""Two runs on one directory: neither loses the other's work, and each reports what is true."""

from __future__ import annotations

import errno
import threading
import time

import pytest

from milvus_secure._common import directory_lock
from milvus_secure._common.atomic_files import snapshot as directory_snapshot
from milvus_secure.certs import CertificateSet
from milvus_secure.certs.csr import make_request, write_request
from milvus_secure.certs.issuing.issue import Role
from milvus_secure.certs.storage.change import Change
from milvus_secure.certs.storage.store import exclusive, write_change, write_file
from milvus_secure.errors import CertificateError

fcntl = pytest.importorskip("fcntl", reason="only POSIX locks directories")


class Later(threading.Thread):
    """A run that begins while another run has locked the directory."""

    def __init__(self, work) -> None:
        super().__init__()
        self.work = work
        self.failed: CertificateError | None = None

    def run(self) -> None:
        try:
            self.work()
        except CertificateError as error:
            self.failed = error


@pytest.mark.parametrize("work", ["renew", "repair", "add_client", "export", "request"])
def test_a_run_waits_for_another_and_keeps_its_work(tmp_path, snapshot, work):
    made = CertificateSet.create(tmp_path / "certs")
    made.ca_key.chmod(0o644)  # which a repair closes
    run = {
        "renew": lambda: made.renew("client"),
        "repair": made.repair,
        "add_client": lambda: made.add_client("more"),
        "export": lambda: write_file(made.directory / "client.p12", b"store"),
        "request": lambda: write_request(made.directory, make_request(Role.CLIENT), overwrite=True),
    }[work]
    later = Later(run)
    with exclusive(made.directory):
        before = snapshot(made.directory)
        later.start()
        time.sleep(0.3)
        assert snapshot(made.directory) == before
        write_change(made.directory, Change({"first.txt": b"of the first run"}))
    later.join(60)
    assert later.failed is None
    after = snapshot(made.directory)
    assert after.pop("first.txt") == b"of the first run"
    assert after != before or work == "repair"  # which changes a mode alone


def test_another_user_with_the_lock_cannot_prevent_a_renewal(tmp_path, monkeypatch, snapshot):
    """Every user who may read a directory can hold its lock."""
    made = CertificateSet.create(tmp_path / "certs")
    before = snapshot(made.directory)
    monkeypatch.setattr(directory_lock, "PATIENCE_SECONDS", 0.1)
    with exclusive(made.directory):
        made.renew()
    assert snapshot(made.directory) != before


@pytest.fixture
def lockless(monkeypatch):
    """As over NFS, where no directory can be locked."""

    def refuse(*_) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("lockless")
def test_a_set_is_created_and_renewed_where_locks_do_not_exist(tmp_path):
    CertificateSet.create(tmp_path / "certs").renew()


@pytest.mark.parametrize("change", ["edit", "add", "remove", "exchange"])
def test_a_change_by_another_program_is_not_overwritten(tmp_path, snapshot, change):
    made = CertificateSet.create(tmp_path / "certs")
    earlier = directory_snapshot(made.directory)
    if change == "edit":
        made.server_pem.write_bytes(made.server_pem.read_bytes() + b"\n")
    elif change == "add":
        (made.directory / "notes.txt").write_text("mine")
    elif change == "remove":
        made.server_key.unlink()
    else:
        made.renew()
    before = snapshot(made.directory)
    with pytest.raises(CertificateError, match="was changed by another program meanwhile"):
        write_change(made.directory, Change({"client.pem": b"new"}), earlier)
    assert snapshot(made.directory) == before
    assert [path.name for path in tmp_path.iterdir()] == ["certs"]


@pytest.mark.parametrize("is_directory", [False, True], ids=["appeared", "empty before"])
def test_a_set_that_another_run_created_is_not_replaced(tmp_path, snapshot, is_directory):
    folder = tmp_path / "certs"
    if is_directory:
        folder.mkdir()
    earlier = directory_snapshot(folder)
    CertificateSet.create(folder)
    before = snapshot(folder)
    with pytest.raises(CertificateError, match="was changed by another program meanwhile"):
        write_change(folder, Change({"ca.pem": b"another"}), earlier)
    assert snapshot(folder) == before


def test_a_file_that_another_program_created_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "client.p12"
    monkeypatch.setattr(
        "os.path.lexists", lambda _: False
    )  # the state that was read before the change
    path.write_bytes(b"mine")
    with pytest.raises(CertificateError, match="exists already"):
        write_file(path, b"new")
    assert path.read_bytes() == b"mine"
