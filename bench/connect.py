"""What connect_secure() adds to MilvusClient() on a live server."""

from __future__ import annotations

import tempfile
from pathlib import Path

from milvus_secure.certset import CertificateSet
from pymilvus import MilvusClient

from milvus_secure import EmbeddedMilvus, MilvusSettings, connect_secure

from .table import Row, medians, show, timed

ROUNDS = 60


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        certs = CertificateSet.create(Path(folder, "certs"))
        with EmbeddedMilvus(
            server_pem_path=certs.server_pem,
            server_key_path=certs.server_key,
            ca_pem_path=certs.ca_pem,
        ) as server:
            settings = MilvusSettings(
                environ={}, env_file=None, uri=f"https://localhost:{server.port}",
                ca_pem_path=certs.ca_pem, client_pem_path=certs.client_pem,
                client_key_path=certs.client_key,
            )  # fmt: skip
            ours = timed(lambda: connect_secure(settings).close())
            theirs = timed(lambda: MilvusClient(**settings.client_kwargs()).close())
            ours(), theirs()
            secure, raw = medians(ROUNDS, ours, theirs)
    detail = f"{secure * 1e3:.1f} ms / {raw * 1e3:.1f} ms, mutual TLS, dedicated channels"
    show("Connecting", [Row("connect_secure() / MilvusClient()", secure / raw, 1.2, "x", detail)])


if __name__ == "__main__":
    main()
