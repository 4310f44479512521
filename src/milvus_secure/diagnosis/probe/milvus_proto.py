"""The few messages of the Milvus protocol the probe needs, without importing pymilvus.

Field numbers are those of milvus-proto ``proto/milvus.proto`` and ``proto/common.proto``. The
descriptors live in a pool of their own and so never clash with pymilvus's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]  # comes without types
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from ..._version import __version__
from ...reporting.observation import MilvusAnswer

SERVICE = "/milvus.proto.milvus.MilvusService"

# Milvus pkg/util/merr/errors.go, and common.proto's ErrorCode NotReady... before them.
_NOT_READY, _UNEXPECTED = 1, 65535
_OLD_NOT_READY = {56, 57}
DATABASE_CODES = frozenset({800, 802})
"""Not found, and a name that is not allowed."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "milvus_secure.diagnosis.probe"
_MESSAGES: dict[str, tuple[tuple[str, int, int | str], ...]] = {
    "Status": (
        ("error_code", 1, _FIELD.TYPE_INT32),
        ("reason", 2, _FIELD.TYPE_STRING),
        ("code", 3, _FIELD.TYPE_INT32),
    ),
    "ClientInfo": (
        ("sdk_type", 1, _FIELD.TYPE_STRING),
        ("sdk_version", 2, _FIELD.TYPE_STRING),
    ),
    "ServerInfo": (("build_tags", 1, _FIELD.TYPE_STRING),),
    "ConnectRequest": (("client_info", 2, "ClientInfo"),),
    "ConnectResponse": (("status", 1, "Status"), ("server_info", 2, "ServerInfo")),
    "GetVersionRequest": (),
    "ShowCollectionsResponse": (("status", 1, "Status"),),
    "GetVersionResponse": (("status", 1, "Status"), ("version", 2, _FIELD.TYPE_STRING)),
}


def connect_request() -> bytes:
    """A ``ConnectRequest`` that says who asks."""
    request = _class("ConnectRequest")()
    request.client_info.sdk_type = "milvus-secure"
    request.client_info.sdk_version = __version__
    return bytes(request.SerializeToString())


def parse_connect(data: bytes) -> MilvusAnswer | None:
    """Read a ``ConnectResponse``; None if it is not one."""
    response = _parsed("ConnectResponse", data)
    return response and _answer(response.status, response.server_info.build_tags)


def parse_collections(data: bytes) -> MilvusAnswer | None:
    """Read the status of a ``ShowCollectionsResponse``; None if it is not one."""
    response = _parsed("ShowCollectionsResponse", data)
    return response and _answer(response.status, "")


def parse_version(data: bytes) -> MilvusAnswer | None:
    """Read a ``GetVersionResponse``; None if it is not one."""
    response = _parsed("GetVersionResponse", data)
    return response and _answer(response.status, response.version)


def _answer(status: Any, version: str) -> MilvusAnswer:  # noqa: ANN401 - a class made at run time
    code = status.code
    if not code and status.error_code:
        code = _NOT_READY if status.error_code in _OLD_NOT_READY else _UNEXPECTED
    return MilvusAnswer(code, status.reason, version)


def _parsed(name: str, data: bytes) -> Any:  # noqa: ANN401 - a class made at run time
    try:
        return _class(name).FromString(data)
    except DecodeError:
        return None


@cache
def _class(name: str) -> Any:  # noqa: ANN401 - a class made at run time
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="milvus_secure_probe.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for label, number, kind in fields:
            entry = message.field.add(name=label, number=number, label=_FIELD.LABEL_OPTIONAL)
            if isinstance(kind, str):
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                entry.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
