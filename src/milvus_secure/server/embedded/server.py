"""Milvus Lite behind gRPC's TLS: a Milvus for development and tests, in this process.

Milvus Lite's server binds insecure ports only (``milvus_lite/adapter/grpc/server.py``), so its
servicer is registered here on a server with credentials.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._common.tls_mode import TLSMode
from ...errors import MilvusSecureError
from .address import dialled_host, join_host_port, require_free_port
from .lite import load_milvus_lite, open_database
from .server_material import judged_pems
from .token_check import TokenCheck

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self

    from ...certs import CertificateSet
    from ...client.kwargs import ClientKwargs
    from ...client.settings import MilvusSettings

_WORKERS = 10
_GRACE_SECONDS = 2.0
_MAX_MESSAGE_BYTES = 256 << 20  # as Milvus standalone and Milvus Lite have it


class EmbeddedMilvus:
    """Milvus Lite served over TLS, one-way or mutual, on loopback by default.

    Use it as a context manager, or call `start` and `close`. Without certificate paths it makes
    a throw-away certificate set for localhost and serves mutual TLS with it.

    Example:
        >>> with EmbeddedMilvus() as server:
        ...     client = connect_secure(server.settings)

    Args:
        server_pem_path: Certificate chain to present, leaf first.
        server_key_path: The leaf's private key, not encrypted.
        ca_pem_path: Trust anchor for client certificates. With it, a client must present a
            certificate (mutual TLS, tlsMode 2); without it, the server requests none (one-way
            TLS, tlsMode 1).
        token: ``user:password`` or an API key that clients must send; None accepts all clients.
        data_dir: Where collections are kept; made if missing. None keeps them in a temporary
            directory that goes with the server.
        host: Address to bind.
        port: Port to bind; 0 picks a free one.
    """

    def __init__(
        self,
        *,
        server_pem_path: str | os.PathLike[str] | None = None,
        server_key_path: str | os.PathLike[str] | None = None,
        ca_pem_path: str | os.PathLike[str] | None = None,
        token: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if token == "":
            raise MilvusSecureError(
                "The token is empty, so no client could authenticate.",
                "Pass a token such as root:Milvus, or None to accept all clients.",
            )
        if (server_pem_path is None) != (server_key_path is None):
            raise MilvusSecureError(
                "server_pem_path and server_key_path must be set together.",
                "Pass both, or neither to use throw-away certificates.",
            )
        if server_pem_path is None and ca_pem_path is not None:
            raise MilvusSecureError(
                "ca_pem_path is set without a server certificate.",
                "Pass server_pem_path and server_key_path too.",
            )
        self._pem_paths = (server_pem_path, server_key_path, ca_pem_path)
        self._certs: CertificateSet | None = None
        self._token = token
        self._data_dir = None if data_dir is None else os.fspath(data_dir)
        self._host = host
        self._asked_port = port
        self._port: int | None = None
        self._open: ExitStack | None = None

    @property
    def tls_mode(self) -> TLSMode:
        """Mutual if clients must present a certificate, else one-way."""
        server_pem, _, ca_pem = self._pem_paths
        return TLSMode.ONE_WAY if server_pem and ca_pem is None else TLSMode.MUTUAL

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            MilvusSecureError: If it is not started.
        """
        if self._port is None:
            raise MilvusSecureError("The embedded Milvus is not started.", "Call start().")
        return self._port

    @property
    def address(self) -> str:
        """``host:port`` as it is bound."""
        return join_host_port(self._host, self.port)

    @property
    def uri(self) -> str:
        """What a client on this machine connects to: by name where ``localhost`` leads there.

        An IPv6 address that no such name leads to stays an address, which pymilvus cannot dial.
        """
        return f"https://{join_host_port(dialled_host(self._host), self.port)}"

    @property
    def settings(self) -> MilvusSettings:
        """How a client of this server connects, mutual TLS and token included.

        Raises:
            MilvusSecureError: If the server is not started, or its certificates were given as
                paths: then the client's certificate is not known here.
        """
        uri = self.uri
        if self._certs is None:
            raise MilvusSecureError(
                "This server uses your certificates, so it does not know the client's files.",
                f"Build the settings: MilvusSettings(uri={uri!r}, ca_pem_path=...)",
            )
        from ...client.settings import MilvusSettings  # noqa: PLC0415 - a server by itself needs no client

        return MilvusSettings.from_arguments(
            uri=uri,
            token=self._token,
            server_name="localhost",
            ca_pem_path=self._certs.ca_pem,
            client_pem_path=self._certs.client_pem,
            client_key_path=self._certs.client_key,
        )

    def client_kwargs(self) -> ClientKwargs:
        """The keyword arguments with which ``pymilvus.MilvusClient`` connects to this server.

        Raises:
            MilvusSecureError: As `settings`.
        """
        return self.settings.client_kwargs()

    def start(self) -> Self:
        """Serve, and return once clients can connect. A running server is left as it is.

        Raises:
            MilvusSecureError: If Milvus Lite is not installed, a PEM file cannot be used, the
                data directory cannot be opened, or the port cannot be bound.
        """
        if self._open is not None:
            return self
        grpc, servicer, register, database = load_milvus_lite()
        with ExitStack() as stack:
            pems = judged_pems(*self._pem_files(stack))
            data_dir = self._data_dir
            if data_dir is None:
                data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-"))
            opened = open_database(database, data_dir)
            stack.callback(opened.close)
            workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="embedded-milvus")
            # A running insert is let finish: the data must not be closed under it.
            stack.callback(workers.shutdown, cancel_futures=True)
            server = grpc.server(
                workers,
                interceptors=[] if self._token is None else [TokenCheck(grpc, self._token)],
                options=[
                    ("grpc.so_reuseport", 0),  # else two servers would share the port silently
                    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
                    # pymilvus pings every 10 s; gRPC's default ends such connections.
                    ("grpc.http2.max_ping_strikes", 0),
                ],
            )
            stack.callback(lambda: server.stop(_GRACE_SECONDS).wait())
            register(servicer(opened), server)
            port = _bind(server, self._host, self._asked_port, *pems)
            server.start()
            self._port, self._open = port, stack.pop_all()
        return self

    def _pem_files(self, stack: ExitStack) -> tuple[str, str, str | None]:
        """The files to serve with; throw-away ones are removed when the stack closes."""
        server_pem, server_key, ca_pem = self._pem_paths
        if server_pem is not None and server_key is not None:
            return (
                os.fspath(server_pem),
                os.fspath(server_key),
                None if ca_pem is None else os.fspath(ca_pem),
            )
        from ...certs import CertificateSet  # noqa: PLC0415 - for throw-away certificates alone

        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-secure-"))
        certs = self._certs = CertificateSet.create(Path(folder, "certs"))
        return str(certs.server_pem), str(certs.server_key), str(certs.ca_pem)

    def close(self) -> None:
        """Stop serving and release the port, the threads and the data; safe to repeat.

        Calls under way get 2 s to finish; clients that are merely connected do not hold it up.
        """
        if self._open is not None:
            stack, self._open, self._port = self._open, None, None
            stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"at {self.uri}" if self._open else "not started"
        return f"<EmbeddedMilvus, {self.tls_mode} TLS, {state}>"


