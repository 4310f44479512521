"""Milvus Lite behind TLS, for development and tests."""

from __future__ import annotations

from .server import EmbeddedMilvus, serve

__all__ = ["EmbeddedMilvus", "serve"]
