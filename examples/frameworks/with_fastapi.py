"""A FastAPI service: connected at start-up, renewed certificates followed, a health endpoint.

pip install fastapi uvicorn milvus-secure
export MILVUS_URI=https://localhost:19530 MILVUS_CA_PEM_PATH=certs/ca.pem
uvicorn with_fastapi:app
curl http://127.0.0.1:8000/health
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from milvus_secure import MilvusSettings, SecureConnectionError, connect_secure_async, watch

settings = MilvusSettings()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect before the first request; a failure ends the start-up with its cause."""
    app.state.milvus = await connect_secure_async(settings)
    with watch(app.state.milvus):
        yield
    await app.state.milvus.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health(request: Request) -> JSONResponse:
    """Whether Milvus answers, and if not, why."""
    try:
        async with settings.explaining():
            names = await request.app.state.milvus.list_collections(timeout=settings.timeout)
    except SecureConnectionError as error:
        return JSONResponse({"milvus": str(error)}, status_code=503)
    return JSONResponse({"milvus": "ok", "collections": len(names)})
