"""The embedded server, asked by real clients over real sockets."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

import minting
from milvus_secure.embedded.server import EmbeddedMilvus
from milvus_secure.errors import MilvusSecureError
from milvus_secure.mode import TLSMode
from milvus_secure.wiring import installed_pymilvus
from real_milvus import REFUSALS, version

TOKEN = "root:Milvus"
Connect = Callable[..., MilvusClient]
needs_fields_of_2_5 = pytest.mark.skipif(
    installed_pymilvus() < (2, 5),
    reason="Milvus Lite borrows pymilvus's protocol, and makes collections with fields of 2.5",
)


@pytest.fixture
def pair(certs: Path) -> dict[str, Path]:
    """The arguments every server needs."""
    return {"server_pem_path": certs / "server.pem", "server_key_path": certs / "server.key"}


@pytest.fixture
def connect(settings, certs: Path) -> Iterator[Connect]:
    """Connect a real client that trusts the CA of `certs`."""
    clients = []

    def connected(server: EmbeddedMilvus, **values: object) -> MilvusClient:
        values.setdefault("ca_pem_path", certs / "ca.pem")
        kwargs = settings(uri=server.uri, **values).client_kwargs()
        clients.append(MilvusClient(**kwargs))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def client_pair(certs: Path) -> dict[str, Path]:
    return {"client_pem_path": certs / "client.pem", "client_key_path": certs / "client.key"}


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": i, "vector": [i / count, 1 - i / count]} for i in range(count)]


class TestServing:
    @needs_fields_of_2_5
    def test_one_way_tls_carries_the_whole_life_of_a_collection(self, pair, connect):
        with EmbeddedMilvus(**pair) as server:
            client = connect(server)
            client.create_collection("c", dimension=2)
            client.insert("c", rows(1000))
            [hits] = client.search("c", data=[[0.5, 0.5]], limit=1)
            client.drop_collection("c")
            assert hits[0]["id"] == 500
            assert client.has_collection("c") is False

    def test_mutual_tls_serves_a_client_with_a_certificate(self, pair, certs, connect, client_pair):
        with EmbeddedMilvus(**pair, ca_pem_path=certs / "ca.pem") as server:
            assert connect(server, **client_pair).has_collection("c") is False

    def test_mutual_tls_refuses_a_client_without_a_certificate(self, pair, certs, connect):
        with (
            EmbeddedMilvus(**pair, ca_pem_path=certs / "ca.pem") as server,
            pytest.raises(MilvusException),
        ):
            connect(server, timeout=2)

    def test_mutual_tls_refuses_a_client_of_another_ca(self, pair, certs, connect, tmp_path):
        stranger = minting.mint("stranger", usages=[minting.CLIENT], ca=False, which=7)
        (tmp_path / "s.pem").write_bytes(stranger.pem)
        (tmp_path / "s.key").write_bytes(stranger.key_pem)
        with (
            EmbeddedMilvus(**pair, ca_pem_path=certs / "ca.pem") as server,
            pytest.raises(MilvusException),
        ):
            connect(
                server,
                client_pem_path=tmp_path / "s.pem",
                client_key_path=tmp_path / "s.key",
                timeout=2,
            )

    def test_the_mode_follows_from_the_trust_anchor_for_clients(self, pair, certs):
        assert EmbeddedMilvus(**pair).tls_mode is TLSMode.ONE_WAY
        assert EmbeddedMilvus(**pair, ca_pem_path=certs / "ca.pem").tls_mode is TLSMode.MUTUAL

    def test_plaintext_is_not_served(self, pair):
        with EmbeddedMilvus(**pair) as server, grpc.insecure_channel(server.address) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                version(channel)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.fixture(scope="module")
def guarded(trio: minting.Trio, tmp_path_factory) -> Iterator[grpc.Channel]:
    """A channel to a server that asks for `TOKEN`."""
    certs = trio.write(tmp_path_factory.mktemp("guarded") / "certs")
    server = EmbeddedMilvus(
        server_pem_path=certs / "server.pem", server_key_path=certs / "server.key", token=TOKEN
    )
    trusted = grpc.ssl_channel_credentials((certs / "ca.pem").read_bytes())
    with server, grpc.secure_channel(f"localhost:{server.port}", trusted) as channel:
        yield channel


class TestToken:
    """The words are the real server's, which `test_real_milvus` holds to the same list."""

    def test_the_right_one_is_let_in(self, guarded):
        assert version(guarded, "cm9vdDpNaWx2dXM=").startswith("milvus_lite")

    @pytest.mark.parametrize(("header", "words"), REFUSALS.values(), ids=REFUSALS)
    def test_any_other_is_refused_in_the_words_of_milvus(self, guarded, header, words):
        with pytest.raises(grpc.RpcError) as refused:
            version(guarded, header)
        assert (refused.value.code(), refused.value.details()) == (
            grpc.StatusCode.UNAUTHENTICATED,
            words,
        )

    def test_pymilvus_sends_one_that_is_understood(self, pair, connect):
        with EmbeddedMilvus(**pair, token=TOKEN) as server:
            assert connect(server, user="root", password="Milvus").has_collection("c") is False

    def test_an_empty_one_is_refused_rather_than_taken_for_none(self, pair):
        with pytest.raises(MilvusSecureError, match="token is empty"):
            EmbeddedMilvus(**pair, token="")

    def test_it_is_in_no_repr(self, pair):
        assert "Milvus," in repr(EmbeddedMilvus(**pair, token="root:hush"))
        assert "hush" not in repr(EmbeddedMilvus(**pair, token="root:hush"))


