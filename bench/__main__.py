"""Runs every benchmark; `python -m bench NAME...` runs some."""

from __future__ import annotations

import os
import sys
from importlib import import_module

# gRPC logs every refused handshake, and refusals are what is measured.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

ALL = ("startup", "connect", "faults", "certs")

for name in sys.argv[1:] or ALL:
    import_module(f"bench.{name}").main()
