"""Runs every benchmark; `python -m bench NAME...` runs some."""

from __future__ import annotations

import sys
from importlib import import_module

ALL = ("startup", "connect", "faults", "certs")

for name in sys.argv[1:] or ALL:
    import_module(f"bench.{name}").main()