class TestAddress:
    def test_only_loopback_is_bound(self, pair):
        with EmbeddedMilvus(**pair) as server:
            assert bound_addresses(server.port) <= {"127.0.0.1", "::ffff:127.0.0.1"}
            assert server.address == f"127.0.0.1:{server.port}"

    def test_loopback_is_called_localhost_to_clients(self, pair):
        with EmbeddedMilvus(**pair) as server:
            assert server.uri == f"https://localhost:{server.port}"

    def test_an_ipv6_address_is_bound_and_bracketed(self, pair):
        if not ipv6():
            pytest.skip("this machine has no IPv6 loopback")
        with EmbeddedMilvus(**pair, host="::1") as server:
            assert server.address == f"[::1]:{server.port}"

    def test_a_port_asked_for_is_bound(self, pair):
        with EmbeddedMilvus(**pair) as first:
            port = first.port
        with EmbeddedMilvus(**pair, port=port) as second:
            assert second.port == port

    def test_a_port_in_use_is_named(self, pair):
        with EmbeddedMilvus(**pair) as first:
            second = EmbeddedMilvus(**pair, port=first.port)
            with pytest.raises(MilvusSecureError, match=f"{first.port} cannot be bound: Address"):
                second.start()

    @pytest.mark.parametrize("port", [-1, 65536, 99999])
    def test_a_port_out_of_range_is_not_wrapped_round(self, pair, port):
        with pytest.raises(MilvusSecureError, match="a number from 0 to 65535"):
            EmbeddedMilvus(**pair, port=port).start()

    def test_an_address_of_another_machine_is_named(self, pair):
        with pytest.raises(MilvusSecureError, match=r"192\.0\.2\.1:0 cannot be bound"):
            EmbeddedMilvus(**pair, host="192.0.2.1").start()

    def test_a_server_that_is_not_started_has_no_port(self, pair):
        with pytest.raises(MilvusSecureError, match=r"call start\(\)"):
            _ = EmbeddedMilvus(**pair).uri


class TestFiles:
    """gRPC aborts the process on some of these, so each is judged before it sees them."""

    @pytest.mark.parametrize("argument", ["server_pem_path", "server_key_path", "ca_pem_path"])
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (None, "file-missing"),
            (b"", "file-empty"),
            (b"hello", "file-not-pem"),
            (b"-----BEGIN CERTIFICATE-----\n", "pem-malformed"),
        ],
        ids=["missing", "empty", "text", "truncated"],
    )
    def test_one_that_cannot_be_read_is_named(self, pair, tmp_path, argument, content, code):
        path = tmp_path / "broken.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(MilvusSecureError, match=f"^{code}: {argument} {path}"):
            EmbeddedMilvus(**{**pair, argument: path}).start()

    def test_a_key_of_another_certificate_is_refused(self, pair, certs):
        with pytest.raises(MilvusSecureError, match=r"^key-mismatch: server_key_path"):
            EmbeddedMilvus(**{**pair, "server_key_path": certs / "client.key"}).start()

    def test_an_encrypted_key_is_refused(self, pair, trio, tmp_path):
        path = tmp_path / "encrypted.key"
        path.write_bytes(trio.server.encrypted_key_pem("hush"))
        with pytest.raises(MilvusSecureError, match=r"^key-encrypted: server_key_path"):
            EmbeddedMilvus(**{**pair, "server_key_path": path}).start()


