"""Paths in keyword arguments last as long as the process and never name another file."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from pymilvus import MilvusClient

from milvus_endpoint import milvus_endpoint
from milvus_secure import MilvusSettings
from milvus_secure._common.versions import installed_pymilvus
from namespaces import no_disks, run
from processes import started
from warm_python import run_python

HERE = {"environ": {}, "env_file": None, "timeout": 10}
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files in memory need Linux")


@pytest.fixture
def texts(certs) -> dict[str, str]:
    return {
        "ca_pem": (certs / "ca.pem").read_text(),
        "client_pem": (certs / "client.pem").read_text(),
        "client_key": (certs / "client.key").read_text(),
    }


@pytest.fixture
def factory(mutual, texts) -> Callable[[], dict[str, object]]:
    """The result of an application's `connection_args()`; nothing else refers to the settings."""

    def connection_args():
        return MilvusSettings(uri=mutual.uri, **texts, **HERE).client_kwargs()

    return connection_args


def connected(kwargs: dict[str, object]) -> str:
    MilvusClient(**kwargs).close()
    return "connected"


def test_one_expression_connects(mutual, texts):
    MilvusClient(**MilvusSettings(uri=mutual.uri, **texts, **HERE).client_kwargs()).close()


def test_the_keywords_of_a_factory_connect_after_a_collection(factory):
    kwargs = factory()
    gc.collect()
    connected(kwargs)


def test_a_client_connects_again_after_an_outage(factory):
    client = MilvusClient(**factory())
    gc.collect()
    reconnect = getattr(client._get_connection(), "reconnect", None)
    if reconnect is None:
        pytest.skip("this pymilvus does not reconnect")
    reconnect()
    client.close()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pickled_keywords_connect_in_a_child_process(factory, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    kwargs = factory()
    if installed_pymilvus() < (2, 5, 12):
        kwargs.pop("alias", None)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply_async(connected, (kwargs,)).get(60) == "connected"


def test_pickled_keywords_are_the_same(factory):
    kwargs = factory()
    assert pickle.loads(pickle.dumps(kwargs)) == kwargs


def test_a_factory_called_again_and_again_makes_no_more_files(factory):
    first = {name: path for name, path in factory().items() if name.endswith("_path")}
    again = {name: path for name, path in factory().items() if name.endswith("_path")}
    assert first == again


def test_requests_takes_them_in_one_expression(texts):
    settings = MilvusSettings(uri="https://localhost:1", **texts, **HERE)
    kwargs = settings.requests_kwargs()
    del settings
    gc.collect()
    with pytest.raises(requests.ConnectionError, match="refused"):  # and no OSError for a file
        requests.get("https://localhost:1", **kwargs, timeout=5)


WIDENED = """
import gc, os, sys
from pymilvus import MilvusClient
from milvus_secure import MilvusSettings
uri, ca, close = sys.argv[1:]
settings = MilvusSettings(
    uri=uri, ca_pem=open(ca).read(), token="root:Milvus", timeout=5, environ={}, env_file=None)
kwargs = settings.client_kwargs()
if close == "closed":
    settings.temp_files.close()
del settings
gc.collect()
for _ in range(100):
    os.open(os.devnull, os.O_RDONLY)
MilvusClient(**kwargs)
"""


@pytest.mark.parametrize(
    ("state", "error"), [("kept", "MilvusException"), ("closed", "FileNotFoundError")]
)
def test_a_path_whose_settings_are_gone_never_widens_trust(trio, certs, foreign_ca, state, error):
    """Every free descriptor becomes `/dev/null`, which gRPC reads as all public roots."""
    with milvus_endpoint(trio.server, token="root:Milvus") as endpoint:
        environ = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certs / "ca.pem")}
        completed = run_python(WIDENED, endpoint.uri, foreign_ca, state, environ=environ)
        assert endpoint.connects == 0
    assert error in completed.stderr.splitlines()[-1]


PRINT_PATHS = """
import sys
from pathlib import Path
from milvus_secure import MilvusSettings
pem = Path(sys.argv[1])
settings = MilvusSettings(
    uri="https://localhost:1", ca_pem=(pem / "ca.pem").read_text(), environ={}, env_file=None,
    client_pem=(pem / "client.pem").read_text(), client_key=(pem / "client.key").read_text())
kwargs = settings.client_kwargs()
del settings
print(kwargs["client_key_path"], flush=True)
"""


def command(certs: Path, rest: str = "") -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", PRINT_PATHS + rest, str(certs)]


@LINUX
class TestAProcessThatIsKilled:
    def test_leaves_its_files_until_the_next_one_starts(self, certs):
        wait = "sys.stdin.readline()"
        with started(
            command(certs, wait), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            path = Path(process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        assert path.exists()
        subprocess.run(command(certs), check=True, timeout=120, capture_output=True)
        assert not path.parent.exists()

    def test_leaves_nothing_when_it_ends_by_itself(self, certs):
        completed = subprocess.run(
            command(certs), check=True, timeout=120, capture_output=True, text=True
        )
        assert not Path(completed.stdout.strip()).parent.exists()


@LINUX
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be another user"
)
def test_another_user_cannot_read_them(certs):
    with started(
        command(certs, "sys.stdin.readline()"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        path = process.stdout.readline().strip()
        completed = subprocess.run(
            ["cat", path],
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert "Permission denied" in completed.stderr
    assert completed.stdout == ""


MOUNTED = (
    """
import os, subprocess, sys
subprocess.run(sys.argv[2], shell=True, check=True)
"""
    + PRINT_PATHS
    + """
print(oct(os.stat(kwargs["client_key_path"]).st_mode & 0o777))
"""
)

NO_MEMORY = {
    "no /dev/shm": "mount -t tmpfs tmpfs /dev",
    "a /dev/shm on a disk": 'mount --bind "$TMPDIR" /dev/shm',
    "a /dev/shm that is read-only": "mount -t tmpfs -o ro tmpfs /dev/shm",
    "a /dev/shm that is full": "mount -t tmpfs -o nr_inodes=1 tmpfs /dev/shm",
}


@pytest.mark.skipif(bool(no_disks()), reason=no_disks())
@pytest.mark.parametrize("state", NO_MEMORY)
class TestWithoutAFileSystemInMemory:
    def test_the_key_is_in_a_private_file_and_the_log_says_so(self, certs, tmp_path, state):
        completed = run(
            MOUNTED,
            certs,
            NO_MEMORY[state],
            kinds="-rm",
            folder=tmp_path,
            TMPDIR=tmp_path,
            XDG_RUNTIME_DIR="",
        )
        assert completed.returncode == 0, completed.stderr
        path, mode = completed.stdout.split()
        assert tmp_path in Path(path).parents
        assert mode == "0o600"
        assert f"A private key is in the file {path}" in completed.stderr
        assert not Path(path).exists()

    def test_another_file_system_in_memory_is_used_first(self, certs, tmp_path, state):
        (tmp_path / "run").mkdir(mode=0o700)
        mount = f"{NO_MEMORY[state]} && mount -t tmpfs tmpfs '{tmp_path}/run'"
        completed = run(
            MOUNTED,
            certs,
            mount,
            kinds="-rm",
            folder=tmp_path,
            TMPDIR=tmp_path,
            XDG_RUNTIME_DIR=tmp_path / "run",
        )
        assert completed.returncode == 0, completed.stderr
        assert tmp_path / "run" in Path(completed.stdout.split()[0]).parents
        assert completed.stderr == ""
