"""Material given as text or with a password: where it is stored, how long, for which process."""

from __future__ import annotations

import base64
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import minting
from milvus_secure import MilvusSettings, check, connect_secure
from milvus_secure.client.memory_files import MemoryFiles
from milvus_secure.pem.memory_file_systems import memory_directories

HERE = {"environ": {}, "env_file": None, "timeout": 5}
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files in memory need Linux")
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")


@pytest.fixture
def pem_texts(certs) -> dict[str, str]:
    return {
        "ca_pem": (certs / "ca.pem").read_text().strip(),
        "client_pem": (certs / "client.pem").read_text().strip(),
        "client_key": (certs / "client.key").read_text().strip(),
    }


def packed(text: str, width: int = 0) -> str:
    """As ``base64 -w0`` prints it, or ``base64``, which breaks lines."""
    code = base64.b64encode(text.encode()).decode()
    return "\n".join(textwrap.wrap(code, width)) if width else code


class TestBase64:
    @pytest.mark.parametrize("width", [0, 76])
    def test_is_equivalent_to_the_text_it_contains(self, mutual, pem_texts, width):
        packed_texts = {name: packed(text, width) for name, text in pem_texts.items()}
        connect_secure(uri=mutual.uri, **packed_texts, **HERE).close()
        assert mutual.names == ["client"]

    def test_is_taken_from_the_environment(self, mutual, pem_texts):
        environ = {f"MILVUS_{name.upper()}": packed(text) for name, text in pem_texts.items()}
        settings = MilvusSettings(uri=mutual.uri, environ=environ, env_file=None, timeout=5)
        connect_secure(settings).close()
        assert mutual.names == ["client"]

    def test_reaches_pymilvus_as_pem(self, pem_texts, settings):
        packed_texts = {name: packed(text) for name, text in pem_texts.items()}
        made = settings(**packed_texts)
        kwargs = made.client_kwargs()
        assert Path(kwargs["client_key_path"]).read_text() == pem_texts["client_key"]

    def test_is_judged_as_what_it_holds(self, pem_texts, settings):
        unrelated = minting.mint("other", usages=[minting.CLIENT], which=7)
        texts = {**pem_texts, "client_key": packed(unrelated.key_pem.decode())}
        report = check(settings(**texts), online=False)
        assert "key-mismatch" in [finding.code for finding in report.errors]

    @pytest.mark.parametrize(
        "text", [packed("no PEM at all"), packed("-----BEGIN")[:-3], "LS0tLS1!"]
    )
    def test_of_other_content_is_not_pem(self, pem_texts, settings, text):
        report = check(settings(**{**pem_texts, "client_key": text}), online=False)
        assert "file-not-pem" in [finding.code for finding in report.errors]


class TestAnOpenedKey:
    @LINUX
    def test_is_in_memory_alone(self, trio, certs, settings):
        (certs / "client.key").write_bytes(trio.client.encrypted_key_pem("open sesame"))
        made = settings(
            ca_pem_path=certs / "ca.pem",
            client_pem_path=certs / "client.pem",
            client_key_path=certs / "client.key",
            client_key_password="open sesame",
        )
        path = made.client_kwargs()["client_key_path"]
        assert Path(path).read_bytes() == trio.client.key_pem
        assert list(memory_directories()).count(str(Path(path).parent.parent)) == 1

    def test_needs_no_password_kept_for_a_key_without(self, certs, settings):
        made = settings(
            ca_pem_path=certs / "ca.pem",
            client_pem_path=certs / "client.pem",
            client_key_path=certs / "client.key",
            client_key_password="unused",
        )
        assert made.client_kwargs()["client_key_path"] == str(certs / "client.key")


NO_DESCRIPTOR_LEFT = """
import os, resource, sys
from milvus_secure.client.memory_files import MemoryFiles
from milvus_secure.pem.memory_file_systems import memory_directories
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
print(MemoryFiles().path_for(b"PEM", on_disk=sys.argv[1]))
"""


