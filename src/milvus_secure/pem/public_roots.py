"""gRPC's own public roots: what ``ca_pem_path=system`` means."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def public_roots_path() -> Path:
    """The file gRPC takes its default roots from.

    ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` if it is set and readable, else the bundle inside grpcio
    (grpc ``src/core/lib/security/security_connector/load_system_roots`` and
    ``src/python/grpcio/grpc/_cython/_credentials``). Never ``SSL_CERT_FILE``.

    Raises:
        FileNotFoundError: If grpcio is not installed.
    """
    chosen = os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    if chosen and os.access(chosen, os.R_OK):
        return Path(chosen)
    spec = find_spec("grpc")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        bundle = Path(folder, "_cython", "_credentials", "roots.pem")
        if bundle.is_file():
            return bundle
    raise FileNotFoundError("grpcio and its root certificates are not installed")


def public_roots() -> bytes:
    """The PEM text of gRPC's public roots."""
    return public_roots_path().read_bytes()
