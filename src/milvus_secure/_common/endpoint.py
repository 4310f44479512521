"""A Milvus URI taken apart as pymilvus takes it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

DEFAULT_URI = "https://localhost:19530"
SCHEMES = ("http", "https", "tcp")

_MILVUS_PORT = 19530
_HTTPS_PORT = 443
LITE_SUFFIX = ".db"
"""What pymilvus takes for a file of Milvus Lite (``pymilvus/orm/connections.py``)."""
_PORTS = "its port is not a number from 1 to 65535"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


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
        ValueError: With the reason, never with the URI itself, which may contain a password.
    """
    return _parsed(uri)[0]


@dataclass(frozen=True, slots=True)
class ParsedUri:
    """A URI taken apart.

    Attributes:
        bare: The URI without what `user`, `password` and `db_name` say and what pymilvus ignores;
            one that cannot be used is as it was written.
        endpoint: The address pymilvus would dial; None if the URI cannot be used.
        fault: Why it cannot be used; empty if it can.
        user: The user in it; empty if there is none. Nothing is percent-decoded, because pymilvus
            does not either.
        password: The password in it, or empty.
        db_name: The database in its path, or empty.
    """

    bare: str
    endpoint: Endpoint | None
    fault: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    db_name: str = ""


def parse_uri(uri: str) -> ParsedUri:
    """Take a URI apart; one that cannot be used is described by its `ParsedUri.fault`.

    Args:
        uri: The URI as the user wrote it.
    """
    try:
        endpoint, parts = _parsed(uri)
    except ValueError as error:
        return ParsedUri(uri, None, str(error))
    userinfo, _, hostport = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    database = parts.path.strip("/").split("/")[0]
    return ParsedUri(f"{parts.scheme}://{hostport}", endpoint, "", user, password, database)


def server_name_indication(name: str) -> str:
    """What gRPC sends as SNI for a name: nothing for an IP address (RFC 6066, section 3)."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.rstrip(".").encode("ascii", "ignore").decode("ascii")
    return ""


def uri_of(endpoint: str) -> str:
    """The URI of an endpoint as people name it: ``host`` and ``host:port`` mean TLS.

    Args:
        endpoint: A URI, ``host``, ``host:port`` or an IP address. Without a port it is Milvus's
            own, 19530.

    Returns:
        A URI. What is neither (a file of Milvus Lite, say) is returned as it is, to be diagnosed.
    """
    text = endpoint.strip()
    try:
        if ip_address(text).version == 6:
            text = f"[{text}]"
    except ValueError:
        pass
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s:/?#@\[\]]+)(?::(\d+))?", text)
    if match is None or text.endswith(LITE_SUFFIX):
        return endpoint
    return f"https://{match[1]}:{match[2] or _MILVUS_PORT}"


def mask_uri(uri: str) -> str:
    """Hide everything that may be a password, even in a URI that cannot be parsed.

    That is the text before the last ``@``, and text in place of a port that is no number.
    """
    scheme = r"(?s)^((?:[A-Za-z][A-Za-z0-9+.-]*://)?"
    masked = re.sub(rf"{scheme}).*@", r"\1***@", uri)
    return re.sub(rf"{scheme}[^/?#@\[\]:]*:)(?!\d*(?:[/?#]|$)).*", r"\1***", masked)


def invisible_character(text: str) -> str:
    """The first character of a name that no editor shows, as ``U+200B``; empty if there is none."""
    match = _INVISIBLE.search(text)
    return f"U+{ord(match[0]):04X}" if match else ""


def _parsed(uri: str) -> tuple[Endpoint, SplitResult]:
    if re.search(r"[\s\x00-\x1f\x7f]", uri):
        raise ValueError("it contains a blank or a control character")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise ValueError("it is not a URI") from None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES or not uri[len(scheme) :].startswith("://"):
        raise ValueError("it must start with https://, http:// or tcp://")
    if "@" in uri[uri.rindex(parts.netloc) + len(parts.netloc) :]:
        # urlsplit ends the host at the first of these, so a part of the password would be dialled.
        raise ValueError("its password contains a /, ? or #; set user and password separately")
    if invisible := invisible_character(parts.netloc.rpartition("@")[2]):
        raise ValueError(f"it contains the invisible character {invisible}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_PORTS) from None
    if not host:
        raise ValueError("it has no host")
    if port == 0:
        raise ValueError(_PORTS)
    default = _HTTPS_PORT if scheme == "https" else _MILVUS_PORT
    return Endpoint(scheme, host, port or default, port is not None), parts