def serve(server: EmbeddedMilvus, *, ready: Callable[[], object] | None = None) -> None:
    """Run a server in the main thread until SIGINT or SIGTERM, then close it.

    Args:
        server: Started here if it is not yet.
        ready: Called once clients can connect.

    Raises:
        MilvusSecureError: As `EmbeddedMilvus.start`.
    """
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        stopped.set()

    with server, ExitStack() as before:  # the old handlers are back while it closes
        for number in (signal.SIGINT, signal.SIGTERM):
            before.callback(signal.signal, number, signal.signal(number, stop))
        if ready is not None:
            ready()
        stopped.wait()


def _bind(
    server: Any,  # noqa: ANN401 - a grpc.Server
    host: str,
    port: int,
    chain: bytes,
    key: bytes,
    anchor: bytes | None,
) -> int:
    import grpc  # noqa: PLC0415 - loaded by now

    require_free_port(host, port)
    credentials = grpc.ssl_server_credentials(
        [(key, chain)], root_certificates=anchor, require_client_auth=anchor is not None
    )
    try:
        return int(server.add_secure_port(join_host_port(host, port), credentials))
    except RuntimeError:
        raise MilvusSecureError(
            f"gRPC cannot serve at {join_host_port(host, port)} with this certificate and key.",
            "Try again; then make a new pair.",
            "milvus-secure certs init DIR",
        ) from None
