"""The places that PEM material has in a connection."""

from __future__ import annotations

SLOTS = ("server_pem", "ca_pem", "client_pem", "client_key")
SYSTEM = "system"
"""The value of ``ca_pem_path`` that stands for the public roots that gRPC brings along."""
