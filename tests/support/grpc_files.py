"""The installed gRPC's verdict on PEM bytes: the reference for every rule about files.

One server for all cases requests a client certificate without requiring it, and reports whether
it got one. Empty material, which aborts the process, is judged in a separate process.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Queue

import grpc

import minting


class Judge:
    """Passes PEM bytes to gRPC and returns whether the handshake finished."""

    def __init__(self, port: int, outcomes: Queue[bool]) -> None:
        self._port = port
        self._outcomes = outcomes

    def accepts(
        self, root: bytes, chain: bytes | None = None, key: bytes | None = None, name="localhost"
    ) -> bool:
        """True if the handshake finishes, with the client's certificate when one is given."""
        credentials = grpc.ssl_channel_credentials(root, key, chain)
        options = [("grpc.ssl_target_name_override", name), ("grpc.enable_retries", 0)]
        address = f"127.0.0.1:{self._port}"
        with suppress(grpc.RpcError), grpc.secure_channel(address, credentials, options) as channel:
            channel.unary_unary("/none/None")(b"", timeout=20)
        return any(self._readings(with_certificate=chain is not None))

    def _readings(self, *, with_certificate: bool) -> Iterator[bool]:
        while not self._outcomes.empty():
            yield self._outcomes.get_nowait() >= with_certificate


@contextmanager
def judge(trio: minting.Trio, folder: Path) -> Iterator[Judge]:
    """Serve TLS with OpenSSL, which accepts any client key that gRPC can sign with."""
    files = trio.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    context.load_verify_locations(files / "ca.pem")
    context.set_alpn_protocols(["h2"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.verify_mode = ssl.CERT_OPTIONAL
    outcomes: Queue[bool] = Queue()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(20)
                        with context.wrap_socket(connection, server_side=True) as secured:
                            # Under TLS 1.3 the client may still refuse: wait until it sends data.
                            if secured.recv(1):
                                outcomes.put(bool(secured.getpeercert()))

        thread = threading.Thread(target=serve)
        thread.start()
        yield Judge(listener.getsockname()[1], outcomes)
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def aborts(chain: bytes, key: bytes) -> bool:
    """True if these bytes abort the whole process (in one of its own)."""
    script = (
        "import grpc, sys\n"
        "chain, key = (bytes.fromhex(a) for a in sys.argv[1:])\n"
        "made = grpc.ssl_channel_credentials(None, key, chain)\n"
        "grpc.secure_channel('127.0.0.1:1', made).close()\n"
    )
    command = [sys.executable, "-c", script, chain.hex(), key.hex()]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode < 0