@LINUX
class TestMemory:
    def test_is_released_with_the_client(self, mutual, pem_texts):
        before = in_memory()
        client = connect_secure(uri=mutual.uri, **pem_texts, **HERE)
        assert in_memory() - before == 3
        client.close()
        del client
        assert in_memory() == before

    def test_is_not_handed_to_programs_started_by_us(self):
        path = MemoryFiles().path_for(b"PRIVATE KEY")
        completed = subprocess.run(["cat", path], capture_output=True, check=False, timeout=120)
        assert b"PRIVATE KEY" not in completed.stdout

    def test_that_is_unavailable_leaves_no_copy_of_a_key_on_disk(self, certs):
        path = str(certs / "client.key")
        completed = subprocess.run(
            [sys.executable, "-c", NO_DESCRIPTOR_LEFT, path],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert completed.stdout.strip() == path, completed.stderr

    def test_closed_by_others_is_made_again(self):
        files = MemoryFiles()
        first = files.path_for(b"PEM")
        os.close(int(Path(first).name))
        assert Path(files.path_for(b"PEM")).read_bytes() == b"PEM"

    def test_never_closes_a_descriptor_that_was_reused(self, tmp_path):
        files = MemoryFiles()
        number = int(Path(files.path_for(b"PEM")).name)
        (tmp_path / "theirs").write_bytes(b"theirs")
        theirs = os.open(tmp_path / "theirs", os.O_RDONLY)
        os.dup2(theirs, number)
        files.close()
        assert os.read(number, 6) == b"theirs"
        os.close(number)
        os.close(theirs)


def in_memory() -> int:
    gc.collect()
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum("memfd:milvus-secure" in str(link.readlink()) for link in links)


FORKED = """
import os, sys
from pathlib import Path
from milvus_secure import MilvusSettings
texts = {name: Path(sys.argv[1], file).read_text().strip() for name, file in (
    ("ca_pem", "ca.pem"), ("client_pem", "client.pem"), ("client_key", "client.key"))}
settings = MilvusSettings.from_arguments(uri="https://localhost:1", **texts)
paths = [p for n, p in settings.client_kwargs().items() if n.endswith("_path")]
child = os.fork()
if child == 0:
    if sys.argv[2] == "daemon":
        os.closerange(3, 100)
    again = settings.client_kwargs()
    fine = all(Path(again[f"{n}_path"]).read_text() == text for n, text in texts.items())
    settings.temp_files.close()
    os._exit(0 if fine else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert [Path(p).read_bytes() for p in paths] , "the parent's files are gone"
sys.exit(status)
"""


@FORKS
@pytest.mark.parametrize("kind", ["worker", "daemon"])
def test_a_forked_child_can_connect_and_leaves_the_parent_s_material(certs, kind):
    """A daemon closes every descriptor it inherited."""
    completed = subprocess.run(
        [sys.executable, "-c", FORKED, str(certs), kind],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr


CALLS_IN_A_FORK = """
import os, sys, time
from threading import Event
from milvus_secure.client import worker_threads
worker_threads._IDLE_SECONDS = 30.0
def is_made():
    done = Event()
    worker_threads.start_in_thread(done.set)
    return done.wait(30)
assert is_made()
end = time.monotonic() + 30
while not worker_threads._IDLE and time.monotonic() < end:
    time.sleep(0.01)
child = os.fork()
if child == 0:
    os._exit(0 if is_made() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@FORKS
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALLS_IN_A_FORK], timeout=120, check=False
    )
    assert done.returncode == 0


def connect_from_elsewhere(settings: MilvusSettings) -> str:
    connect_secure(settings).close()
    return "connected"


def test_settings_with_secrets_can_be_sent_to_a_spawned_process(mutual, pem_texts):
    settings = MilvusSettings(uri=mutual.uri, **pem_texts, **HERE)
    settings.client_kwargs()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(connect_from_elsewhere, (settings,)) == "connected"
    assert mutual.names == ["client"]


def test_pickled_settings_contain_no_paths_of_files_in_memory(pem_texts, settings, certs):
    pem_texts["client_key"] = minting.mint("of this test alone", kind="p384").key_pem.decode()
    made = settings(**pem_texts)
    path = made.client_kwargs()["client_key_path"]
    again = pickle.loads(pickle.dumps(made))
    made.temp_files.close()
    assert not Path(path).exists()
    assert Path(again.client_kwargs()["client_key_path"]).read_text() == pem_texts["client_key"]
