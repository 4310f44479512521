"""``milvus-secure serve``: an embedded Milvus over TLS for development."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MilvusSecureError
from ..mode import TLSMode
from .console import say, waiting
from .flags import Commands, tls_mode

if TYPE_CHECKING:
    from ..certset import CertificateSet
    from ..embedded import EmbeddedMilvus


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "serve",
        help="run an embedded Milvus over TLS for development",
        description="Run Milvus Lite behind TLS until Ctrl-C or SIGTERM. "
        "Without --certs a throw-away certificate set for localhost is used.",
    )
    parser.add_argument("--certs", metavar="DIR", type=Path,
                        help="certificate set; made there if DIR does not exist")  # fmt: skip
    parser.add_argument("--tls-mode", type=tls_mode, default=TLSMode.ONE_WAY, metavar="MODE",
                        help="one-way (1, default) or mutual (2)")  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: loopback)")
    parser.add_argument("--port", type=int, default=19530, help="0 picks a free one")
    parser.add_argument("--data", metavar="DIR", type=Path, help="keep data here (default: none)")
    parser.add_argument("--token", help="require it of clients, such as root:Milvus")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from ..embedded import EmbeddedMilvus, serve  # noqa: PLC0415 - loads gRPC and Milvus Lite

    mutual = arguments.tls_mode is TLSMode.MUTUAL
    with ExitStack() as stack:
        certs = _certificates(arguments.certs, stack)
        with waiting("Starting Milvus Lite ..."):
            server = stack.enter_context(EmbeddedMilvus(
                server_pem_path=certs.server_pem, server_key_path=certs.server_key,
                ca_pem_path=certs.ca_pem if mutual else None, token=arguments.token,
                data_dir=arguments.data, host=arguments.host, port=arguments.port,
            ))  # fmt: skip
        serve(server, ready=lambda: say(_greeting(server, certs, arguments)))
    return 0


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


def _greeting(server: EmbeddedMilvus, certs: CertificateSet, arguments: argparse.Namespace) -> str:
    lines = [
        f"Milvus Lite serves {arguments.tls_mode} TLS at {server.uri}; Ctrl-C ends it.",
        "",
        "A client needs:",
        f"  export MILVUS_URI={server.uri}",
        f"  export MILVUS_CA_PEM_PATH={certs.ca_pem.absolute()}",
    ]
    if arguments.tls_mode is TLSMode.MUTUAL:
        lines += [
            f"  export MILVUS_CLIENT_PEM_PATH={certs.client_pem.absolute()}",
            f"  export MILVUS_CLIENT_KEY_PATH={certs.client_key.absolute()}",
        ]
    if arguments.token:
        lines.append("  export MILVUS_TOKEN=...  (the one given to serve)")
    lines += ["", "Then: milvus-secure check"]
    return "\n".join(lines)
