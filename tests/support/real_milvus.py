"""The real Milvus server, from its wheel on PyPI, as fixtures that boot it once per run.

The ``milvus`` wheel (2.3.5, linux x86_64) holds the standalone server, packed. It is unpacked
once (4 s), then each server is up in 2 to 3 s. Every port is a free one, so servers of several
runs get along. Two quirks shape the start:

- The embedded etcd listens on 2379 and 2380 whatever milvus.yaml says; only an etcd file of its
  own (``etcd.config.path``, here by its environment variable) moves it.
- SIGTERM takes over 10 s. The data is thrown away, so the server is simply killed.

Tests that use a fixture from here are marked ``real_milvus`` and go to one xdist worker.
"""

from __future__ import annotations

import http.client
import importlib.util
import lzma
import os
import signal
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import minting
from milvus_secure._common.tls_mode import TLSMode
from processes import started

if TYPE_CHECKING:
    import grpc

ROOT_TOKEN = "root:Milvus"
"""The credentials every Milvus starts with."""

REFUSALS = {
    "none": (None, "missing authorization in header"),
    "not-base64": ("%%%", "invalid token format"),
    "wrong-password": (
        "cm9vdDp4",
        "auth check failure, please check username and password are correct",
    ),
    "wrong-key": ("YXBpa2V5", "auth check failure, please check api key is correct"),
    "empty": ("", "auth check failure, please check api key is correct"),
}
"""The authorization header of a call, and how Milvus refuses it."""

_SERVERS = pytest.StashKey["Servers"]()
_BOOT_SECONDS = 120
_LIFE_SECONDS = 3600  # a run of the suite that lasts longer has failed
_COMPONENTS = (
    "ROOTCOORD",
    "PROXY",
    "QUERYCOORD",
    "QUERYNODE",
    "INDEXNODE",
    "DATACOORD",
    "DATANODE",
)


@dataclass(frozen=True)
class RunningMilvus:
    """A server that answers: its port on loopback, and the folder with its certificates."""

    port: int
    certs: Path
    tls_mode: TLSMode
    authorization: bool

    @property
    def uri(self) -> str:
        scheme = "http" if self.tls_mode is TLSMode.PLAINTEXT else "https"
        return f"{scheme}://localhost:{self.port}"

    def channel(self) -> grpc.Channel:
        """A channel with all TLS material that the server requires, without credentials."""
        import grpc  # noqa: PLC0415 - not for the many tests that do without

        address, options = f"localhost:{self.port}", [("grpc.enable_http_proxy", 0)]
        if self.tls_mode is TLSMode.PLAINTEXT:
            return grpc.insecure_channel(address, options)
        names = ("ca.pem", "client.key", "client.pem")
        files = names if self.tls_mode is TLSMode.MUTUAL else names[:1]
        pems = [(self.certs / name).read_bytes() for name in files]
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(*pems), options)


