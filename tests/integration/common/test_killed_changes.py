"""A change of several files in a process that is killed, or that lacks rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import changed_files
from changed_files import AFTER, OLD

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has forks, owners and modes")


as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user"
)


SUPPORT = Path(changed_files.__file__).parent

# Makes the change in a forked child that is killed at its n-th step, for every n, in a fresh
# directory each time. A step is an audit event of the interpreter: whatever touches files.
KILLER = """
import json, os, pathlib, signal, sys
sys.path.insert(0, sys.argv[2])
from changed_files import change, tree_contents, write_old
from milvus_secure._common.atomic_files import finish_interrupted

def refused(self, target, replace=pathlib.Path.replace):
    if target.name == "b.pem":
        raise OSError(5, "Input/output error")
    return replace(self, target)

def run(folder, n):
    count = 0
    def hook(event, arguments):
        nonlocal count
        if event.startswith(("open", "os.", "shutil.")):
            count += 1
            if count == n:
                os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[3] == "undo":
        pathlib.Path.replace = refused
    sys.addaudithook(hook)
    try:
        change(folder)
    finally:
        os._exit(0)

outcomes = []
for n in range(1, 2000):
    folder = pathlib.Path(sys.argv[1], str(n))
    write_old(folder)
    child = os.fork() or run(folder, n)
    _, status = os.waitpid(child, 0)
    finish_interrupted(folder)
    outcomes.append({name: data.decode() for name, data in tree_contents(folder).items()})
    if not os.WIFSIGNALED(status):
        break
print(json.dumps(outcomes))
"""


@posix
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["change", "undo"])
def test_a_process_killed_at_any_step_leaves_what_can_be_completed_or_undone(tmp_path, kind):
    """``undo``: the third file cannot be replaced, so the change is undone, and killed there."""
    run = subprocess.run(
        [sys.executable, "-c", KILLER, tmp_path, SUPPORT, kind],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    *killed, ended = json.loads(run.stdout)
    assert len(killed) > 20
    before, after = ({n: d.decode() for n, d in files.items()} for files in (OLD, AFTER))
    assert all(finished in (before, after) for finished in killed)
    assert before in killed
    assert ended == (after if kind == "change" else before)


AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from milvus_secure._common.atomic_files import NewFile, replace_files
from milvus_secure._common.file_checks import FileChangeError
os.setgid(1234); os.setuid(1234)
try:
    replace_files(Path(sys.argv[1]), {"a.key": NewFile(b"new"), "a.pem": NewFile(b"new")})
except FileChangeError as error:
    print(error)
"""


@as_root
@pytest.mark.parametrize(("mode", "refused"), [(0o640, True), (0o644, False)])
def test_a_group_that_would_lose_its_access_is_not_locked_out(tmp_path, mode, refused):
    """``tmp_path`` of root cannot be entered by others, so the directory is elsewhere."""
    with tempfile.TemporaryDirectory() as name:
        folder_of_files = Path(name)
        folder_of_files.chmod(0o777)
        if not all(folder.stat().st_mode & 0o001 for folder in folder_of_files.parents):
            pytest.skip(f"other users may not enter {folder_of_files.parent}")
        for file in ("a.key", "a.pem"):
            (folder_of_files / file).write_bytes(b"old")
        (folder_of_files / "a.key").chmod(mode)
        os.chown(folder_of_files / "a.key", 1234, 2345)
        run = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER, folder_of_files],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        assert ("could not read it" in run.stdout) is refused
        expected = b"old" if refused else b"new"
        assert {path.name: path.read_bytes() for path in folder_of_files.iterdir()} == {
            "a.key": expected,
            "a.pem": expected,
        }
