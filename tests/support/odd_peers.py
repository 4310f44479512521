"""The real judges of odd chains: the installed grpcio, Go's TLS server, and Milvus itself.

One handshake each, on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from OpenSSL import SSL

import grpc_peer
import minting
from odd_chains import Odd


def grpc_accepts(odd: Odd) -> bool | None:
    """Whether the installed grpcio, asked for ``localhost``, accepts a server with this chain.

    None if the OpenSSL of the server cannot present it (that of cryptography 43).
    """
    try:
        return grpc_peer.verdict(
            odd.chain_pem, odd.leaf.key_pem, odd.anchors_pem, "localhost"
        ).accepted
    except SSL.Error:
        return None


def milvus_accepts(port: int, odd: Odd) -> bool:
    """Whether a Milvus in tlsMode 2 accepts a client with this chain.

    Under TLS 1.3 the refusal comes after the handshake, as the first data; a server that
    accepts the client answers the HTTP/2 preface with its settings.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_alpn_protos([b"h2"])
    with tempfile.TemporaryDirectory() as folder:  # OpenSSL loads malformed chains from files only
        pem = Path(folder, "pem")
        pem.write_bytes(odd.leaf.key_pem + odd.chain_pem)
        context.use_certificate_chain_file(str(pem))
        context.use_privatekey_file(str(pem))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        plain.settimeout(None)  # OpenSSL reads the descriptor itself, which has to block
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 60, 0))
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        try:
            connection.do_handshake()
            connection.sendall(
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
            )
            return bool(connection.recv(9))
        except (SSL.Error, OSError):
            return False


MILVUS_GO = "1.24"
"""The ``go`` line of Milvus 2.5 and 2.6 (pull requests 44763 and 46049 of milvus-io/milvus)."""

GO = shutil.which("go") or shutil.which("go", path=Path(sys.executable).parent)


def build_go_server(folder: Path) -> Path:
    """Compile the Go peer next to this file, with the defaults of the Go that Milvus is built with.

    Go's crypto packages behave as the ``go`` line of the main module says (``GODEBUG``): since
    1.23 a negative serial number is refused, since 1.24 an RSA key of less than 1024 bits.
    """
    module, program = folder / "go_peer_module", folder / "go_peer"
    module.mkdir()
    shutil.copy(Path(__file__).with_name("go_peer.go"), module / "main.go")
    (module / "go.mod").write_text(f"module go_peer\n\ngo {MILVUS_GO}\n")
    # HOME may be missing or read-only, so the compiled code is kept next to Go for the next run.
    kept = Path(sys.prefix) if os.access(sys.prefix, os.W_OK) else folder
    environ = {
        "GOCACHE": str(kept / "go-cache"),
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "PATH": f"{Path(GO or '').parent}:/usr/bin:/bin",
        "HOME": str(folder),
    }
    build = [GO, "build", "-o", program, "."]
    subprocess.run(build, check=True, env=environ, cwd=module, timeout=600)
    return program


def go_accepts(program: Path, odds: Sequence[Odd], folder: Path) -> list[bool]:
    """Whether Go's crypto/tls server accepts each chain from a client, in one process."""
    server = minting.mint("server", sans=["localhost"], usages=[minting.SERVER])
    (folder / "server.pem").write_bytes(server.pem)
    (folder / "server.key").write_bytes(server.key_pem)
    lines = "".join(
        json.dumps(
            {
                "Chain": odd.chain_pem.decode(),
                "Key": odd.leaf.key_pem.decode(),
                "Anchors": odd.anchors_pem.decode(),
            }
        )
        + "\n"
        for odd in odds
    )
    completed = subprocess.run(
        [program, folder / "server.pem", folder / "server.key"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [line == "accepted" for line in completed.stdout.splitlines()]


if __name__ == "__main__" and GO is not None:
    with tempfile.TemporaryDirectory() as name:  # compile Go's own packages once, at the set-up
        build_go_server(Path(name))
