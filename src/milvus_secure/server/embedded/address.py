"""Addresses: what is bound, and what a client on this machine dials."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from ipaddress import ip_address

from ...errors import MilvusSecureError


def join_host_port(host: str, port: int) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def dialled_host(host: str) -> str:
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


def require_free_port(host: str, port: int) -> None:
    """Ask the system, since gRPC says only on stderr that binding failed.

    Raises:
        MilvusSecureError: If the address cannot be bound.
    """
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
            f"{join_host_port(host, port)} cannot be bound: {error.strerror}.",
            "Choose another port (0 picks a free one) or an address of this machine.",
        ) from None
