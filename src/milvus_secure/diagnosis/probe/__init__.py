"""All diagnostic network traffic, giving one immutable `Observation`."""

from __future__ import annotations

from .run import probe, requests_client_certificate

__all__ = ["probe", "requests_client_certificate"]
