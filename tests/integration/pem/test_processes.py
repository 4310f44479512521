"""Temporary files where processes fork, end or are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from milvus_secure.pem import memory_file_systems, temp_files
from milvus_secure.pem.memory_file_systems import memory_directories
from milvus_secure.pem.temp_files import TempFiles
from processes import started

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")


FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")


pytestmark = pytest.mark.usefixtures("memory")


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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestMemoryDirectories:
    def test_are_on_tmpfs(self):
        for directory in memory_directories():
            completed = subprocess.run(
                ["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, timeout=20
            )
            assert completed.stdout.strip() in memory_file_systems._MEMORY


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
