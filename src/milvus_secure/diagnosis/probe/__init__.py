"""All diagnostic network traffic, giving one immutable `Observation`."""

from __future__ import annotations

from .run import probe

__all__ = ["probe"]
