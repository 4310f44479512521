"""Linux namespaces for one test: mounts and networks that end with the processes in them.

They need no root where the system allows users to make namespaces. `run` starts a Python script
in new ones; `Disk` and `cable` are for such scripts and refuse to work anywhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # users may have no `ip` on theirs
_MARK = "MILVUS_SECURE_TEST_NAMESPACES"
MAC_THERE = "02:00:00:00:00:02"
LAY = f"link add name near type veth peer name far address {MAC_THERE}"
"""What joins this network to another, once that has got the far end."""
NETWORK = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
"""Runs a command in a network and process tree of its own, which end with it."""


@cache
def has_own_network() -> bool:
    """Whether a command can run in `NETWORK` here."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    command = [*NETWORK, "ip", "link", "set", "lo", "up"]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


@cache
def no_disks() -> str:
    """Why a test cannot mount file systems here; empty if it can."""
    return _refused("-rmn", "mount -t tmpfs tmpfs /tmp && ip link set lo up", "mount", "ip")


@cache
def no_cables() -> str:
    """Why a test cannot connect two networks here; empty if it can."""
    return _refused("-rn", f"ip {LAY}", "ip")


def _refused(kinds: str, command: str, *tools: str) -> str:
    if sys.platform != "linux":
        return "namespaces are Linux's"
    for tool in ("unshare", *tools):
        if shutil.which(tool, path=_PATH) is None:
            return f"there is no `{tool}` on this machine"
    arguments = ["unshare", kinds, "sh", "-c", command]
    ended = subprocess.run(
        arguments, capture_output=True, text=True, env={**os.environ, "PATH": _PATH}, timeout=10
    )
    if ended.returncode == 0:
        return ""
    return f"refused here: unshare {kinds} sh -c '{command}': {' '.join(ended.stderr.split())}"


def run(
    script: str, *arguments: object, kinds: str, folder: Path, **environ: object
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in namespaces of its own, for two minutes at most.

    Args:
        script: Its text; it may import the tests' modules.
        arguments: What it is given.
        kinds: ``-rm`` for mounts, ``-rn`` for the network, ``-rmn`` for both.
        folder: Its working directory.
        environ: Variables in addition to those of this process.
    """
    variables = {"PATH": _PATH, "PYTHONPATH": Path(__file__).parent, _MARK: kinds, **environ}
    return subprocess.run(
        ["unshare", kinds, sys.executable, "-c", script, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
        text=True,
        timeout=120,
    )


def ip(command: str) -> None:
    """Change the network of this namespace."""
    _do("n", "ip", *command.split())


def _do(kind: str, *command: str) -> None:
    assert kind in os.environ.get(_MARK, ""), "not to be done to the machine itself"
    subprocess.run(command, check=True, timeout=120)


class Disk:
    """A small file system in memory that can become full or read-only, as on a disk.

    Args:
        at: The directory to mount it on.
        pages: Its size; a file takes one page for each 4 KiB, or what this machine has.
        inodes: How many files, directories and hard links it takes.
    """

    def __init__(self, at: Path, *, pages: int = 64, inodes: int = 64) -> None:
        self.at = at
        self._page = os.sysconf("SC_PAGESIZE")
        size = f"size={pages * self._page},nr_inodes={inodes}"
        _do("m", "mount", "-t", "tmpfs", "-o", size, "tmpfs", str(at))

    def fill(self, *, free: int = 0) -> None:
        """Write until there is no space left on the device, and then free a few pages."""
        with (self.at / "filler").open("wb", buffering=0) as filler:
            with suppress(OSError):
                while True:
                    filler.write(bytes(self._page))
            filler.truncate(max(0, filler.tell() - free * self._page))

    def fill_with_files(self, *, free: int = 0) -> None:
        """Make empty files until no more can be made, and then remove a few."""
        made: list[Path] = []
        with suppress(OSError):
            while True:
                made.append(self.at / f"filler-{len(made)}")
                made[-1].touch(exist_ok=False)
        for path in made[-1 - free : -1]:  # the last could not be made
            path.unlink()

    def relieve(self) -> None:
        """Remove what fills it."""
        for path in self.at.glob("filler*"):
            path.unlink()

    def allow(self, options: str) -> None:
        """Let files be read and written, ``rw``, or only read, ``ro``."""
        _do("m", "mount", "-o", f"remount,{options}", str(self.at))

    def files(self) -> dict[str, bytes]:
        """The content of every file and the directories, without the files that only fill it."""
        return {
            str(path.relative_to(self.at)): path.read_bytes() if path.is_file() else b""
            for path in sorted(self.at.rglob("*"))
            if not path.name.startswith("filler")
        }
