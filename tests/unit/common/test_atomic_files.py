"""Several files of a directory change together, also if the process is killed meanwhile."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from changed_files import AFTER, NEW, OLD, change, tree_contents, write_old
from milvus_secure._common import atomic_files
from milvus_secure._common.atomic_files import (
    NewFile,
    check_replaceable,
    finish_interrupted,
    has_interrupted,
    replace_files,
    snapshot,
    write_file,
)
from milvus_secure._common.file_checks import FileChangeError
from milvus_secure._common.file_journal import PENDING

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has forks, owners and modes")
not_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do everything"
)
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user"
)


@pytest.fixture
def folder_of_files(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    write_old(made)
    return made


def test_all_files_are_replaced_made_and_removed_in_the_same_directory(folder_of_files):
    before = folder_of_files.stat().st_ino
    change(folder_of_files)
    assert tree_contents(folder_of_files) == AFTER
    assert folder_of_files.stat().st_ino == before
    assert not has_interrupted(folder_of_files)


@pytest.fixture
def failing(monkeypatch):
    """The third file cannot be replaced."""
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if Path(target).name == "b.pem":
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_failure_in_the_middle_restores_every_file(folder_of_files, monkeypatch, links):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    (folder_of_files / "a.key").chmod(0o640)
    inode = (folder_of_files / "a.key").stat().st_ino
    with pytest.raises(FileChangeError, match=r"input/output error\. Nothing was changed"):
        change(folder_of_files)
    assert tree_contents(folder_of_files) == OLD
    status = (folder_of_files / "a.key").stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert not links or status.st_ino == inode
    assert not has_interrupted(folder_of_files)


@posix
def test_a_file_keeps_its_mode(folder_of_files):
    (folder_of_files / "a.key").chmod(0o640)
    change(folder_of_files)
    assert stat.S_IMODE((folder_of_files / "a.key").stat().st_mode) == 0o640


@posix
def test_a_new_private_file_is_readable_by_its_owner_only(folder_of_files):
    replace_files(
        folder_of_files, {"new.key": NewFile(b"key", private=True), "new.pem": NewFile(b"pem")}
    )
    modes = {
        name: stat.S_IMODE((folder_of_files / name).stat().st_mode)
        for name in ("new.key", "new.pem")
    }
    assert modes == {"new.key": 0o600, "new.pem": 0o644}


@as_root
def test_a_file_keeps_its_owner_and_group(folder_of_files):
    os.chown(folder_of_files / "a.key", 1234, 2345)
    change(folder_of_files)
    status = (folder_of_files / "a.key").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Linux has these calls")
def test_a_file_keeps_its_access_control_list(folder_of_files):
    # user::rw-, user:1234:r--, group::r--, mask::r--, other::--- as acl(5) encodes them.
    entries = ((1, 6, -1), (2, 4, 1234), (4, 4, -1), (16, 4, -1), (32, 0, -1))
    packed = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little")
        + rights.to_bytes(2, "little")
        + (identifier % 2**32).to_bytes(4, "little")
        for tag, rights, identifier in entries
    )
    try:
        os.setxattr(folder_of_files / "a.key", "system.posix_acl_access", packed)
    except OSError as error:
        pytest.skip(f"this file system has no access control lists: {error}")
    change(folder_of_files)
    assert os.getxattr(folder_of_files / "a.key", "system.posix_acl_access") == packed


def test_a_given_mode_replaces_the_old_mode(folder_of_files):
    (folder_of_files / "a.key").chmod(0o644)
    replace_files(folder_of_files, {"a.key": NewFile(b"old key", mode=0o600)})
    assert stat.S_IMODE((folder_of_files / "a.key").stat().st_mode) == 0o600


@pytest.fixture(params=["run", "dry run"])
def attempt(request, folder_of_files):
    """Try to replace a file, or check whether it could be replaced."""
    if request.param == "run":
        return lambda name: replace_files(folder_of_files, {name: NewFile(b"new")})
    return lambda name: check_replaceable(folder_of_files, [name])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("folder", "is a directory"),
        ("link", "is a symbolic link to a.pem"),
        ("a.pem/b", "is not a directory"),
        ("linked/b", "is a symbolic link"),
        ("../b", "is not a name within"),
        ("/tmp/b", "is not a name within"),
        ("", "is not a name within"),
    ],
)
def test_what_cannot_be_replaced_is_refused_by_the_run_and_the_dry_run(
    folder_of_files, attempt, name, why
):
    (folder_of_files / "folder").mkdir()
    (folder_of_files / "link").symlink_to("a.pem")
    (folder_of_files / "linked").symlink_to("folder")
    before = tree_contents(folder_of_files)
    with pytest.raises(FileChangeError, match=why):
        attempt(name)
    assert tree_contents(folder_of_files) == before


@not_root
def test_a_directory_that_may_not_be_written_is_refused_by_both(folder_of_files, attempt):
    folder_of_files.chmod(0o500)
    try:
        with pytest.raises(FileChangeError, match="permission denied"):
            attempt("a.pem")
    finally:
        folder_of_files.chmod(0o700)


def test_a_directory_that_changed_since_the_decision_is_not_written(folder_of_files):
    expected = snapshot(folder_of_files)
    (folder_of_files / "mine").write_bytes(b"edited")
    before = tree_contents(folder_of_files)
    with pytest.raises(FileChangeError, match="was changed by another program meanwhile"):
        change(folder_of_files, expected=expected)
    assert tree_contents(folder_of_files) == before


class Killed(BaseException):
    """Simulates a kill: no clean-up runs after it."""


@pytest.fixture
def interrupted(folder_of_files, monkeypatch):
    """A change of which only the first file was replaced."""
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if Path(target).name == "a.pem":
            raise Killed
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        patched.setattr(atomic_files, "_undo", lambda _: None)
        with pytest.raises(Killed):
            change(folder_of_files)
    assert (folder_of_files / "a.key").read_bytes() == NEW["a.key"]
    assert (folder_of_files / "a.pem").read_bytes() == OLD["a.pem"]
    return folder_of_files


def test_an_interrupted_change_is_completed(interrupted):
    assert finish_interrupted(interrupted)
    assert tree_contents(interrupted) == AFTER
    assert not finish_interrupted(interrupted)


def test_a_file_that_was_edited_after_the_interruption_is_not_written_over(interrupted):
    (interrupted / "a.pem").write_bytes(b"by hand")
    with pytest.raises(FileChangeError, match=r"a\.pem was changed afterwards.* rm -r "):
        finish_interrupted(interrupted)
    assert (interrupted / "a.pem").read_bytes() == b"by hand"


def test_another_change_waits_for_an_interrupted_one(interrupted):
    with pytest.raises(FileChangeError, match="Another command is changing"):
        change(interrupted)


@as_root
def test_a_journal_of_a_user_without_rights_here_is_not_followed(interrupted):
    os.chown(interrupted / PENDING, 1234, 1234)
    before = tree_contents(interrupted)
    with pytest.raises(FileChangeError, match="user 1234 ran that command"):
        finish_interrupted(interrupted)
    assert tree_contents(interrupted) == before


@pytest.mark.parametrize("name", ["../victim", "/tmp/victim", "out/victim"])
def test_a_journal_that_leads_out_of_the_directory_is_not_followed(interrupted, tmp_path, name):
    (tmp_path / "outside").mkdir()
    (interrupted / "out").symlink_to(tmp_path / "outside")
    path = interrupted / PENDING / "journal.json"
    document = json.loads(path.read_text())
    document["entries"][0]["name"] = name
    path.write_text(json.dumps(document))
    with pytest.raises(FileChangeError, match="leads out of the directory"):
        finish_interrupted(interrupted)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"folders": [], "entries": [{}]}'])
def test_a_damaged_journal_is_named(interrupted, data):
    (interrupted / PENDING / "journal.json").write_bytes(data)
    with pytest.raises(FileChangeError, match=r"journal\.json is damaged"):
        finish_interrupted(interrupted)


class TestOneFile:
    def test_a_new_one_is_written(self, tmp_path):
        write_file(tmp_path / "store", NewFile(b"data", private=True))
        assert tree_contents(tmp_path) == {"store": b"data"}

    def test_an_existing_one_is_not_replaced_by_default(self, folder_of_files):
        with pytest.raises(FileExistsError):
            write_file(folder_of_files / "mine", NewFile(b"data"))
        assert tree_contents(folder_of_files) == OLD

    def test_a_replaced_one_keeps_its_mode(self, folder_of_files):
        (folder_of_files / "mine").chmod(0o640)
        write_file(folder_of_files / "mine", NewFile(b"data"), overwrite=True)
        assert stat.S_IMODE((folder_of_files / "mine").stat().st_mode) == 0o640
        assert tree_contents(folder_of_files) == {**OLD, "mine": b"data"}

    def test_a_missing_directory_is_named(self, tmp_path):
        with pytest.raises(FileChangeError, match="no such file or directory"):
            write_file(tmp_path / "no" / "store", NewFile(b"data"))
