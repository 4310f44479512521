"""``milvus-secure demo``: the main job, end to end, on this machine alone."""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import echo, spinner, text_width
from .flags import Commands

if TYPE_CHECKING:
    from ..certs import CertificateSet
    from ..client.settings import MilvusSettings

_VECTORS = 1_000
_DIMENSION = 8


def add_parser(commands: Commands) -> None:
    """Mount the command."""
    parser = commands.add_parser(
        "demo",
        help="make certificates, start a TLS server, connect, and explain one fault",
        description="Make certificates, serve an embedded Milvus over TLS, connect with one-way "
        "and mutual TLS, insert and search, and show how a fault is explained. All files are "
        "removed at the end.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - it has no options
    """Run the demonstration in a temporary directory."""
    import tempfile  # noqa: PLC0415 - not for the commands that make nothing

    from ..certs import CertificateSet  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="milvus-secure-demo-") as folder:
        certs = CertificateSet.create(Path(folder, "certs"), names=["localhost"])
        echo("1. Certificates:\n   " + " ".join(sorted(p.name for p in certs.directory.iterdir())))
        _one_way(certs)
        _mutual(certs)
    echo("Everything was temporary; nothing is left behind. Next: milvus-secure check")
    return 0


def _one_way(certs: CertificateSet) -> None:
    from ..server.embedded.server import EmbeddedMilvus  # noqa: PLC0415

    with spinner("Starting an embedded Milvus with one-way TLS ..."):
        server = EmbeddedMilvus(server_pem_path=certs.server_pem, server_key_path=certs.server_key)
        server.start()
    with server:
        settings = _settings(uri=f"https://localhost:{server.port}", ca_pem_path=certs.ca_pem)
        echo(f"2. One-way TLS at {settings.uri}:\n   {_insert_and_search(settings)}")


def _mutual(certs: CertificateSet) -> None:
    from ..server.embedded.server import EmbeddedMilvus  # noqa: PLC0415

    with spinner("Starting an embedded Milvus with mutual TLS ..."):
        server = EmbeddedMilvus(
            server_pem_path=certs.server_pem,
            server_key_path=certs.server_key,
            ca_pem_path=certs.ca_pem,
            token="root:Milvus",  # noqa: S106 - the demo's own server
        )
        server.start()
    with server:
        settings = _settings(
            uri=f"https://localhost:{server.port}",
            token="root:Milvus",  # noqa: S106
            ca_pem_path=certs.ca_pem,
            client_pem_path=certs.client_pem,
            client_key_path=certs.client_key,
        )
        echo(f"3. Mutual TLS and a token at {settings.uri}:\n   {_insert_and_search(settings)}")
        echo("4. The same with a server_name that the certificate does not contain:\n")
        # As text, since a report names the directory of files, and this one is about to be removed.
        broken = settings.replace(
            server_name="milvus.example.com",
            ca_pem_path=None,
            ca_pem=certs.ca_pem.read_text("ascii"),
            client_pem_path=None,
            client_pem=certs.client_pem.read_text("ascii"),
        )
        _explain_broken(broken)


def _settings(**values: Any) -> MilvusSettings:  # noqa: ANN401 - any setting
    """Settings that do not depend on the machine, so that the demo runs the same everywhere."""
    from ..client.settings import MilvusSettings  # noqa: PLC0415

    return MilvusSettings.from_arguments(**values)


def _insert_and_search(settings: MilvusSettings) -> str:
    from ..client.connect import connect_secure  # noqa: PLC0415

    with spinner("Connecting ..."):
        client = connect_secure(settings)
    try:
        client.create_collection("demo", dimension=_DIMENSION)
        numbers = random.Random(7)  # noqa: S311 - vectors, no secrets
        rows = [
            {"id": i, "vector": [numbers.random() for _ in range(_DIMENSION)]}
            for i in range(_VECTORS)
        ]
        client.insert("demo", rows)
        [hits] = client.search("demo", data=[rows[7]["vector"]], limit=3)
        client.drop_collection("demo")
    finally:
        client.close()
    return f"{_VECTORS} vectors inserted, the nearest to number 7 is number {hits[0]['id']}."


def _explain_broken(settings: MilvusSettings) -> None:
    from ..client.connect import connect_secure  # noqa: PLC0415
    from ..errors import SecureConnectionError  # noqa: PLC0415
    from ..reporting.finding import findings_text  # noqa: PLC0415

    try:
        connect_secure(settings).close()
    except SecureConnectionError as error:
        echo(findings_text(error.report.errors, text_width()) + "\n")
