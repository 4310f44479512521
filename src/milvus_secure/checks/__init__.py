"""The rules, one pure function per code, registered in explicit tuples."""

from __future__ import annotations

from . import files, handshake, names, settings, trust
from .rule import Rule, run

SETTINGS = settings.RULES
OFFLINE = (*settings.RULES, *files.RULES, *trust.RULES, *names.RULES)
RULES = (*OFFLINE, *handshake.RULES)

__all__ = ["OFFLINE", "RULES", "SETTINGS", "Rule", "run"]
