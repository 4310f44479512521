"""The probe's Connect carries the metadata that the installed pymilvus sends, and no other.

A proxy in front may route by it, so a probe that differs would be wrong in both directions.
"""

from __future__ import annotations

from contextlib import suppress

import grpc
import pytest
from pymilvus import MilvusClient, MilvusException
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import impostors
from milvus_secure import check

# What gRPC itself adds to every call.
_GRPC = {"user-agent", "grpc-accept-encoding", "accept-encoding", "grpc-encoding"}


class Recorder:
    """Answers every call as Milvus does, and records the metadata of each method's first call."""

    def __init__(self) -> None:
        self.metadata: dict[str, dict[str, str]] = {}

    def answer(self, method: str, context: grpc.ServicerContext) -> bytes:
        sent = {key: value for key, value in context.invocation_metadata() if key not in _GRPC}
        self.metadata.setdefault(method.rpartition("/")[2], sent)
        return milvus_pb2.ConnectResponse(
            status=common_pb2.Status(), server_info=common_pb2.ServerInfo(build_tags="v2.6.0")
        ).SerializeToString()


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"db_name": "books"},
        {"token": "root:Milvus"},
        {"user": "alice", "password": "secret", "db_name": "books"},
    ],
    ids=str,
)
def test_connect_carries_what_pymilvus_sends(trio, settings, certs, credentials):
    theirs, ours = Recorder(), Recorder()
    with impostors.grpc_server(trio.server, answer=theirs.answer) as port:
        made = settings(
            uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", **credentials
        )
        with suppress(MilvusException):
            MilvusClient(**made.client_kwargs()).close()
    with impostors.grpc_server(trio.server, answer=ours.answer) as port:
        check(
            settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", **credentials)
        )

    assert ours.metadata["Connect"] == theirs.metadata["Connect"]


def test_a_database_that_is_missing_is_found_in_a_later_call(trio, settings, certs):
    """Newer pymilvus names the database in every call but Connect, and there Milvus refuses it."""

    def answer(method: str, context: grpc.ServicerContext) -> bytes:
        database = dict(context.invocation_metadata()).get("dbname", "")
        status = common_pb2.Status(code=800, reason="database not found") if database else None
        return milvus_pb2.ConnectResponse(status=status or common_pb2.Status()).SerializeToString()

    with impostors.grpc_server(trio.server, answer=answer) as port:
        report = check(
            settings(uri=f"https://localhost:{port}", ca_pem_path=certs / "ca.pem", db_name="books")
        )
    assert report.root_cause.code == "database-missing"
