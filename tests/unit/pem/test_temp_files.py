"""Files for material that has no path of its own."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import stat
import sys
from pathlib import Path

import pytest

from milvus_secure._common.system_limits import NoPlaceError
from milvus_secure.pem import memory_file_systems, temp_files
from milvus_secure.pem.memory_file_systems import memory_directories
from milvus_secure.pem.temp_files import TempFiles

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
KEY = b"-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n"


pytestmark = pytest.mark.usefixtures("memory")


@pytest.fixture
def disk(tmp_path, memory, monkeypatch):
    """A directory on a disk, where there is no file system in memory."""
    monkeypatch.setattr(temp_files, "memory_directories", lambda: iter([]))
    directory = tmp_path / "disk"
    directory.mkdir()
    monkeypatch.setattr(temp_files.tempfile, "tempdir", str(directory))
    return directory


class TestAPath:
    def test_can_be_read_again_and_again(self):
        path = Path(TempFiles().path_for(b"PEM" * 100_000))
        assert path.read_bytes() == path.read_bytes() == b"PEM" * 100_000

    def test_outlives_the_object_that_made_it(self):
        files = TempFiles()
        path = Path(files.path_for(b"PEM"))
        del files
        gc.collect()
        assert path.read_bytes() == b"PEM"

    def test_is_in_a_file_system_in_memory(self, memory):
        assert memory in Path(TempFiles().path_for(b"PEM")).parents

    @POSIX
    def test_can_be_read_by_this_user_only(self):
        path = Path(TempFiles().path_for(b"PEM"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_has_a_name_that_nobody_can_guess(self):
        path = Path(TempFiles().path_for(b"PEM"))
        assert len(path.stem) == len(path.parent.name.rpartition("-")[2]) == 32

    def test_is_the_same_for_the_same_bytes_in_the_whole_process(self):
        first, second = TempFiles(), TempFiles()
        assert first.path_for(b"a") == second.path_for(b"a") != first.path_for(b"b")

    def test_is_made_again_if_the_file_was_removed(self):
        files = TempFiles()
        Path(files.path_for(b"PEM")).unlink()
        assert Path(files.path_for(b"PEM")).read_bytes() == b"PEM"

    def test_is_made_again_if_the_directory_was_removed(self):
        files = TempFiles()
        temp_files.shutil.rmtree(Path(files.path_for(b"PEM")).parent)
        assert Path(files.path_for(b"PEM")).read_bytes() == b"PEM"


class TestClosing:
    def test_leaves_nothing(self, memory):
        files = TempFiles()
        files.path_for(b"PEM")
        files.close()
        assert list(memory.iterdir()) == []

    def test_keeps_a_file_that_another_object_uses(self):
        first, second = TempFiles(), TempFiles()
        first.path_for(b"PEM")
        path = Path(second.path_for(b"PEM"))
        first.close()
        assert path.read_bytes() == b"PEM"
        second.close()
        assert not path.exists()

    def test_keeps_a_file_that_a_collected_object_made(self):
        path = Path(TempFiles().path_for(b"PEM"))
        gc.collect()
        files = TempFiles()
        files.path_for(b"PEM")
        files.close()
        assert path.read_bytes() == b"PEM"

    def test_twice_is_the_same_as_once(self):
        files, other_files = TempFiles(), TempFiles()
        files.path_for(b"PEM")
        path = Path(other_files.path_for(b"PEM"))
        files.close()
        files.close()
        assert path.exists()

    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
    def test_a_copy_removes_nothing_of_the_original(self, duplicate):
        files = TempFiles()
        path = Path(files.path_for(b"PEM"))
        duplicate(files).close()
        assert path.exists()


@pytest.mark.usefixtures("disk")
class TestOnADisk:
    """Where there is no file system in memory: macOS, Windows, a chroot."""

    def test_a_private_key_is_announced_with_its_file(self, disk, caplog):
        with caplog.at_level(logging.WARNING, logger="milvus_secure"):
            path = TempFiles().path_for(KEY)
        assert disk in Path(path).parents
        assert path in caplog.text
        assert "client_key_path" in caplog.text

    def test_a_private_key_is_announced_once(self, caplog):
        TempFiles().path_for(KEY)
        TempFiles().path_for(KEY)
        assert len(caplog.records) == 1

    def test_a_certificate_needs_no_announcement(self, caplog):
        TempFiles().path_for(b"-----BEGIN CERTIFICATE-----")
        assert caplog.records == []

    def test_no_room_is_a_typed_error_that_leaves_nothing(self, disk, monkeypatch):
        def full(self, data):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(temp_files._Directory, "write", full)
        with pytest.raises(NoPlaceError, match="no space left on device"):
            TempFiles().path_for(KEY)
        assert list(disk.iterdir()) == []


def test_a_full_file_system_in_memory_gives_way_to_the_next(tmp_path, memory, monkeypatch):
    missing = str(tmp_path / "missing")
    monkeypatch.setattr(temp_files, "memory_directories", lambda: iter([missing, str(memory)]))
    assert memory in Path(TempFiles().path_for(KEY)).parents


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestMemoryDirectories:
    def test_leave_out_a_disk(self, monkeypatch):
        kinds = dict.fromkeys(memory_file_systems._file_systems(), "ext4")
        monkeypatch.setattr(memory_file_systems, "_file_systems", lambda: kinds)
        assert list(memory_directories()) == []

    @pytest.mark.parametrize(("mode", "usable"), [(0o777, False), (0o1777, True), (0o700, True)])
    def test_leave_out_what_other_users_can_change(self, tmp_path, monkeypatch, mode, usable):
        tmp_path.chmod(mode)
        kinds = dict.fromkeys(memory_file_systems._file_systems(), "tmpfs")
        monkeypatch.setattr(memory_file_systems, "_file_systems", lambda: kinds)
        monkeypatch.setattr(memory_file_systems, "_SHARED_MEMORY", str(tmp_path))
        assert (str(tmp_path) in memory_directories()) is usable

    def test_are_none_without_proc(self, monkeypatch):
        monkeypatch.setattr(memory_file_systems, "_file_systems", dict)
        assert list(memory_directories()) == []
