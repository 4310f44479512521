"""Real faults of the machine: a full disk, a read-only disk, a cable that is pulled out.

Each has Linux namespaces of its own (`tests/support/namespaces.py`), so that nothing of the
machine is changed and no root is needed. `test_faults.py` simulates these faults, and runs also
where there are no namespaces.
"""

from __future__ import annotations

import json
import subprocess

import pytest

import minting
from cable import THERE
from milvus_secure.client.timeouts import waits_full_timeout
from namespaces import no_cables, no_disks, run

disks = pytest.mark.skipif(bool(no_disks()), reason=no_disks())
cables = pytest.mark.skipif(bool(no_cables()), reason=no_cables())
pytestmark = pytest.mark.xdist_group("machine")  # several tests judge one run


def _records(ended: subprocess.CompletedProcess[str]) -> list:
    """The output of a script: a line of JSON for each record."""
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


WORDS = {"full": "no space left on device", "read-only": "read-only file system"}
# The files that are renewed, changed or replaced exist before.
COMMANDS = (
    "certs init other",
    "certs renew certs",
    "server config --certs certs --out server --tls-mode mutual --force",
    "server config --certs certs --out another --target kubernetes",
    "certs export certs --out store.p12 --password-file ../password --force",
)

A_DISK = """
import io, json, os, subprocess, sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from milvus_secure.cli import main
from namespaces import Disk

def milvus_secure(command):
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as told:
        return main(command.split()), told.getvalue()

Path("disk").mkdir()
Path("password").write_text("a password")
disk = Disk(Path("disk").absolute())
os.chdir(disk.at)
for made in ("certs init certs", "server config --certs certs --out server"):
    assert milvus_secure(made) == (0, "")
Path("store.p12").write_bytes(b"an older one")
"""

EVERY_COMMAND = (
    A_DISK
    + """
for state in ("full", "read-only"):
    disk.fill() if state == "full" else disk.allow("ro")
    for command in sys.argv[1:]:
        before = disk.files()
        words = [sys.executable, "-m", "milvus_secure", *command.split()]
        ended = subprocess.run(words, capture_output=True, text=True)
        after = disk.files()
        changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
        print(json.dumps([state, command, ended.returncode, ended.stderr, changed]))
    if state == "full":
        disk.relieve()
"""
)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Exit status, stderr and changed files, by state of the disk and command."""
    folder = tmp_path_factory.mktemp("commands")
    records = _records(run(EVERY_COMMAND, *COMMANDS, kinds="-rm", folder=folder))
    return {(state, command): rest for state, command, *rest in records}


@disks
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", WORDS)
class TestDisk:
    """Every command that writes, on a disk that accepts no data."""

    def test_the_command_fails_and_says_why(self, state, command, ended):
        status, stderr, _ = ended[state, command]
        assert status == 1
        assert stderr.startswith("error: ")
        assert "Traceback" not in stderr
        assert WORDS[state] in " ".join(stderr.split())

    def test_no_file_is_new_half_written_or_gone(self, state, command, ended):
        _, _, changed = ended[state, command]
        assert changed == []


LITTLE_ROOM = (
    A_DISK
    + """
what, command = sys.argv[1:]
before = disk.files()
for free in range(50):
    disk.fill(free=free) if what == "pages" else disk.fill_with_files(free=free)
    status, stderr = milvus_secure(command)
    disk.relieve()
    print(json.dumps([status, stderr, disk.files() == before]))
    if status == 0:
        break
"""
)


@disks
@pytest.mark.parametrize("resource", ["pages", "inodes"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_becomes_full_at_any_point_changes_nothing(command, resource, tmp_path):
    """With space for nothing, for one page or file, for two, and so on until it succeeds."""
    *failed, succeeded = _records(run(LITTLE_ROOM, resource, command, kinds="-rm", folder=tmp_path))
    print("FIGURES", command, len(failed), resource, "were too few")
    assert failed
    for status, stderr, _ in failed:
        assert (status, WORDS["full"] in " ".join(stderr.split())) == (1, True), stderr
    assert all(unchanged for _, _, unchanged in failed), failed
    assert succeeded == [0, "", False]


MATERIAL_AS_TEXT = """
import gc, json, os, tempfile
from pathlib import Path
import minting
from milvus_endpoint import milvus_endpoint
from milvus_secure import MilvusSecureError, connect_secure
from milvus_secure.pem import memory_file_systems
from namespaces import Disk, ip

def outcome(environ):
    try:
        connect_secure(env_file=None, environ=environ).close()
    except MilvusSecureError as error:
        return [type(error).__name__, str(error)]
    finally:
        gc.collect()
    return ["connected", ""]

ip("link set lo up")
disk = Disk(Path(tempfile.gettempdir()))
trio = minting.trio()
with milvus_endpoint(trio.server, clients=trio.ca) as endpoint:
    environ = {
        "MILVUS_URI": endpoint.uri, "MILVUS_TIMEOUT": "5",
        "MILVUS_CA_PEM": trio.ca.pem.decode(), "MILVUS_CLIENT_PEM": trio.client.pem.decode(),
        "MILVUS_CLIENT_KEY": trio.client.key_pem.decode(),
    }
    for kept in ("in memory", "on disk"):
        for state in ("with room", "full", "a page left", "read-only"):
            if state == "read-only":
                disk.allow("ro")
            elif state != "with room":
                disk.fill(free=int(state == "a page left"))
            print(json.dumps([kept, state, *outcome(environ), list(disk.files())]))
            disk.allow("rw")
            disk.relieve()
        if kept == "in memory":
            del os.memfd_create  # as on a system without it, and without /dev/shm
            memory_file_systems._SHARED_MEMORY = ""
