"""A local plaintext endpoint that forwards to a Milvus over verified TLS.

For programs that know a URI and a token only. Each local connection gets a TLS connection of its
own; no byte is forwarded before the server's certificate and name are verified, and none is added:
the program sends its token itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import stat
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from .._common.text import printable
from .._common.versions import installed_grpc
from ..diagnosis.check import check
from ..errors import MilvusSecureError, SecureConnectionError
from ..verification.hostname import generation, matches, presented
from .rest import ssl_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..settings.model import SettingsModel

LOG = logging.getLogger("milvus_secure")
_CHUNK = 256 << 10


class Listen(NamedTuple):
    """Where the tunnel listens: a Unix socket's path, or a host and a port."""

    host: str
    port: int
    path: str = ""

    @property
    def is_local(self) -> bool:
        """True if only this machine can connect."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def uri(self) -> str:
        """What a program on this machine connects to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix:{self.path}" if self.path else f"http://{host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """Read ``HOST:PORT``, ``PORT`` or ``unix:PATH``; an IPv6 address stands in brackets.

    Raises:
        ValueError: If it is none of them.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path:
            raise ValueError("add the path of the socket: unix:/run/milvus.sock")
        return Listen("", 0, os.path.abspath(path))  # noqa: PTH100 - asyncio wants a str
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not port.isdecimal() or int(port) > 65535 or not host:
        raise ValueError("use HOST:PORT, such as 127.0.0.1:19531, or unix:PATH")
    return Listen(host, int(port))


class Tunnel:
    """Forwards local connections to the server that settings name.

    Args:
        settings: Say where the server is, whom to trust and what to present.
        listen: Where to listen; port 0 picks a free one.

    Raises:
        SecureConnectionError: If the offline checks find an error.
        MilvusSecureError: If the settings ask for plaintext.
    """

    def __init__(self, settings: SettingsModel, listen: Listen) -> None:
        report = check(settings, online=False)
        if not report.ok:
            raise SecureConnectionError(report)
        self._settings = settings
        self._listen = listen
        self._endpoint = settings.valid_endpoint
        self._name = settings.server_name or self._endpoint.host
        self._rules = generation(installed_grpc())
        self._files = self._fingerprint()
        self._context = self._new_context()
        self._connections: set[asyncio.Task[None]] = set()
        self._failure = ""

    async def serve(self, stopped: asyncio.Event, ready: Callable[[Listen], object]) -> None:
        """Forward until `stopped` is set, then close every connection.

        Args:
            stopped: Ends it.
            ready: Called with the address once programs can connect.

        Raises:
            MilvusSecureError: If the address cannot be bound.
        """
        server = await self._bind()
        try:
            async with server:
                ready(self._bound(server))
                await stopped.wait()
                for task in self._connections:
                    task.cancel()
                await asyncio.gather(*self._connections, return_exceptions=True)
        finally:
            if self._listen.path:
                with suppress(OSError):
                    os.unlink(self._listen.path)  # noqa: PTH108 - a str, as bound

    async def _bind(self) -> asyncio.Server:
        listen = self._listen
        try:
            if not listen.path:
                return await asyncio.start_server(
                    self._accept, listen.host, listen.port, limit=_CHUNK
                )
            if not hasattr(asyncio, "start_unix_server"):
                raise OSError("this system's Python has no Unix sockets")
            _remove_dead_socket(listen.path)
            mask = os.umask(0o177)  # the socket is for this user alone
            try:
                return await asyncio.start_unix_server(self._accept, listen.path, limit=_CHUNK)
            finally:
                os.umask(mask)
        except OSError as error:
            # asyncio puts the address and a Python tuple around the system's words.
            number = error.errno or 0  # of the resolver's errors it is negative
            why = os.strerror(number).lower() if number > 0 else error.strerror or str(error)
            raise MilvusSecureError(
                f"The tunnel cannot listen on {listen.uri}: {why}.",
                "Choose another address with --listen, such as 127.0.0.1:0 for a free port.",
            ) from None

    def _bound(self, server: asyncio.Server) -> Listen:
        if self._listen.path:
            return self._listen
        return self._listen._replace(port=server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        ends = [writer]
        try:
            from_server, to_server = await self._connect()
            ends.append(to_server)
            self._failure = ""
            await _relay((reader, to_server), (from_server, writer))
        except asyncio.CancelledError:  # the tunnel is closing
            pass
        except (OSError, ValueError, MilvusSecureError, asyncio.TimeoutError) as error:
            await self._log_failure(error)
        else:
            for end in ends:
                end.close()  # what is still in its buffer is sent first
            return
        for end in ends:
            end.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server and verify it; nothing of the program is sent before that."""
        opened = asyncio.open_connection(
            self._endpoint.host,
            self._endpoint.port,
            ssl=self._renewed_context(),
            server_hostname=self._name,
            limit=_CHUNK,
        )
        reader, writer = await asyncio.wait_for(opened, self._settings.timeout)
        tls = writer.get_extra_info("ssl_object")
        try:
            self._verify(tls)
        except MilvusSecureError:
            writer.transport.abort()
            raise
        return reader, writer

    def _verify(self, tls: ssl.SSLObject) -> None:
        from cryptography import x509  # noqa: PLC0415 - the settings load without it

        leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        if not matches(presented(leaf), self._name, self._rules):
            raise MilvusSecureError(f"The server's certificate is not for {self._name}.")
        if tls.selected_alpn_protocol() != "h2":
            raise MilvusSecureError("The server did not agree on HTTP/2 (ALPN h2).")

    def _renewed_context(self) -> ssl.SSLContext:
        """The TLS context; made anew when a file changed, and only if the new files are sound."""
        files = self._fingerprint()
        if files != self._files:
            report = check(self._settings, online=False)
            if report.ok:
                self._context, self._files = self._new_context(), files
                LOG.info("The tunnel uses the renewed TLS files.")
            else:
                LOG.warning("The changed TLS files are not used: %s", SecureConnectionError(report))
        return self._context

    def _new_context(self) -> ssl.SSLContext:
        try:
            context = ssl_context(self._settings)
        except ValueError as error:
            raise MilvusSecureError(
                f"There is nothing to tunnel: {error}.", "Set an https uri, or connect directly."
            ) from None
        # gRPC's rules: any certificate of the trust file is an anchor, and names are matched here.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        return context

    def _fingerprint(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_file_state(source.path) for source in self._settings.pem_sources.values())

    async def _log_failure(self, error: Exception) -> None:
        """Log why the server could not be reached: the diagnosis, once for each kind of failure."""
        failure = printable(str(error) or type(error).__name__)
        if failure == self._failure:
            return
        self._failure = failure
        report = await asyncio.to_thread(check, self._settings)
        LOG.error("%s", SecureConnectionError(report) if report.errors else failure)


async def _relay(*directions: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Copy both ways until one side ends; HTTP/2 has no use for half a connection."""
    copies = [asyncio.ensure_future(_copy(*direction)) for direction in directions]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def _file_state(path: object) -> tuple[int, int, int] | None:
    try:
        status = os.stat(str(path))  # noqa: PTH116 - `system` is no file
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove_dead_socket(path: str) -> None:
    """Remove a socket that a killed tunnel left; one that answers stays, and binding fails."""
    import socket  # noqa: PLC0415 - for Unix sockets alone

    with suppress(OSError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)  # noqa: PTH108
