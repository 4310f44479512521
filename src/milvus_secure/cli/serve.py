"""``milvus-secure serve``: an embedded Milvus over TLS for development."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MilvusSecureError
from ..mode import TLSMode
from .console import say, waiting
from .flags import Commands, tls_mode

if TYPE_CHECKING:
    from ..certset import CertificateSet

_PORT = 19530


@dataclass(frozen=True)
class _Served:
    """What to serve with, and what the user is told of the client's side."""

    mode: TLSMode
    server_pem: Path
    server_key: Path
    ca_pem: Path | None
    port: int
    client_lines: tuple[str, ...] = ()


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "serve",
        help="run an embedded Milvus over TLS for development",
        description="Run Milvus Lite behind TLS until Ctrl-C or SIGTERM. Without --certs and "
        "--config a throw-away certificate set for localhost is used.",
    )
    parser.add_argument("--certs", metavar="DIR", type=Path,
                        help="certificate set; made there if DIR does not exist")  # fmt: skip
    parser.add_argument("--config", metavar="FILE", type=Path,
                        help="take mode, files and port from a milvus.yaml or Compose file "
                        "instead")  # fmt: skip
    parser.add_argument("--tls-mode", type=tls_mode, metavar="MODE",
                        help="one-way (1, default) or mutual (2)")  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument("--port", type=int, help=f"0 picks a free one (default: {_PORT})")
    parser.add_argument("--data", metavar="DIR", type=Path, help="keep data here (default: none)")
    parser.add_argument("--token", help="require it of clients, such as root:Milvus")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from ..embedded.server import EmbeddedMilvus, serve  # noqa: PLC0415 - loads gRPC and Milvus Lite

    with ExitStack() as stack:
        served = _configured(arguments) if arguments.config else _with_set(arguments, stack)
        mutual = served.mode is TLSMode.MUTUAL
        server = EmbeddedMilvus(
            server_pem_path=served.server_pem, server_key_path=served.server_key,
            ca_pem_path=served.ca_pem if mutual else None, token=arguments.token,
            data_dir=arguments.data, host=arguments.host,
            port=served.port if arguments.port is None else arguments.port,
        )  # fmt: skip
        with waiting("Starting Milvus Lite ..."):
            stack.enter_context(server)
        serve(server, ready=lambda: say(_greeting(server.uri, served, arguments.token)))
    return 0


def _configured(arguments: argparse.Namespace) -> _Served:
    """What a server's configuration says, so that it can be tried without a container."""
    from ..server_check.reading import read_server  # noqa: PLC0415 - loads the YAML library

    if arguments.certs or arguments.tls_mode:
        raise MilvusSecureError(
            "--config names mode and files already. Fix: leave out --certs and --tls-mode."
        )
    side = read_server(arguments.config)
    if side.tls_mode not in {TLSMode.ONE_WAY, TLSMode.MUTUAL}:
        raise MilvusSecureError(
            f"{arguments.config} does not turn TLS on: common.security.tlsMode is "
            f"{side.value('common.security.tlsMode') or '0'}. Fix: set it to 1 or 2."
        )

    def file(key: str) -> Path:
        path = side.value(key)
        here = side.on_this_machine(path) if path else None
        if here is None:
            raise MilvusSecureError(
                f"{key} ({path or 'not set'}) cannot be found on this machine. "
                f"Fix: see `milvus-secure server check {arguments.config}`."
            )
        return here

    ca_pem = file("tls.caPemPath") if side.tls_mode is TLSMode.MUTUAL else None
    port = side.value("proxy.port")
    return _Served(
        side.tls_mode, file("tls.serverPemPath"), file("tls.serverKeyPath"), ca_pem,
        int(port) if port.isdecimal() else _PORT,
    )  # fmt: skip


def _with_set(arguments: argparse.Namespace, stack: ExitStack) -> _Served:
    certs = _certificates(arguments.certs, stack)
    mode = arguments.tls_mode or TLSMode.ONE_WAY
    lines = [f"export MILVUS_CA_PEM_PATH={certs.ca_pem.absolute()}"]
    if mode is TLSMode.MUTUAL:
        lines += [
            f"export MILVUS_CLIENT_PEM_PATH={certs.client_pem.absolute()}",
            f"export MILVUS_CLIENT_KEY_PATH={certs.client_key.absolute()}",
        ]
    return _Served(mode, certs.server_pem, certs.server_key, certs.ca_pem, _PORT, tuple(lines))


def _certificates(folder: Path | None, stack: ExitStack) -> CertificateSet:
    import tempfile  # noqa: PLC0415 - not for the commands that make nothing

    from ..certset import CertificateSet  # noqa: PLC0415

    if folder is None:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-secure-"))
        return CertificateSet.create(Path(made, "certs"))
    if folder.exists():
        return CertificateSet(folder)
    if not folder.parent.is_dir():
        raise MilvusSecureError(f"{folder.parent} does not exist. Fix: create it first.")
    return CertificateSet.create(folder)


def _greeting(uri: str, served: _Served, token: str | None) -> str:
    lines = [f"export MILVUS_URI={uri}", *served.client_lines]
    if token:
        lines.append("export MILVUS_TOKEN=...  (the one given to serve)")
    return "\n".join([
        f"Milvus Lite serves {served.mode} TLS at {uri}; Ctrl-C ends it.",
        "",
        "A client needs:",
        *(f"  {line}" for line in lines),
        "",
        "Then: milvus-secure check",
    ])  # fmt: skip
