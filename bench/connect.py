"""The time that connect_secure() adds to MilvusClient() on a live server."""

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
from milvus_secure.certs import CertificateSet
from processes import started

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
    with served(mode, certs) as uri:
        settings = MilvusSettings.from_arguments(uri=uri, ca_pem_path=certs.ca_pem, **pair)
        keywords = settings.client_kwargs()
        ours = timed(lambda: connect_secure(settings).close())
        theirs = timed(lambda: MilvusClient(**keywords).close())
        ours(), theirs()
        secure, raw = medians(ROUNDS, ours, theirs)
    return Row(
        f"connect_secure() / MilvusClient(), {mode}",
        secure / raw,
        1.2,
        "x",
        f"{secure * 1e3:.1f} ms / {raw * 1e3:.1f} ms",
    )


@contextmanager
def served(mode: str, certs: CertificateSet) -> Iterator[str]:
    """A server in a separate process, which does not hold this one's interpreter lock."""
    serve = [sys.executable, "-m", "milvus_secure", "serve", "--port=0", f"--tls-mode={mode}"]
    command = [*serve, f"--certs={certs.directory}"]
    with started(command, seconds=600, stdout=subprocess.PIPE) as server:
        uri = re.search(r"https://\S+:\d+", server.stdout.readline())
        if uri is None:
            raise SystemExit("the server did not start")
        yield uri[0]


if __name__ == "__main__":
    main()
