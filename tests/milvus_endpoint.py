"""A gRPC server over real TLS that answers Milvus's Connect call, for clients of any pymilvus."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import grpc
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import minting


@dataclass
class Endpoint:
    """Where it listens, how many Connect calls it has seen, and from whom."""

    port: int = 0
    connects: int = 0
    names: list[str] = field(default_factory=list)  # of the client certificates

    @property
    def uri(self) -> str:
        return f"https://localhost:{self.port}"


@contextmanager
def milvus_endpoint(
    server: minting.Minted,
    *,
    clients: minting.Minted | None = None,
    token: str | None = None,
    silent: bool = False,
    refusal: str = "",
    host: str = "127.0.0.1",
) -> Iterator[Endpoint]:
    """Serve until the block ends.

    Args:
        server: Its certificate.
        clients: The CA its clients must show a certificate of; None asks for none.
        token: What callers must authenticate with.
        silent: Never answer a call.
        refusal: What the first call, and every other from then on, is refused with.
        host: Where to listen.
    """
    endpoint, closing = Endpoint(), Event()

    def connect(request: object, context: grpc.ServicerContext) -> object:
        endpoint.connects += 1
        shown = context.auth_context().get("x509_common_name", [b""])
        endpoint.names.append(shown[0].decode())
        if silent:
            closing.wait()
        if refusal and endpoint.connects % 2:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, refusal)
        shown = dict(context.invocation_metadata()).get("authorization")
        if token is not None and shown != _basic(token):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check "
                          "username and password are correct")  # fmt: skip
        info = common_pb2.ServerInfo(build_tags="v2.6.0")
        return milvus_pb2.ConnectResponse(
            status=common_pb2.Status(), server_info=info, identifier=1
        )

    handler = grpc.unary_unary_rpc_method_handler(
        connect,
        request_deserializer=milvus_pb2.ConnectRequest.FromString,
        response_serializer=milvus_pb2.ConnectResponse.SerializeToString,
    )
    service = "milvus.proto.milvus.MilvusService"
    with ThreadPoolExecutor(4) as pool:
        listener = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        listener.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Connect": handler}),)
        )
        credentials = grpc.ssl_server_credentials(
            [(server.key_pem, server.chain_pem)],
            root_certificates=clients.pem if clients else None,
            require_client_auth=clients is not None,
        )
        endpoint.port = listener.add_secure_port(f"{host}:0", credentials)
        listener.start()
        try:
            yield endpoint
        finally:
            closing.set()
            listener.stop(None).wait()


def _basic(token: str) -> str:
    return b64encode(token.encode()).decode()
