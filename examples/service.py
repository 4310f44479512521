"""A service: one client from start-up to shutdown, and a clear refusal to start without it.

    python service.py

`lifespan` has the shape that FastAPI and Starlette take: ``FastAPI(lifespan=lifespan)``. Here
plain asyncio calls it, so that the example needs nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from milvus_secure import (
    MilvusSecureError,
    SecureConnectionError,
    connect_secure,
    connect_secure_async,
)


@asynccontextmanager
async def lifespan(app: SimpleNamespace) -> AsyncIterator[None]:
    """Hold the client for as long as the service runs."""
    app.milvus = await connect_secure_async()
    try:
        yield
    finally:
        await app.milvus.close()


async def handle(app: SimpleNamespace, vector: list[float]) -> int:
    """Answer one request: the id of the stored vector nearest to this one."""
    [hits] = await app.milvus.search("service", data=[vector], limit=1)
    return int(hits[0]["id"])


def prepare() -> None:
    """Make the collection; a deployment does this once, outside the service."""
    client = connect_secure()
    try:
        client.create_collection("service", dimension=2, metric_type="L2")
        client.insert("service", [{"id": i, "vector": [float(i), 0.0]} for i in range(10)])
    finally:
        client.close()


async def main() -> None:
    """Start, answer a few requests at once, shut down."""
    app = SimpleNamespace()
    async with lifespan(app):
        await asyncio.to_thread(prepare)
        answers = await asyncio.gather(*(handle(app, [x, 0.1]) for x in (1.2, 4.9, 8.0)))
        print(f"served {answers}")
        await app.milvus.drop_collection("service")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except SecureConnectionError as failure:
        print(failure.report, file=sys.stderr)  # the complete report belongs in a service's log
        sys.exit(1)
    except MilvusSecureError as failure:
        sys.exit(f"service: {failure}")
