"""A Milvus URI taken apart as pymilvus takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

DEFAULT_URI = "https://localhost:19530"
SCHEMES = ("http", "https", "tcp")

_MILVUS_PORT = 19530
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where pymilvus would dial.

    Attributes:
        scheme: ``http``, ``https`` or ``tcp``.
        host: Host name or IP address, an IPv6 address without brackets.
        port: TCP port, 1 to 65535.
        port_given: False when the port is the scheme's default.
    """

    scheme: str
    host: str
    port: int
    port_given: bool

    @property
    def is_ipv6(self) -> bool:
        """True for an IPv6 literal."""
        return ":" in self.host

    @property
    def address(self) -> str:
        """``host:port``, with brackets around an IPv6 literal."""
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


def parse_endpoint(uri: str) -> Endpoint:
    """Find the address pymilvus would dial for a URI.

    A bare ``https://host`` means port 443, any other scheme 19530
    (pymilvus ``client/connection_manager.py``, ``ConnectionConfig.from_uri``).

    Args:
        uri: The URI, with or without credentials and a database path.

    Raises:
        ValueError: With the reason, never with the URI itself, which may bear a password.
    """
    parts = _split(uri)
    if parts.scheme.lower() not in SCHEMES:
        known = "https://, http:// or tcp://"
        raise ValueError(f"it must start with {known}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("its port is not a number from 1 to 65535") from None
    if not host:
        raise ValueError("it names no host")
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    if re.search(r"[\s\x00-\x1f\x7f]", uri):
        raise ValueError("it contains a blank or a control character")
    scheme = parts.scheme.lower()
    default = _HTTPS_PORT if scheme == "https" else _MILVUS_PORT
    return Endpoint(scheme, host, port or default, port is not None)


@dataclass(frozen=True, slots=True)
class UriExtras:
    """What a URI carries beside the address; each is empty when absent."""

    user: str = ""
    password: str = ""
    db_name: str = ""


def split_uri(uri: str) -> tuple[str, UriExtras]:
    """Take credentials and database out of a URI.

    Args:
        uri: The URI as the user wrote it.

    Returns:
        The URI without them, and what was taken out. A URI that cannot be parsed is returned
        as it was.
    """
    try:
        parts = _split(uri)
    except ValueError:
        return uri, UriExtras()
    userinfo, at, hostport = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    db_name = parts.path.strip("/").split("/")[0]
    if not at and not db_name:
        return uri, UriExtras()
    bare = f"{parts.scheme}://{hostport}"
    return bare, UriExtras(user, password, db_name)


def mask_uri(uri: str) -> str:
    """Hide whatever stands before the last ``@``, even in a URI that cannot be parsed."""
    return re.sub(r"(?s)//.*@" if "//" in uri else r"(?s)^.*@", "//***@", uri)


def _split(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:
        raise ValueError("it is not a URI") from None
