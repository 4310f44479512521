"""The cost of the tunnel: eight threads that insert and search, directly and through it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pymilvus import MilvusClient

from milvus_secure import MilvusSettings, connect_secure
from milvus_secure.certs import CertificateSet
from processes import started

from .connect import served
from .table import Row, medians, show, timed

ROUNDS = 7
THREADS = 8
DIMENSION = 128
VECTOR = [0.5] * DIMENSION
ROWS = [{"id": number, "vector": VECTOR} for number in range(200)]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        certs = CertificateSet.create(Path(folder, "certs"))
        with served("mutual", certs) as uri:
            settings = MilvusSettings.from_arguments(
                uri=uri,
                ca_pem_path=certs.ca_pem,
                client_pem_path=certs.client_pem,
                client_key_path=certs.client_key,
            )
            direct = connect_secure(settings)
            direct.create_collection("bench", dimension=DIMENSION)
            with _tunnel(settings) as local:
                through = MilvusClient(uri=local)
                rows = [
                    _row("insert of 200 rows (100 kB)", direct, through, _insert, 4),
                    _row("search", direct, through, _search, 10),
                    _row("call of a few bytes", direct, through, _list, 50),
                ]
                through.close()
            direct.close()
    show(f"The tunnel over mutual TLS, {THREADS} threads", rows)


def _row(label, direct, through, call, times) -> Row:
    def work(client):
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: call(client), range(THREADS * times)))

    straight, forwarded = medians(ROUNDS, timed(lambda: work(direct)), timed(lambda: work(through)))
    calls = THREADS * times
    return Row(
        f"{label}: time through the tunnel / direct",
        forwarded / straight,
        1.43,  # a throughput of 0.7
        "x",
        f"{calls / forwarded:.0f} / {calls / straight:.0f} calls per second",
    )


def _insert(client: MilvusClient) -> None:
    client.upsert("bench", ROWS)


def _search(client: MilvusClient) -> None:
    client.search("bench", data=[VECTOR], limit=10)


def _list(client: MilvusClient) -> None:
    client.list_collections()


@contextmanager
def _tunnel(settings: MilvusSettings) -> Iterator[str]:
    command = [sys.executable, "-m", "milvus_secure", "tunnel", "--listen", "127.0.0.1:0"]
    for name in ("uri", "ca_pem_path", "client_pem_path", "client_key_path"):
        command += [f"--{name.replace('_', '-')}", str(getattr(settings, name))]
    with started(command, seconds=600, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if line.startswith("Set the program's Milvus URI to: "):
                yield line.split(": ")[1].strip()
                return
        raise SystemExit("the tunnel did not start")


if __name__ == "__main__":
    main()
