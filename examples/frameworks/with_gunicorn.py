"""A WSGI service under ``gunicorn --preload``: checked in the master, connected in each worker.

    pip install gunicorn milvus-secure
    export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
    gunicorn --preload --workers 2 with_gunicorn:app

gRPC's channels do not survive a fork, so that no client may be made before it. The keyword
arguments do: the files of inline material last as long as the master. Where workers change their
user (``--user``), call ``client_kwargs`` in the worker, so that it owns those files.
"""

import os
from collections.abc import Callable, Iterable
from functools import cache

from pymilvus import MilvusClient

from milvus_secure import MilvusSettings

settings = MilvusSettings()
kwargs = settings.client_kwargs(check=True)  # a mistake ends the master, before any worker starts


@cache
def milvus() -> MilvusClient:
    """The client of this worker."""
    with settings.explaining():
        return MilvusClient(**kwargs)


def app(_: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Say which process answers, and how many collections there are."""
    count = len(milvus().list_collections())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"worker {os.getpid()}: {count} collections\n".encode()]
