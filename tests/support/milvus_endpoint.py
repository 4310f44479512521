"""A gRPC server over real TLS that answers Milvus's Connect call, for clients of any pymilvus."""

from __future__ import annotations

from base64 import b64decode, b64encode
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
    """Its address, the number of Connect calls, and the clients that made them."""

    scheme: str = "https"
    port: int = 0
    connects: int = 0
    names: list[str] = field(default_factory=list)  # of the client certificates

    @property
    def uri(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"


@contextmanager
def milvus_endpoint(
    server: minting.Minted | None,
    *,
    clients: minting.Minted | None = None,
    token: str | None = None,
    silent: bool = False,
    refusal: str = "",
    host: str = "127.0.0.1",
) -> Iterator[Endpoint]:
    """Serve until the block ends.

    Args:
        server: Its certificate; None serves plaintext.
        clients: The CA its clients must show a certificate of; None asks for none.
        token: What callers must authenticate with.
        silent: Never answer a call.
        refusal: What the first call, and every other from then on, is refused with.
        host: Where to listen.
    """
    endpoint, closing = Endpoint("https" if server else "http"), Event()

    def connect(request: object, context: grpc.ServicerContext) -> object:
        endpoint.connects += 1
        endpoint.names.append(_certified(context))
        if silent:
            closing.wait(600)
        if refusal and endpoint.connects % 2:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, refusal)
        shown = dict(context.invocation_metadata()).get("authorization")
        if token is not None and shown != _basic(token):
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "auth check failure, please check username and password are correct",
            )
        info = common_pb2.ServerInfo(build_tags="v2.6.0")
        return milvus_pb2.ConnectResponse(
            status=common_pb2.Status(), server_info=info, identifier=1
        )

    def get_version(request: object, context: grpc.ServicerContext) -> object:
        """Return the identity of the caller: ``common name|user:password``."""
        shown = dict(context.invocation_metadata()).get("authorization", "")
        return milvus_pb2.GetVersionResponse(
            status=common_pb2.Status(),
            version=f"{_certified(context)}|{b64decode(shown).decode()}",
        )

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=getattr(milvus_pb2, f"{name}Request").FromString,
            response_serializer=getattr(milvus_pb2, f"{name}Response").SerializeToString,
        )
        for name, answer in (("Connect", connect), ("GetVersion", get_version))
    }
    service = "milvus.proto.milvus.MilvusService"
    with ThreadPoolExecutor(4, thread_name_prefix="endpoint") as pool:
        listener = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        listener.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, handlers),)
        )
        if server is None:
            endpoint.port = listener.add_insecure_port(f"{host}:0")
        else:
            endpoint.port = listener.add_secure_port(
                f"{host}:0",
                grpc.ssl_server_credentials(
                    [(server.key_pem, server.chain_pem)],
                    root_certificates=clients.pem if clients else None,
                    require_client_auth=clients is not None,
                ),
            )
        listener.start()
        try:
            yield endpoint
        finally:
            closing.set()
            listener.stop(None).wait(60)


def _basic(token: str) -> str:
    return b64encode(token.encode()).decode()


def _certified(context: grpc.ServicerContext) -> str:
    """The common name of the caller's certificate; empty if it showed none."""
    return context.auth_context().get("x509_common_name", [b""])[0].decode()
