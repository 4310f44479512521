"""Letters as gRPC compares them."""

from __future__ import annotations


def lower_ascii(name: str) -> str:
    """ASCII letters alone, as absl folds case."""
    return "".join(c.lower() if c.isascii() else c for c in name)
