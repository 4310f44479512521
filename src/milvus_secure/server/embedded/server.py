"""Milvus Lite behind gRPC's own TLS: a Milvus for development and tests, in this process.

Milvus Lite's own server binds insecure ports only (``milvus_lite/adapter/grpc/server.py``), so
its servicer is registered on a server with credentials here.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ..._common.tls_mode import TLSMode
from ...errors import MilvusSecureError
from .server_material import judged_pems
from .token_check import TokenCheck

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self

_WORKERS = 10
_GRACE_SECONDS = 2.0
_MAX_MESSAGE_BYTES = 256 << 20  # as Milvus standalone and Milvus Lite have it


class EmbeddedMilvus:
    """Milvus Lite served over TLS, one-way or mutual, on loopback unless told otherwise.

    Use it as a context manager, or call `start` and `close`.

    Example:
        >>> with EmbeddedMilvus(server_pem_path="server.pem", server_key_path="server.key") as db:
        ...     client = connect_secure(uri=db.uri, ca_pem_path="ca.pem")

    Args:
        server_pem_path: Certificate chain to present, leaf first.
        server_key_path: The leaf's private key, not encrypted.
        ca_pem_path: Trust anchor for client certificates. Given, a client must present one
            (mutual TLS, tlsMode 2); otherwise none is asked for (one-way TLS, tlsMode 1).
        token: ``user:password`` or an API key that clients must send; None admits everyone.
        data_dir: Where collections are kept; made if missing. None keeps them in a temporary
            directory that goes with the server.
        host: Address to bind.
        port: Port to bind; 0 picks a free one.
    """

    def __init__(
        self,
        *,
        server_pem_path: str | os.PathLike[str],
        server_key_path: str | os.PathLike[str],
        ca_pem_path: str | os.PathLike[str] | None = None,
        token: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if token == "":
            raise MilvusSecureError(
                "The token is empty, which would admit nobody. Fix: give one such as "
                "root:Milvus, or none at all to admit everyone."
            )
        self._server_pem = os.fspath(server_pem_path)
        self._server_key = os.fspath(server_key_path)
        self._ca_pem = None if ca_pem_path is None else os.fspath(ca_pem_path)
        self._token = token
        self._data_dir = None if data_dir is None else os.fspath(data_dir)
        self._host = host
        self._asked_port = port
        self._port: int | None = None
        self._open: ExitStack | None = None

    @property
    def tls_mode(self) -> TLSMode:
        """One-way, or mutual if clients must present a certificate."""
        return TLSMode.ONE_WAY if self._ca_pem is None else TLSMode.MUTUAL

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            MilvusSecureError: If it is not started.
        """
        if self._port is None:
            raise MilvusSecureError("The embedded Milvus is not started. Fix: call start().")
        return self._port

    @property
    def address(self) -> str:
        """``host:port`` as it is bound."""
        return _address(self._host, self.port)

    @property
    def uri(self) -> str:
        """What a client on this machine connects to: by name where ``localhost`` leads there.

        An IPv6 address that no such name leads to stays an address, which pymilvus cannot dial.
        """
        return f"https://{_address(_reachable(self._host), self.port)}"

    def start(self) -> Self:
        """Serve, and return once clients can connect. A server that runs is left as it is.

        Raises:
            MilvusSecureError: If Milvus Lite is not installed, a PEM file cannot be used, the
                data directory cannot be opened, or the port cannot be bound.
        """
        if self._open is not None:
            return self
        pems = judged_pems(self._server_pem, self._server_key, self._ca_pem)
        grpc, servicer, register, database = _milvus_lite()
        with ExitStack() as stack:
            data_dir = self._data_dir
            if data_dir is None:
                data_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-"))
            opened = _opened(database, data_dir)
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
                ],
            )
            stack.callback(lambda: server.stop(_GRACE_SECONDS).wait())
            register(servicer(opened), server)
            port = _bind(server, self._host, self._asked_port, *pems)
            server.start()
            self._port, self._open = port, stack.pop_all()
        return self

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


def _milvus_lite() -> tuple[Any, Any, Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its dependencies, not ours to mend
            import grpc  # noqa: PLC0415 - this and the next are for those who serve
            from milvus_lite.adapter.grpc.servicer import MilvusServicer  # noqa: PLC0415
            from milvus_lite.db import MilvusLite  # noqa: PLC0415
            from pymilvus.grpc_gen.milvus_pb2_grpc import (  # noqa: PLC0415
                add_MilvusServiceServicer_to_server as register,
            )
    except ImportError as error:
        raise MilvusSecureError(
            "The embedded server needs Milvus Lite, which cannot be imported "
            f"({error}). Fix: pip install 'milvus-secure[embedded]'"
        ) from error
    return grpc, MilvusServicer, register, MilvusLite


def _opened(database: Any, data_dir: str) -> Any:  # noqa: ANN401 - milvus_lite has no types
    from milvus_lite.exceptions import DataDirLockedError  # noqa: PLC0415 - loaded by now

    try:
        opened = database(data_dir)
    except DataDirLockedError:
        raise MilvusSecureError(
            f"The data directory {data_dir} is in use by another server. "
            "Fix: close that one, or give another data_dir."
        ) from None
    except OSError as error:
        raise MilvusSecureError(
            f"The data directory {data_dir} cannot be used: {error.strerror}. "
            "Fix: give a directory that this user may write to."
        ) from error
    # It opens a collection when first asked for it, and twice when two ask at once: what is
    # written to the one that is then forgotten is lost (``MilvusLite.get_collection``).
    for within in opened.list_databases():
        for name in opened.list_collections(database_name=within):
            with suppress(Exception):  # who asks for a damaged one is told
                opened.get_collection(name, database_name=within)
    return opened


def _bind(
    server: Any,  # noqa: ANN401 - a grpc.Server
    host: str,
    port: int,
    chain: bytes,
    key: bytes,
    anchor: bytes | None,
) -> int:
    import grpc  # noqa: PLC0415 - loaded by now

    _require_free(host, port)
    credentials = grpc.ssl_server_credentials(
        [(key, chain)], root_certificates=anchor, require_client_auth=anchor is not None
    )
    try:
        return int(server.add_secure_port(_address(host, port), credentials))
    except RuntimeError:
        raise MilvusSecureError(
            f"gRPC cannot serve at {_address(host, port)} with this certificate and key. "
            "Fix: try again; then make a new pair: milvus-secure certs init DIR"
        ) from None


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str) -> str:
    """A host to dial for one that is bound; many systems call ::1 by another name only."""
    try:
        bound = ip_address(host)
    except ValueError:
        return host or "localhost"
    if bound.is_unspecified:
        return "localhost"
    for name in ("localhost", "ip6-localhost") if bound.is_loopback else ():
        with suppress(OSError):
            known = {entry[4][0] for entry in socket.getaddrinfo(name, None)}
            if bound in map(ip_address, known):
                return name
    return host


def _require_free(host: str, port: int) -> None:
    """gRPC says only that binding failed, and that on stderr, so the system is asked first."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if not 0 <= port <= 65535:
            raise OSError(errno.EINVAL, "a port is a number from 0 to 65535")  # gRPC wraps round
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            if os.name == "posix":  # as gRPC does it; elsewhere it means sharing
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise MilvusSecureError(
            f"{_address(host, port)} cannot be bound: {error.strerror}. "
            "Fix: choose another port (0 picks a free one) or an address of this machine."
        ) from None
