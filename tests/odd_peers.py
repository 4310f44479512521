"""The real judges of odd chains: the installed grpcio, and Go's TLS server.

One handshake each, on loopback. gRPC's verdict is what it says after the handshake: the HTTP/2
preface if it accepts the server, an alert or nothing if not.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
from OpenSSL import SSL

import minting
from odd_chains import Odd


def grpc_accepts(odd: Odd) -> bool:
    """Whether the installed grpcio, asked for ``localhost``, accepts a server with this chain."""
    with _serving(odd) as (port, heard):
        options = (("grpc.ssl_target_name_override", "localhost"),)
        trust = grpc.ssl_channel_credentials(odd.anchors_pem)
        channel = grpc.secure_channel(f"127.0.0.1:{port}", trust, options)
        with channel, suppress(grpc.RpcError):
            channel.unary_unary("/odd/chain")(b"", timeout=10)
    return heard == [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]


@contextmanager
def _serving(odd: Odd) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one handshake; what the client says after it is added to the list."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_alpn_select_callback(lambda *_: b"h2")
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection, suppress(SSL.Error, OSError):
            session = SSL.Connection(context, connection)
            session.set_accept_state()
            session.do_handshake()
            heard.append(session.recv(24))

    with suppress(SSL.Error):  # a key this OpenSSL knows no more: then the handshake fails
        context.use_certificate(odd.leaf.certificate)
        for one in odd.rest:
            context.add_extra_chain_cert(one)
        context.use_privatekey(odd.leaf.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


GO = shutil.which("go")


def build_go_server(folder: Path) -> Path:
    """Compile the Go peer beside this file."""
    program = folder / "go_peer"
    source = Path(__file__).with_name("go_peer.go")
    # A cache of its own: HOME may be missing or read-only.
    environ = {"GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off",
               "PATH": f"{Path(GO or '').parent}:/usr/bin:/bin", "HOME": str(folder)}  # fmt: skip
    subprocess.run([GO, "build", "-o", program, source], check=True, env=environ)
    return program


def go_accepts(program: Path, odds: Sequence[Odd], folder: Path) -> list[bool]:
    """Whether Go's crypto/tls server accepts each chain from a client, in one process."""
    server = minting.mint("server", sans=["localhost"], usages=[minting.SERVER])
    (folder / "server.pem").write_bytes(server.pem)
    (folder / "server.key").write_bytes(server.key_pem)
    lines = "".join(
        json.dumps({
            "Chain": odd.chain_pem.decode(), "Key": odd.leaf.key_pem.decode(),
            "Anchors": odd.anchors_pem.decode(),
        }) + "\n"
        for odd in odds
    )  # fmt: skip
    ran = subprocess.run(
        [program, folder / "server.pem", folder / "server.key"],
        input=lines, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line == "accepted" for line in ran.stdout.splitlines()]