"""


@pytest.fixture(scope="module")
def material_outcome(tmp_path_factory):
    """Kind of error, message and files left, by place of the material and state of the disk."""
    temporary = tmp_path_factory.mktemp("temporary")
    records = _records(run(MATERIAL_AS_TEXT, kinds="-rmn", folder=temporary, TMPDIR=temporary))
    return {(kept, state): rest for kept, state, *rest in records}


@disks
class TestMaterialAsText:
    """It is kept in memory or, where no file can be in memory, in a temporary directory on disk."""

    @pytest.mark.parametrize("state", ["full", "a page left", "read-only"])
    def test_in_memory_it_needs_no_disk(self, state, material_outcome):
        assert material_outcome["in memory", state] == ["connected", "", []]

    def test_on_disk_it_needs_only_space(self, material_outcome):
        assert material_outcome["on disk", "with room"] == ["connected", "", []]

    @pytest.mark.parametrize("state", ["full", "a page left", "read-only"])
    def test_on_disk_there_is_a_typed_error_that_says_why(self, state, material_outcome):
        kind, message, _ = material_outcome["on disk", state]
        assert kind == "SecureConnectionError"
        assert WORDS.get(state, WORDS["full"]) in message.lower()

    @pytest.mark.parametrize("state", ["full", "a page left", "read-only"])
    def test_on_disk_no_incomplete_file_is_left(self, state, material_outcome):
        assert material_outcome["on disk", state][2] == []

    def test_on_disk_the_fix_is_not_a_longer_timeout(self, material_outcome):
        assert "larger timeout" not in material_outcome["on disk", "full"][1]


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    """A folder with certificates for the other end of a cable."""
    folder = tmp_path_factory.mktemp("wired")
    minting.trio(sans=[THERE]).write(folder / "certs")
    return folder


SILENCE = """
import json, time
from pathlib import Path
from milvus_secure import MilvusSettings, SecureConnectionError, check, connect_secure
from cable import Cable

def tell(what, report):
    code = report.root_cause and report.root_cause.code
    print(json.dumps([what, [code, time.monotonic() - started]]))

certs = Path("certs").absolute()
cable = Cable(certs)
settings = MilvusSettings(
    uri=cable.uri, ca_pem_path=certs / "ca.pem", timeout=2, environ={}, env_file=None
)
connect_secure(settings).close()
cable.pull()
started = time.monotonic()
tell("check", check(settings))
started = time.monotonic()
try:
    connect_secure(settings)
except SecureConnectionError as error:
    tell("connect_secure", error.report)
cable.put_back()
connect_secure(settings).close()
print(json.dumps(["afterwards", "connected"]))
cable.close()
"""


@pytest.fixture(scope="module")
def silence(wired):
    """Root cause and seconds of `check` and `connect_secure`, and whether it connects later."""
    return dict(_records(run(SILENCE, kinds="-rn", folder=wired)))


@cables
class TestSilence:
    """Packets that open a connection are dropped."""

    @pytest.mark.parametrize("call", ["check", "connect_secure"])
    def test_it_is_reported_as_silence(self, call, silence):
        code, _ = silence[call]
        assert code == "tcp-timeout"

    @pytest.mark.parametrize("call", ["check", "connect_secure"])
    def test_it_is_reported_when_the_timeout_is_over(self, call, silence):
        _, seconds = silence[call]
        assert seconds > 1.9

    def test_it_connects_once_the_cable_is_connected(self, silence):
        assert silence["afterwards"] == "connected"


@pytest.fixture(
    scope="module",
    params=[
        "until calls fail",
        pytest.param("until the connection is given up", marks=pytest.mark.thorough),
        pytest.param("in and out at random", marks=pytest.mark.thorough),
    ],
)
def cable_outcome(request, wired):
    """The state of the rows while the cable was out, and of the client afterwards."""
    script = "import sys, cable; cable.workload(sys.argv[1])"
    (outcome,) = _records(run(script, request.param, kinds="-rn", folder=wired))
    shown = {name: len(item) if isinstance(item, list) else item for name, item in outcome.items()}
    print("FIGURES", request.param, shown)
    return outcome


@cables
@pytest.mark.skipif(waits_full_timeout(), reason="this pymilvus does not connect a client again")
class TestCable:
    """Pulled out in the middle of a workload that upserts rows, and put back."""

    def test_packets_are_dropped_at_all(self, cable_outcome):
        assert cable_outcome["sent again"] > 0

    def test_no_acknowledged_row_is_lost(self, cable_outcome):
        assert set(cable_outcome["acknowledged"]) - set(cable_outcome["stored"]) == set()

    def test_no_row_is_there_twice(self, cable_outcome):
        assert len(cable_outcome["stored"]) == len(set(cable_outcome["stored"]))

    def test_the_same_client_continues_afterwards(self, cable_outcome):
        assert cable_outcome["recovered"]
