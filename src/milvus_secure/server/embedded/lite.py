"""Milvus Lite, loaded and opened for the embedded server."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

from ...client.pymilvus_import import import_pymilvus
from ...errors import MilvusSecureError


def load_milvus_lite() -> tuple[Any, Any, Any, Any]:
    """gRPC, and Milvus Lite's servicer, its registration, and its database class.

    Raises:
        MilvusSecureError: If Milvus Lite is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its dependencies, which we do not maintain
            import_pymilvus()
            import grpc  # noqa: PLC0415 - this and the next are for those who serve
            from milvus_lite.adapter.grpc.servicer import MilvusServicer  # noqa: PLC0415
            from milvus_lite.db import MilvusLite  # noqa: PLC0415
            from pymilvus.grpc_gen.milvus_pb2_grpc import (  # noqa: PLC0415
                add_MilvusServiceServicer_to_server as register,
            )
    except ImportError as error:
        raise MilvusSecureError(
            f"The embedded server needs Milvus Lite, which cannot be imported ({error}).",
            "Install it as an extra.",
            "python -m pip install 'milvus-secure[embedded]'",
        ) from error
    return grpc, MilvusServicer, register, MilvusLite


def open_database(database: Any, data_dir: str) -> Any:  # noqa: ANN401 - milvus_lite has no types
    """Open the data and every collection in it.

    Args:
        database: Milvus Lite's class.
        data_dir: A directory; made if missing.

    Raises:
        MilvusSecureError: If another server uses it, or it cannot be read or written.
    """
    from milvus_lite.exceptions import DataDirLockedError  # noqa: PLC0415 - loaded by now

    try:
        opened = database(data_dir)
    except DataDirLockedError:
        raise MilvusSecureError(
            f"The data directory {data_dir} is in use by another server.",
            "Stop that server, or choose another data_dir.",
        ) from None
    except OSError as error:
        raise MilvusSecureError(
            f"The data directory {data_dir} cannot be used: {error.strerror}.",
            "Choose a directory that this user can write to.",
        ) from error
    # It opens a collection when first asked for it, and twice when two ask at once: what is
    # written to the one that is then forgotten is lost (``MilvusLite.get_collection``).
    for within in opened.list_databases():
        for name in opened.list_collections(database_name=within):
            with suppress(Exception):  # opening a damaged one reports it later
                opened.get_collection(name, database_name=within)
    return opened
