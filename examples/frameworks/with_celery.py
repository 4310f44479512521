"""Celery workers of the prefork pool: one client for each worker process.

    pip install celery milvus-secure
    export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
    export CELERY_BROKER_URL=filesystem:// CELERY_RESULT_BACKEND=file://queue
    celery -A with_celery worker --pool prefork --concurrency 2 &
    python with_celery.py

gRPC's channels do not survive a fork, so that each process connects after it was forked.
"""

from pathlib import Path

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from milvus_secure import MilvusSettings, connect_secure

QUEUE = Path("queue").absolute()
QUEUE.mkdir(exist_ok=True)

app = Celery("with_celery")  # the broker is that of CELERY_BROKER_URL
app.conf.broker_transport_options = {
    "data_folder_in": str(QUEUE),
    "data_folder_out": str(QUEUE),
    "control_folder": str(QUEUE / "control"),
}
settings = MilvusSettings()
clients = []


@worker_process_init.connect
def connect(**_: object) -> None:
    """Connect in the new process."""
    clients.append(connect_secure(settings))


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Close what this process has opened."""
    while clients:
        clients.pop().close()


@app.task
def collections() -> int:
    """How many collections there are."""
    return len(clients[0].list_collections())


if __name__ == "__main__":
    print("collections:", collections.delay().get(timeout=60))
