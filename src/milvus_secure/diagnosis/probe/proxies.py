"""The HTTP proxy that gRPC goes through, as the environment says, and the tunnel through it."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urlsplit

from ..._common.endpoint import mask_uri
from .sockets import DeadlineSocket

# In gRPC's order (``src/core/handshaker/http_connect/http_proxy_mapper.cc``). A variable that is
# set and empty counts: it means "no proxy", and "no exemption".
_PROXY = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")
_DEFAULT_PORT = 443
_LONGEST_ANSWER = 16_384
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A proxy that gRPC asks for a tunnel with CONNECT.

    Attributes:
        name: Its URI and the variable that names it, credentials masked.
        host: Where it listens.
        port: TCP port.
        authorization: Value of the Proxy-Authorization header; empty without credentials.
    """

    name: str
    host: str
    port: int
    authorization: str = field(default="", repr=False)


class TunnelRefusedError(OSError):
    """A proxy gave no tunnel.

    Attributes:
        status: The HTTP status it answered with, or None if it answered with no HTTP.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(words)


def proxy_for(host: str, environ: Mapping[str, str] = os.environ) -> HttpProxy | None:
    """The proxy that gRPC uses for a host, or None if it connects directly."""
    variable = next((name for name in _PROXY if name in environ), None)
    if variable is None or not environ[variable]:
        return None
    exempt = next((environ[name] for name in _EXEMPT if name in environ), "")
    if any(_matches(host, entry.strip()) for entry in exempt.split(",")):
        return None
    value = environ[variable]
    try:
        parts = urlsplit(value)
        address, port = parts.hostname, _port(parts.netloc)
    except ValueError:
        return None
    if parts.scheme.lower() != "http" or not address:  # gRPC logs an error and uses none
        return None
    userinfo = unquote_to_bytes(parts.netloc.rpartition("@")[0])
    authorization = f"Basic {base64.b64encode(userinfo).decode()}" if userinfo else ""
    name = f"{mask_uri(value) if '@' in value else value} ({variable})"
    return HttpProxy(name, address, port, authorization)


def _port(netloc: str) -> int:
    """The port; gRPC takes what is above 65535 modulo 65536.

    Raises:
        ValueError: If it is no number.
    """
    text = netloc.rpartition("]")[2].rpartition("@")[2].partition(":")[2]
    return int(text) % 65_536 if text else _DEFAULT_PORT


def _matches(host: str, entry: str) -> bool:
    """A suffix of the host name, or a network around the address."""
    if not entry:
        return False
    if host.lower().endswith(entry.lower()):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def open_tunnel(wire: DeadlineSocket, proxy: HttpProxy, target: str) -> None:
    """Ask a proxy for a tunnel, as gRPC does.

    Args:
        wire: Connected to the proxy.
        proxy: Whose credentials are sent.
        target: ``host:port`` of the endpoint.

    Raises:
        TunnelRefusedError: If the proxy answers anything but 2xx.
        OSError: If it does not answer.
    """
    lines = [f"CONNECT {target} HTTP/1.0", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    wire.write("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
    answer = b""
    while not answer.endswith((b"\r\n\r\n", b"\n\n")) and _may_be_http(answer):
        byte = wire.read(size=1)  # nothing beyond the header belongs to the proxy
        answer += byte
        if not byte or len(answer) > _LONGEST_ANSWER:
            break
    status = _status(answer)
    line = answer.split(b"\n")[0].rstrip(b"\r")[:80].decode("ascii", "backslashreplace")
    if status is None:
        words = f"it did not answer with HTTP/1.1, but with {line!r}"
        raise TunnelRefusedError(words if answer else "it closed the connection")
    if status // 100 != 2:
        raise TunnelRefusedError(line, status)


def _may_be_http(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/") or b"HTTP/".startswith(answer)


def _status(answer: bytes) -> int | None:
    """The status; None for a line that gRPC refuses (``src/core/util/http_client/parser.cc``)."""
    line = _STATUS_LINE.match(answer)
    return int(line[1]) if line else None
