"""All diagnostic network traffic, giving one immutable `Observation`."""

from __future__ import annotations

from .ladder import probe

__all__ = ["probe"]