class TestData:
    @needs_fields_of_2_5
    def test_a_directory_keeps_it_for_the_next_server(self, pair, connect, tmp_path):
        with EmbeddedMilvus(**pair, data_dir=tmp_path / "data") as server:
            client = connect(server)
            client.create_collection("kept", dimension=2)
            client.insert("kept", rows(10))
        with EmbeddedMilvus(**pair, data_dir=tmp_path / "data") as server:
            client = connect(server)
            client.load_collection("kept")
            assert len(client.query("kept", filter="id >= 0", limit=100)) == 10

    def test_without_a_directory_nothing_is_left(self, pair, tmp_path):
        script = f"""
import tempfile
from pathlib import Path
tempfile.tempdir = {str(tmp_path / "scratch")!r}
from milvus_secure.embedded.server import EmbeddedMilvus
with EmbeddedMilvus(server_pem_path={str(pair["server_pem_path"])!r},
                    server_key_path={str(pair["server_key_path"])!r}):
    print(len(list(Path(tempfile.gettempdir()).iterdir())))
print(len(list(Path(tempfile.gettempdir()).iterdir())))
"""
        (tmp_path / "scratch").mkdir()
        assert run(script).split() == ["1", "0"]

    def test_a_directory_in_use_is_named(self, pair, tmp_path):
        with (
            EmbeddedMilvus(**pair, data_dir=tmp_path / "data"),
            pytest.raises(MilvusSecureError, match="data is in use by another server"),
        ):
            EmbeddedMilvus(**pair, data_dir=tmp_path / "data").start()

    def test_a_file_in_its_place_is_named(self, pair):
        with pytest.raises(MilvusSecureError, match=r"server\.key cannot be used"):
            EmbeddedMilvus(**pair, data_dir=pair["server_key_path"]).start()


class TestClosing:
    def test_a_connected_client_does_not_hold_it_up(self, pair, connect):
        server = EmbeddedMilvus(**pair).start()
        port = server.port
        connect(server)
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    def test_no_thread_is_left(self, pair):
        before = set(threading.enumerate())
        with EmbeddedMilvus(**pair):
            pass
        assert set(threading.enumerate()) <= before

    def test_it_may_be_repeated(self, pair):
        server = EmbeddedMilvus(**pair).start()
        server.close()
        server.close()

    def test_a_closed_server_starts_again(self, pair, connect):
        server = EmbeddedMilvus(**pair)
        with server:
            pass
        with server:
            assert connect(server).has_collection("c") is False

    def test_a_running_server_is_not_started_twice(self, pair):
        with EmbeddedMilvus(**pair) as server:
            port = server.port
            assert server.start().port == port

    def test_a_failed_start_leaves_the_data_free(self, pair, tmp_path):
        with EmbeddedMilvus(**pair) as other, pytest.raises(MilvusSecureError):
            EmbeddedMilvus(**pair, data_dir=tmp_path / "data", port=other.port).start()
        with EmbeddedMilvus(**pair, data_dir=tmp_path / "data"):
            pass


class TestSignals:
    SCRIPT = """
import sys
from milvus_secure.embedded.server import EmbeddedMilvus, serve
server = EmbeddedMilvus(server_pem_path=sys.argv[1], server_key_path=sys.argv[2])
serve(server, ready=lambda: print(server.port, flush=True))
print(server)
"""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
    def test_it_serves_until_one_comes_and_closes_cleanly(self, pair, number):
        with subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT, *map(str, pair.values())],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            port = int(process.stdout.readline())
            socket.create_connection(("127.0.0.1", port)).close()
            process.send_signal(number)
            said, errors = process.communicate(timeout=30)
        assert (process.returncode, said.strip(), errors) == (
            0, "<EmbeddedMilvus, one-way TLS, not started>", ""
        )  # fmt: skip


class TestImporting:
    def test_the_module_loads_neither_grpc_nor_milvus_lite(self):
        script = (
            "import sys, milvus_secure.embedded; print({'grpc', 'milvus_lite'} & set(sys.modules))"
        )
        assert run(script).strip() == "set()"

    def test_milvus_lite_missing_is_named_with_its_extra(self, pair):
        script = f"""
import sys
sys.modules["milvus_lite"] = None  # what Python takes for "not installed"
from milvus_secure.embedded.server import EmbeddedMilvus
try:
    EmbeddedMilvus(server_pem_path={str(pair["server_pem_path"])!r},
                   server_key_path={str(pair["server_key_path"])!r}).start()
except Exception as error:
    print(type(error).__name__, error)
"""
        said = run(script)
        assert said.startswith("MilvusSecureError")
        assert "pip install 'milvus-secure[embedded]'" in said


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bound_addresses(port: int) -> set[str]:
    """The local addresses that listen on a port, as the kernel has them."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].exists():
        pytest.skip("the kernel's table of sockets is read from /proc, which is Linux's")
    found = set()
    for table in filter(Path.exists, tables):
        for line in table.read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, _, number = local.partition(":")
            if int(number, 16) == port and state == "0A":
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                raw = b"".join(words)
                family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
                found.add(socket.inet_ntop(family, raw))
    assert found
    return found


def ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
