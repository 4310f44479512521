"""The peers that judge a certificate set, all of them real, and the sets that gen.sh makes."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from milvus_secure.certs import CertificateSet, Subject

GUIDE = Path(__file__).resolve().parent.parent / "support" / "guide"
VARIANTS = {"older": GUIDE, "current": GUIDE / "current"}


def run_openssl(*arguments: object) -> str:
    run = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    return run.stdout + run.stderr


def openssl_verdict(folder: Path, stem: str, purpose: str) -> str:
    """``OK``, or the error of ``openssl verify`` on a leaf in its strict mode."""
    pem = folder / f"{stem}.pem"
    output = run_openssl(
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        folder / "ca.pem",
        "-untrusted",
        pem,
        pem,
    )
    return "OK" if output.strip().endswith(": OK") else output


def python_handshake(folder: Path, name: str, client: str = "client") -> str:
    """Mutual TLS 1.3 between two sockets of Python's ssl, both as strict as 3.13 is by default."""
    strict = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.verify_mode, server.verify_flags = ssl.CERT_REQUIRED, strict
    dialling = ssl.create_default_context(cafile=folder / "ca.pem")
    dialling.verify_flags |= strict
    dialling.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    ours, theirs = socket.socketpair()
    failures: list[str] = []

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as tls:
                tls.sendall(b"hello")
        except ssl.SSLError as error:
            failures.append(f"server: {error}")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with dialling.wrap_socket(ours, server_hostname=name) as tls:
            failures += [] if tls.recv(5) == b"hello" else ["nothing came"]
    except ssl.SSLError as error:
        failures.append(f"client: {error}")
    finally:
        ours.close()
        thread.join(60)
        theirs.close()
    return "; ".join(failures) or "OK"


def grpc_handshake(folder: Path, name: str, client: str = "client") -> str:
    """Mutual TLS between a gRPC client and server, with ``name`` as the expected server name."""

    def read(file: str) -> bytes:
        return (folder / file).read_bytes()

    class Answering(grpc.GenericRpcHandler):
        def service(self, _call):
            return grpc.unary_unary_rpc_method_handler(lambda request, _context: request)

    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((Answering(),))
        port = server.add_secure_port(
            "127.0.0.1:0",
            grpc.ssl_server_credentials(
                [(read("server.key"), read("server.pem"))], read("ca.pem"), require_client_auth=True
            ),
        )
        server.start()
        credentials = grpc.ssl_channel_credentials(
            read("ca.pem"), read(f"{client}.key"), read(f"{client}.pem")
        )
        options = [("grpc.ssl_target_name_override", name), ("grpc.enable_http_proxy", 0)]
        try:
            with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
                reply = channel.unary_unary("/test/Echo")(b"hello", timeout=20)
        except grpc.RpcError as error:
            return error.details()
        else:
            return "OK" if reply == b"hello" else "another answer"
        finally:
            server.stop(None).wait(60)


@pytest.fixture(scope="session")
def gen_sh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run a variant of the guide's gen.sh; returns the folder of its files."""
    made: dict[str, Path] = {}

    def run(variant: str) -> Path:
        if variant not in made:
            folder = tmp_path_factory.mktemp(variant) / "made"
            folder.mkdir()
            for file in VARIANTS[variant].iterdir():
                if file.is_file():
                    shutil.copy(file, folder)
            subprocess.run(
                ["sh", "gen.sh"], cwd=folder, check=True, capture_output=True, timeout=120
            )
            made[variant] = folder
        copy = tmp_path_factory.mktemp(variant) / "certs"
        shutil.copytree(made[variant], copy)
        return copy

    return run


@pytest.fixture
def judge() -> Callable[..., dict[str, str]]:
    """Ask every judge about a set."""

    def ask(folder: Path, name: str, client: str = "client") -> dict[str, str]:
        return {
            "openssl sslserver": openssl_verdict(folder, "server", "sslserver"),
            "openssl sslclient": openssl_verdict(folder, client, "sslclient"),
            "python": python_handshake(folder, name, client),
            "grpc": grpc_handshake(folder, name, client),
        }

    return ask


@pytest.fixture
def openssl() -> Callable[..., str]:
    """Run the openssl command; returns its output."""
    return run_openssl


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, to compare it before and after."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    return contents


@pytest.fixture
def chained(tmp_path) -> CertificateSet:
    return CertificateSet.create(tmp_path / "certs", ["localhost"], intermediate_days=900)


@pytest.fixture
def named_set(tmp_path) -> CertificateSet:
    return CertificateSet.create(
        tmp_path / "certs",
        ["milvus.example.com", "localhost"],
        ["127.0.0.1"],
        days=100,
        subject=Subject(organization="milvus"),
    )
