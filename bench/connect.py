"""What connect_secure() adds to MilvusClient() on a live server."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pymilvus import MilvusClient

from milvus_secure import MilvusSettings, connect_secure
from milvus_secure.certset import CertificateSet

from .table import Row, medians, show, timed

ROUNDS = 100


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        certs = CertificateSet.create(Path(folder, "certs"))
        pair = {"client_pem_path": certs.client_pem, "client_key_path": certs.client_key}
        rows = [_row("one-way", certs), _row("mutual", certs, **pair)]
    show("Connecting, each client over a channel of its own", rows)


def _row(mode: str, certs: CertificateSet, **pair: Path) -> Row:
    with _served(mode, certs) as uri:
        settings = MilvusSettings(
            environ={}, env_file=None, uri=uri, ca_pem_path=certs.ca_pem, **pair
        )
        same = settings.client_kwargs()
        ours = timed(lambda: connect_secure(settings).close())
        theirs = timed(lambda: MilvusClient(**same).close())
        ours(), theirs()
        secure, raw = medians(ROUNDS, ours, theirs)
    return Row(f"connect_secure() / MilvusClient(), {mode}", secure / raw, 1.2, "x",
               f"{secure * 1e3:.1f} ms / {raw * 1e3:.1f} ms")  # fmt: skip


@contextmanager
def _served(mode: str, certs: CertificateSet) -> Iterator[str]:
    """A server in a process of its own, which leaves this one's interpreter lock alone."""
    command = [sys.executable, "-u", "-m", "milvus_secure", "serve", "--port=0",
               f"--certs={certs.directory}", f"--tls-mode={mode}"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            told = re.search(r"https://\S+:\d+", server.stdout.readline())
            if told is None:
                raise SystemExit("the server did not start")
            yield told[0]
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
