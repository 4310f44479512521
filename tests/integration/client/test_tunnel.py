"""``milvus-secure tunnel``: programs without TLS reach a server that demands a certificate."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from milvus_secure import CertificateSet, EmbeddedMilvus
from milvus_secure._common.versions import installed_pymilvus
from milvus_secure.cli import main
from milvus_secure.client.tunnel import Listen, parse_listen
from processes import empty_environment, started

TOKEN = "root:Milvus"
CREATES = pytest.mark.skipif(
    installed_pymilvus() < (2, 5),
    reason="on the protocol of this pymilvus Milvus Lite cannot create collections",
)


@contextmanager
def serving(certificates: CertificateSet, port: int = 0, **options: object):
    with EmbeddedMilvus(
        server_pem_path=certificates.server_pem,
        server_key_path=certificates.server_key,
        ca_pem_path=certificates.ca_pem,
        token=TOKEN,
        port=port,
        **options,
    ) as server:
        yield server


@contextmanager
def tunnel(
    uri: str, certificates: CertificateSet, *flags: str, listen: str = "127.0.0.1:0"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URI that the command prints, and its process."""
    home = certificates.directory.parent
    command = [
        *(sys.executable, "-m", "milvus_secure", "tunnel", "--listen", listen, "--uri", uri),
        *("--ca-pem-path", str(certificates.ca_pem)),
        *("--client-pem-path", str(certificates.client_pem)),
        *("--client-key-path", str(certificates.client_key)),
        *flags,
    ]
    with started(
        command,
        cwd=home,
        env=empty_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        for line in process.stdout:
            if line.startswith("Set the program's Milvus URI to: "):
                yield line.split(": ")[1].strip(), process
                break
        else:
            pytest.fail(f"the tunnel ended: {process.stderr.read()}")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


@contextmanager
def connected(uri: str, token: str = TOKEN) -> Iterator[MilvusClient]:
    client = MilvusClient(uri=uri, token=token)
    try:
        yield client
    finally:
        client.close()


def insert_and_search(client: MilvusClient, name: str) -> int:
    client.create_collection(name, dimension=2)
    client.insert(name, [{"id": number, "vector": [number, 1.0]} for number in range(1, 4)])
    [hits] = client.search(name, data=[[3.0, 1.0]], limit=1)
    return hits[0]["id"]


class TestForwarding:
    @CREATES
    def test_plain_pymilvus_reaches_a_server_that_demands_a_client_certificate(self, certificates):
        with (
            serving(certificates) as server,
            tunnel(server.uri, certificates) as (uri, _),
            connected(uri) as client,
        ):
            assert uri.startswith("http://127.0.0.1:")
            assert insert_and_search(client, "books") == 3

    @CREATES
    def test_a_unix_socket_is_private_and_removed_at_the_end(self, certificates, tmp_path_factory):
        path = Path(os.path.relpath(tmp_path_factory.mktemp("s"))) / "m.sock"
        path = path.absolute() if len(str(path.absolute())) < 100 else Path(f"/tmp/{os.getpid()}.s")
        with serving(certificates) as server:
            with tunnel(server.uri, certificates, listen=f"unix:{path}") as (uri, _):
                assert path.stat().st_mode & 0o777 == 0o600
                with connected(uri) as client:
                    assert insert_and_search(client, "books") == 3
            assert not path.exists()

    def test_no_credential_is_added(self, certificates):
        with (
            serving(certificates) as server,
            tunnel(server.uri, certificates, "--token", TOKEN) as (uri, _),
            # pymilvus 2.4 passes on what gRPC raises.
            pytest.raises((MilvusException, grpc.RpcError)),
            connected(uri, token="root:wrong") as client,
        ):
            client.list_collections()

    @CREATES
    # Milvus Lite, closed while it is used, leaves its log for the garbage collector to close.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_eight_threads_continue_after_a_restart_of_the_server(self, certificates, tmp_path):
        finished: list[int] = []
        restarted = threading.Event()

        def insert_and_search_once(client: MilvusClient, number: int) -> bool:
            try:
                # A restarted Milvus Lite has released it.
                client.load_collection("rows", timeout=10)
                client.insert("rows", [{"id": number, "vector": [number, 1.0]}])
                client.search("rows", data=[[1.0, 1.0]], limit=1)
            except MilvusException:  # while the server is down
                time.sleep(0.05)
                return False
            return True

        def work(uri: str, number: int) -> None:
            with connected(uri) as client:
                while not (restarted.is_set() and insert_and_search_once(client, number)):
                    insert_and_search_once(client, number)
                finished.append(number)

        data = tmp_path / "data"
        with serving(certificates, data_dir=data) as server, connected_rows(server, certificates):
            port, address = server.port, server.uri
        with tunnel(address, certificates) as (uri, _):
            with serving(certificates, port=port, data_dir=data):
                threads = [
                    threading.Thread(target=work, args=(uri, number), daemon=True)
                    for number in range(1, 9)
                ]
                for thread in threads:
                    thread.start()
                time.sleep(1)
            with serving(certificates, port=port, data_dir=data):
                restarted.set()
                for thread in threads:
                    thread.join(60)
        assert sorted(finished) == list(range(1, 9))


@contextmanager
def connected_rows(server: EmbeddedMilvus, certificates: CertificateSet) -> Iterator[None]:
    """A collection ``rows`` that was made before the tunnel starts."""
    with tunnel(server.uri, certificates) as (uri, _), connected(uri) as client:
        client.create_collection("rows", dimension=2)
        yield


class TestVerification:
    """Nothing of the program is sent to a server that is not verified."""

    @staticmethod
    def refused(uri: str, process: subprocess.Popen[str]) -> str:
        with pytest.raises(MilvusException):
            MilvusClient(uri=uri, token=TOKEN, timeout=3)
        line = process.stderr.readline()
        while "ERROR" not in line:
            line = process.stderr.readline()
        return line

    def test_a_server_of_another_ca_is_refused_and_named(self, certificates, tmp_path):
        foreign = CertificateSet.create(tmp_path / "other")
        with serving(foreign) as server, tunnel(server.uri, certificates) as (uri, process):
            assert "chain-untrusted" in self.refused(uri, process)

    def test_a_wrong_name_is_refused_and_named(self, certificates):
        with (
            serving(certificates) as server,
            tunnel(server.uri, certificates, "--server-name", "db.example.com") as (uri, process),
        ):
            assert "name-mismatch" in self.refused(uri, process)

    def test_an_unreachable_server_is_named(self, certificates):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with tunnel(f"https://localhost:{port}", certificates) as (uri, process):
            assert "tcp-refused" in self.refused(uri, process)


class TestRenewal:
    def test_renewed_files_are_used_for_new_connections(self, certificates, tmp_path):
        renewed = CertificateSet.create(tmp_path / "renewed")
        with serving(certificates) as server:
            port, uri = server.port, server.uri
            with tunnel(uri, certificates) as (local, _):
                with connected(local) as client:
                    assert client.has_collection("c") is False
                server.close()
                for name in ("ca.pem", "client.pem", "client.key"):
                    (renewed.directory / name).replace(certificates.directory / name)
                with (
                    EmbeddedMilvus(
                        server_pem_path=renewed.server_pem,
                        server_key_path=renewed.server_key,
                        ca_pem_path=certificates.ca_pem,
                        port=port,
                    ),
                    connected(local) as client,
                ):
                    assert client.has_collection("c") is False


class TestListening:
    @pytest.mark.parametrize(
        ("text", "listen"),
        [
            ("127.0.0.1:19531", Listen("127.0.0.1", 19531)),
            ("19531", Listen("127.0.0.1", 19531)),
            ("localhost:0", Listen("localhost", 0)),
            ("[::1]:19531", Listen("::1", 19531)),
            ("unix:/run/milvus.sock", Listen("", 0, "/run/milvus.sock")),
            ("unix:///run/milvus.sock", Listen("", 0, "/run/milvus.sock")),
        ],
    )
    def test_an_address_is_read(self, text, listen):
        assert parse_listen(text) == listen
        assert listen.is_local

    @pytest.mark.parametrize("text", ["", "localhost", "a:b", "h:65536", ":19531", "unix:"])
    def test_an_invalid_address_is_refused(self, text):
        with pytest.raises(ValueError, match=r"use HOST:PORT|path of the socket"):
            parse_listen(text)

    @pytest.mark.parametrize("text", ["0.0.0.0:19531", "[::]:19531", "db.example.com:1"])
    def test_other_machines_need_a_flag(self, text, capsys):
        with pytest.raises(SystemExit):
            main(["tunnel", "--listen", text])
        assert "--allow-remote" in capsys.readouterr().err

    def test_plaintext_settings_need_no_tunnel(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        flags = ["--uri", "http://localhost:19530", "--allow-plaintext"]
        assert main(["tunnel", "--listen", "127.0.0.1:0", *flags]) == 1
        assert "There is nothing to tunnel" in capsys.readouterr().err

    def test_a_port_in_use_is_named(self, certificates, capsys, monkeypatch):
        monkeypatch.chdir(certificates.directory)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            assert main(["tunnel", "--listen", address, "--ca-pem-path", "ca.pem"]) == 1
        assert (
            f"cannot listen on http://{address}: address already in use." in capsys.readouterr().err
        )
