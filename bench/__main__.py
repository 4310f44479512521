"""Runs every benchmark; `python -m bench NAME...` runs some."""

from __future__ import annotations

import os
import sys
from importlib import import_module

# gRPC logs every refused handshake, and refusals are what is measured.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

ALL = ("startup", "connect", "faults", "certs")

# In this order: what a process loads before startup counts into its children's peak memory.
for name in (one for one in ALL if one in (sys.argv[1:] or ALL)):
    import_module(f"bench.{name}").main()
