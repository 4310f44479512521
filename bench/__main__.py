"""Runs every benchmark; `python -m bench NAME...` runs some."""

from __future__ import annotations

import os
import sys
from importlib import import_module

# gRPC logs every refused handshake, and refusals are what is measured.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

# In this order: what a process loads before startup counts into its children's peak memory.
NAMES = ("startup", "connect", "tunnel", "faults", "certs")

if {"-h", "--help"} & set(sys.argv[1:]):
    sys.exit(print(f"usage: python -m bench [{' | '.join(NAMES)}]...\n\n{__doc__}"))
if unknown := set(sys.argv[1:]) - set(NAMES):
    sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
for name in NAMES:
    if name in (sys.argv[1:] or NAMES):
        import_module(f"bench.{name}").main()
