"""The HTTP proxy gRPC would go through, as the environment says."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping

from ..._common.endpoint import mask_uri

# In gRPC's order (``src/core/handshaker/http_connect/http_proxy_mapper.cc``).
_PROXY = ("grpc_proxy", "https_proxy", "http_proxy")
_EXEMPT = ("no_grpc_proxy", "no_proxy")


def proxy_for(host: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The proxy gRPC uses for a host, with the variable that names it; credentials masked."""
    variable = next((name for name in _PROXY if environ.get(name)), None)
    if variable is None:
        return None
    exempt = next((environ[name] for name in _EXEMPT if environ.get(name)), "")
    if any(_matches(host, entry.strip()) for entry in exempt.split(",")):
        return None
    value = environ[variable]
    return f"{mask_uri(value) if '@' in value else value} ({variable})"


def _matches(host: str, entry: str) -> bool:
    """A suffix of the name, whatever stands before it, or a network around the address."""
    if not entry:
        return False
    if host.lower().endswith(entry.lower()):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
