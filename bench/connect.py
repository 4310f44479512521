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
        rows = [*_rows("one-way", certs), *_rows("mutual", certs, **pair)]
    show("Connecting, each client over a channel of its own", rows)


def _rows(mode: str, certs: CertificateSet, **pair: Path) -> Iterator[Row]:
    with served(mode, certs) as uri:
        values = {"uri": uri, "ca_pem_path": certs.ca_pem, **pair}
        settings = MilvusSettings.from_arguments(**values)
        same = settings.client_kwargs()

        def with_new_settings() -> float:
            made = MilvusSettings.from_arguments(**values)
            return timed(lambda: connect_secure(made).close())()

        ways = {
            "connect_secure(settings)": (timed(lambda: connect_secure(settings).close()), 1.2),
            "connect_secure(new settings)": (with_new_settings, 1.2),
            "connect_secure(uri=...), loading": (
                timed(lambda: connect_secure(**values).close()),
                None,
            ),
        }
        theirs = timed(lambda: MilvusClient(**same).close())
        actions = [theirs, *(action for action, _ in ways.values())]
        medians(3, *actions)
        raw, *secure = medians(ROUNDS, *actions)
    for (what, (_, goal)), seconds in zip(ways.items(), secure, strict=True):
        yield Row(
            f"{what} / MilvusClient(), {mode}",
            seconds / raw,
            goal,
            "x",
            f"{seconds * 1e3:.1f} ms / {raw * 1e3:.1f} ms",
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