@contextmanager
def real_milvus(
    program: Path,
    data: Path,
    *,
    tls_mode: TLSMode,
    certs: Path,
    authorization: bool = False,
    configure: Callable[[Path], None] | None = None,
    environ: Mapping[str, str] | None = None,
    reachable: bool = True,
) -> Iterator[RunningMilvus]:
    """Run a server until the block is left.

    Args:
        program: The unpacked server, as the fixture `milvus_program` gives it.
        data: An empty folder for its data, configuration and log.
        tls_mode: Plaintext, one-way or mutual.
        certs: A folder with server.pem, server.key, ca.pem, and for mutual client.pem, client.key.
        authorization: Ask clients for credentials; then `ROOT_TOKEN` are the only ones.
        configure: Configures the mode itself, in the folder that holds a milvus.yaml in tlsMode 0
            without authorization.
        environ: Further variables of the server.
        reachable: Wait until it answers a call at its port. Without it, it is healthy by its own
            account alone, and its log is ``milvus.log`` in ``data``.
    """
    from milvus import MilvusServerConfig  # noqa: PLC0415 - absent on other platforms

    settings = MilvusServerConfig(data_dir=str(data))
    port_settings = [name for name in settings.configurable_items if name.endswith("_port")]
    metrics, etcd_client, etcd_peer, *ports = free_ports(len(port_settings) + 3)
    settings.update(**dict(zip(port_settings, ports, strict=True)))
    if configure is None:
        settings.set("tls_mode", tls_mode.number)
        settings.set("authorization_enabled", authorization)
        for name in ("server.pem", "server.key", "ca.pem"):
            settings.set(name.replace(".", "_") + "_path", str(certs / name))
    settings.resolve()
    if configure is not None:
        configure(data / "configs")
    (data / "etcd.yaml").write_text(_etcd(etcd_client, etcd_peer))
    variables = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": str(program),
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(metrics),
        "MILVUS_RUN_DIR": str(data / "run"),
        "ETCD_CONFIG_PATH": str(data / "etcd.yaml"),
        **{f"{component}_IP": "127.0.0.1" for component in _COMPONENTS},
        **(environ or {}),
    }
    log = data / "milvus.log"
    running = RunningMilvus(settings.configs["proxy_port"], certs, tls_mode, authorization)
    with (
        log.open("wb") as out,
        started(
            [program / "milvus", "run", "standalone"],
            seconds=_LIFE_SECONDS,
            cwd=data,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):
        try:
            _wait_until_healthy(process, metrics, log)
            if reachable:
                _connect(running)
            yield running
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Ports nothing listens on, all different."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _etcd(client: int, peer: int) -> str:
    return "\n".join(
        [
            "name: default",
            f"listen-client-urls: http://127.0.0.1:{client}",
            f"advertise-client-urls: http://127.0.0.1:{client}",
            f"listen-peer-urls: http://127.0.0.1:{peer}",
            f"initial-advertise-peer-urls: http://127.0.0.1:{peer}",
            f"initial-cluster: default=http://127.0.0.1:{peer}",
            "unsafe-no-fsync: true",
        ]
    )


def _wait_until_healthy(process: subprocess.Popen[str], port: int, log: Path) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        health = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with closing(health), suppress(OSError, http.client.HTTPException):
            health.request("GET", "/healthz")
            if b"OK" in health.getresponse().read():
                return
        time.sleep(0.1)
    raise RuntimeError(f"Milvus did not start; the end of its log:\n{log.read_text()[-4000:]}")


def _connect(server: RunningMilvus) -> None:
    """One Connect call, over the server's own TLS: the last thing a client needs to work."""
    from pymilvus.grpc_gen import common_pb2, milvus_pb2, milvus_pb2_grpc  # noqa: PLC0415 - slow

    authorization = ("authorization", b64encode(ROOT_TOKEN.encode()).decode())
    with server.channel() as channel:
        reply = milvus_pb2_grpc.MilvusServiceStub(channel).Connect(
            milvus_pb2.ConnectRequest(client_info=common_pb2.ClientInfo(sdk_type="Python")),
            metadata=[authorization] if server.authorization else [],
            timeout=30,
            wait_for_ready=True,
        )
    if reply.status.code:
        raise RuntimeError(f"Milvus refuses Connect: {reply.status.reason}")


@pytest.fixture(scope="session")
def milvus_program() -> Iterator[Path]:
    """The server's files, unpacked for this run."""
    wheel = importlib.util.find_spec("milvus")
    if wheel is None or wheel.origin is None:
        pytest.skip("the real Milvus server (milvus==2.3.5) is a wheel for linux x86_64 only")
    with tempfile.TemporaryDirectory(prefix="real-milvus-") as folder:
        for packed in Path(wheel.origin).parent.glob("data/bin/*.lzma"):
            unpacked = Path(folder, packed.stem)
            unpacked.write_bytes(lzma.decompress(packed.read_bytes()))
            unpacked.chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def milvus_certs(trio: minting.Trio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The healthy set the servers below use, as files."""
    return trio.write(tmp_path_factory.mktemp("milvus") / "certs")


class Servers:
    """One server a mode, booted for the first test that asks for it."""

    def __init__(self, program: Path, certs: Path, new_folder: Callable[[str], Path]) -> None:
        self._program, self._certs, self._new_folder = program, certs, new_folder
        self._running: dict[TLSMode, RunningMilvus] = {}
        self._ends = ExitStack()

    def in_mode(self, mode: TLSMode) -> RunningMilvus:
        """The server of a mode; the one for mutual TLS has authorization on."""
        if mode not in self._running:
            booted = real_milvus(
                self._program,
                self._new_folder(mode.name),
                tls_mode=mode,
                certs=self._certs,
                authorization=mode is TLSMode.MUTUAL,
            )
            self._running[mode] = self._ends.enter_context(booted)
        return self._running[mode]

    def stop(self) -> None:
        """Stop them all: each takes 3 % of a processor even if nobody asks it anything."""
        self._running.clear()
        self._ends.close()


@pytest.fixture(scope="session")
def milvus_servers(request, milvus_program, milvus_certs, tmp_path_factory) -> Iterator[Servers]:
    """The real servers, which are stopped when the next test needs none."""
    servers = Servers(milvus_program, milvus_certs, tmp_path_factory.mktemp)
    request.config.stash[_SERVERS] = servers
    yield servers
    servers.stop()


@pytest.fixture
def milvus_plaintext(milvus_servers: Servers) -> RunningMilvus:
    """A real Milvus in tlsMode 0."""
    return milvus_servers.in_mode(TLSMode.PLAINTEXT)


@pytest.fixture
def milvus_one_way(milvus_servers: Servers) -> RunningMilvus:
    """A real Milvus in tlsMode 1."""
    return milvus_servers.in_mode(TLSMode.ONE_WAY)


@pytest.fixture
def milvus_mutual(milvus_servers: Servers) -> RunningMilvus:
    """A real Milvus in tlsMode 2 with authorization on."""
    return milvus_servers.in_mode(TLSMode.MUTUAL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send every test that needs the real server to one worker, one after the other.

    First those that boot servers of their own: the shared ones cost time as long as they run.
    """
    for item in items:
        if "milvus_program" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real_milvus)
            item.add_marker(pytest.mark.xdist_group("real_milvus"))
    items.sort(
        key=lambda item: (
            "real_milvus" in item.keywords,
            "milvus_servers" in getattr(item, "fixturenames", ()),
        )
    )


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if _SERVERS in item.config.stash and "real_milvus" not in getattr(nextitem, "keywords", ()):
        item.config.stash[_SERVERS].stop()


def version(channel: grpc.Channel, authorization: str | None = None) -> str:
    """Ask a server for its version, with this authorization header."""
    from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc  # noqa: PLC0415 - slow

    metadata = [] if authorization is None else [("authorization", authorization)]
    stub = milvus_pb2_grpc.MilvusServiceStub(channel)
    return stub.GetVersion(milvus_pb2.GetVersionRequest(), metadata=metadata, timeout=10).version
