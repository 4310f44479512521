"""Files for material that has no path of its own."""

from __future__ import annotations

import copy
import gc
import logging
import os
import pickle
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from milvus_secure._common.system_limits import NoPlaceError
from milvus_secure.pem import memory_file_systems, temp_files
from milvus_secure.pem.memory_file_systems import memory_directories
from milvus_secure.pem.temp_files import TempFiles
from processes import started

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
KEY = b"-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n"


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    """A directory that counts as a file system in memory, and no file from other tests."""
    directory = tmp_path / "memory"
    directory.mkdir()
    monkeypatch.setattr(temp_files, "memory_directories", lambda: iter([str(directory)]))
    monkeypatch.setattr(temp_files, "_current", temp_files._ProcessFiles())
    return directory


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


@FORKS
class TestAForkedChild:
    def test_does_not_touch_its_parents_files(self):
        files = TempFiles()
        path = Path(files.path_for(b"PEM"))
        assert in_child(files.close)
        assert path.read_bytes() == b"PEM"

    def test_makes_files_of_its_own(self):
        files = TempFiles()
        path = files.path_for(b"PEM")

        def differs() -> None:
            again = files.path_for(b"PEM")
            assert again != path
            assert Path(again).read_bytes() == b"PEM"

        assert in_child(differs)

    def test_does_not_wait_for_a_lock_of_its_parent(self):
        files = TempFiles()
        with temp_files._process_files()._lock:
            assert in_child(lambda: files.path_for(b"PEM"))


def in_child(work) -> bool:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child ends here
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


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
    def test_are_on_tmpfs(self):
        for directory in memory_directories():
            completed = subprocess.run(
                ["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, timeout=20
            )
            assert completed.stdout.strip() in memory_file_systems._MEMORY

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


HOLD = """
import os, sys
from milvus_secure.pem import temp_files
temp_files.memory_directories = lambda: iter([sys.argv[1]])
print(temp_files.TempFiles().path_for(b"PEM"), flush=True)
if "close-descriptors" in sys.argv:
    os.closerange(3, 64)
    print("closed", flush=True)
if "daemon" in sys.argv and os.fork():
    os._exit(0)
sys.stdin.readline()
"""


class TestSweep:
    """A process removes what killed processes of the same user left."""

    @pytest.fixture
    def start(self, memory):
        with ExitStack() as processes:

            def start(*arguments: str):
                command = [sys.executable, "-c", HOLD, str(memory), *arguments]
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
                process = processes.enter_context(started(command, **pipes))
                path = process.stdout.readline().strip()
                assert path
                return process, Path(path)

            yield start

    def test_removes_what_a_killed_process_left(self, start, memory):
        process, path = start()
        process.kill()
        process.wait(30)
        assert path.exists()
        temp_files.sweep(str(memory))
        assert list(memory.iterdir()) == []

    def test_is_done_when_a_process_makes_its_first_file(self, start):
        process, path = start()
        process.kill()
        process.wait(30)
        TempFiles().path_for(b"other")
        assert not path.exists()

    def test_leaves_the_files_of_a_running_process(self, start, memory):
        _, path = start()
        temp_files.sweep(str(memory))
        assert path.read_bytes() == b"PEM"

    @POSIX
    def test_leaves_the_files_of_a_process_that_closed_its_descriptors(self, start, memory):
        process, path = start("close-descriptors")
        assert process.stdout.readline() == "closed\n"
        temp_files.sweep(str(memory))
        assert path.read_bytes() == b"PEM"

    @FORKS
    def test_leaves_the_files_of_a_daemon_whose_parent_is_gone(self, start, memory):
        process, path = start("daemon")
        process.wait(30)
        temp_files.sweep(str(memory))
        assert path.read_bytes() == b"PEM"

    @FORKS
    def test_leaves_files_of_other_containers_that_are_in_use(self, start, memory, monkeypatch):
        _, path = start()
        monkeypatch.setattr(temp_files, "_namespace", lambda: 1)
        temp_files.sweep(str(memory))
        assert path.read_bytes() == b"PEM"

    def test_removes_what_killed_processes_of_other_containers_left(
        self, start, memory, monkeypatch
    ):
        process, path = start()
        process.kill()
        process.wait(30)
        monkeypatch.setattr(temp_files, "_namespace", lambda: 1)
        temp_files.sweep(str(memory))
        assert not path.exists()

    @POSIX
    def test_leaves_directories_of_other_users(self, start, memory, monkeypatch):
        process, path = start()
        process.kill()
        process.wait(30)
        monkeypatch.setattr(temp_files, "_user", lambda: os.geteuid() + 1)
        temp_files.sweep(str(memory))
        assert path.exists()

    def test_leaves_everything_else(self, memory):
        (memory / "milvus-secure-notes").mkdir()
        (memory / "milvus-secure-1-2-3-4").write_bytes(b"a file")
        (memory / "milvus-secure-1-2-3-5").mkdir()
        temp_files.sweep(str(memory))
        assert len(list(memory.iterdir())) == 3

    def test_an_ordinary_exit_leaves_nothing(self, start, memory):
        process, _ = start()
        process.stdin.close()
        process.wait(30)
        assert list(memory.iterdir()) == []

    def test_works_where_there_is_no_proc(self, start, memory, monkeypatch):
        monkeypatch.setattr(temp_files, "_started", lambda _: "")
        files = TempFiles()
        path = Path(files.path_for(b"PEM"))
        assert path.parent.name.split("-")[4] == "0"
        temp_files.sweep(str(memory))
        assert path.exists()
        assert temp_files._is_running(os.getpid(), "0")
        process, _ = start()
        process.kill()
        process.wait(30)
        assert not temp_files._is_running(process.pid, "0")

    def test_works_where_no_file_can_be_locked(self, memory, monkeypatch):
        monkeypatch.setattr(temp_files, "fcntl", None)  # Windows
        files = TempFiles()
        path = Path(files.path_for(b"PEM"))
        assert path.read_bytes() == b"PEM"
        files.close()
        assert list(memory.iterdir()) == []
