"""``milvus-secure serve``: an embedded Milvus over TLS for development."""

from __future__ import annotations

import argparse
import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .._common.text import filled
from .._common.tls_mode import TLSMode
from ..errors import MilvusSecureError
from .console import echo, spinner
from .flags import Commands, tls_mode

if TYPE_CHECKING:
    from ..certs import CertificateSet
    from ..server.embedded.server import EmbeddedMilvus

_PORT = 19530
_NO_LITERAL = (
    "pymilvus cannot dial an IPv6 address: give it a name in /etc/hosts, and put that name into "
    "MILVUS_URI in its place."
)


@dataclass(frozen=True)
class _Served:
    """What to serve with, and where the client's settings may lie."""

    server_pem: Path
    server_key: Path
    ca_pem: Path | None
    port: int
    client_env: Path


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "serve",
        help="run an embedded Milvus over TLS for development",
        description="Run Milvus Lite behind TLS until Ctrl-C or SIGTERM. Without --certs and "
        "--config a throw-away certificate set for localhost is used.",
    )
    parser.add_argument(
        "--certs",
        metavar="DIR",
        type=Path,
        help="certificate set; it is created if DIR does not exist",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="take mode, files and port from a milvus.yaml or Compose file instead",
    )
    parser.add_argument(
        "--tls-mode", type=tls_mode, metavar="MODE", help="one-way (1, default) or mutual (2)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument("--port", type=int, help=f"0 picks a free one (default: {_PORT})")
    parser.add_argument("--data", metavar="DIR", type=Path, help="keep data here (default: none)")
    parser.add_argument("--token", help="token that clients must send, such as root:Milvus")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from ..server.embedded.server import EmbeddedMilvus, serve  # noqa: PLC0415 - loads gRPC and Milvus Lite

    with ExitStack() as stack:
        served = _configured(arguments) if arguments.config else _with_set(arguments, stack)
        server = EmbeddedMilvus(
            server_pem_path=served.server_pem,
            server_key_path=served.server_key,
            ca_pem_path=served.ca_pem,
            token=arguments.token,
            data_dir=arguments.data,
            host=arguments.host,
            port=served.port if arguments.port is None else arguments.port,
        )
        with spinner("Starting Milvus Lite ..."):
            stack.enter_context(server)
        serve(server, ready=lambda: echo(_greeting(server, served, token=bool(arguments.token))))
    return 0


def _configured(arguments: argparse.Namespace) -> _Served:
    """What a server's configuration says, so that it can be tried without a container."""
    from ..server.check.milvus.container_files import Presence  # noqa: PLC0415
    from ..server.check.read_server import read_servers  # noqa: PLC0415 - loads the YAML library

    if arguments.certs or arguments.tls_mode:
        raise MilvusSecureError(
            "--config names mode and files already.", "Leave out --certs and --tls-mode."
        )
    check = f"milvus-secure server check {shlex.quote(str(arguments.config))}"
    [server] = read_servers([arguments.config])
    configs = server.configs
    if not configs:
        raise MilvusSecureError(
            f"{arguments.config} starts no Milvus that can be served.", "To see why:", check
        )
    config = configs[0]
    if config.tls_mode not in {TLSMode.ONE_WAY, TLSMode.MUTUAL}:
        raise MilvusSecureError(
            f"{arguments.config} does not turn TLS on: common.security.tlsMode is "
            f"{config.value('common.security.tlsMode') or '0'}.",
            "Set it to 1 or 2.",
        )

    def file(key: str) -> Path:
        path = config.value(key)
        location = config.files.find(path) if path else None
        if location is None or location.presence is not Presence.HERE or location.path is None:
            raise MilvusSecureError(
                f"{key} ({path or 'not set'}) cannot be found on this machine.",
                "To see what is wrong:",
                check,
            )
        return location.path

    ca_pem = file("tls.caPemPath") if config.tls_mode is TLSMode.MUTUAL else None
    port = config.value("proxy.port")
    return _Served(
        file("tls.serverPemPath"),
        file("tls.serverKeyPath"),
        ca_pem,
        int(port) if port.isdecimal() else _PORT,
        config.path.with_name("client.env"),
    )


def _with_set(arguments: argparse.Namespace, stack: ExitStack) -> _Served:
    certs = _certificates(arguments.certs, stack)
    ca_pem = certs.ca_pem if arguments.tls_mode is TLSMode.MUTUAL else None
    env_file = certs.directory / "client.env"
    return _Served(certs.server_pem, certs.server_key, ca_pem, _PORT, env_file)


def _certificates(folder: Path | None, stack: ExitStack) -> CertificateSet:
    import tempfile  # noqa: PLC0415 - not for the commands that make nothing

    from ..certs import CertificateSet  # noqa: PLC0415

    if folder is None:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-secure-"))
        return CertificateSet.create(Path(made, "certs"))
    if folder.is_dir():
        if not (folder / "server.pem").exists():
            raise MilvusSecureError(
                f"{folder} holds no certificate set: server.pem is not there.",
                "Make one there.",
                f"milvus-secure certs init {shlex.quote(str(folder))}",
            )
        return CertificateSet(folder)
    if not folder.parent.is_dir():
        raise MilvusSecureError(
            f"{folder.parent} does not exist.",
            "Make it first.",
            f"mkdir -p {shlex.quote(str(folder.parent))}",
        )
    return CertificateSet.create(folder)


def _greeting(server: EmbeddedMilvus, served: _Served, *, token: bool) -> str:
    from ..server.embedded.client_settings import exports  # noqa: PLC0415 - loads the settings

    lines = exports(server.uri, served.server_pem, served.ca_pem, served.client_env)
    if token:
        lines.append("export MILVUS_TOKEN=...  # the one given to serve")
    notes = ["", filled(_NO_LITERAL)] if "//[" in server.uri else []
    return "\n".join(
        [
            filled(f"Milvus Lite serves {server.tls_mode} TLS at {server.uri}; Ctrl-C ends it."),
            "",
            "A client needs:",
            *(f"  {line}" for line in lines),
            *notes,
            "",
            "Then: milvus-secure check",
        ]
    )
