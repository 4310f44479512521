"""Reference and presented identifiers, matched as the installed gRPC matches them."""

from __future__ import annotations

from importlib.metadata import version


def installed_grpc() -> tuple[int, int]:
    """Release of the installed grpcio, as ``(major, minor)``."""
    major, minor = version("grpcio").split(".")[:2]
    return int(major), int(minor)
