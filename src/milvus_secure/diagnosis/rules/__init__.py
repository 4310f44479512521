"""The rules, one pure function per code, registered in explicit tuples.

``OFFLINE`` judges settings and files. ``RULES`` adds the endpoint's rules, which are loaded only
when they are asked for: an offline check has no use for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import files, names, settings, trust, uri
from .rule import Rule, run

if TYPE_CHECKING:
    RULES: tuple[Rule, ...]

SETTINGS = (*uri.RULES, *settings.RULES)
OFFLINE = (*SETTINGS, *files.RULES, *trust.RULES, *names.RULES)

__all__ = ["OFFLINE", "RULES", "SETTINGS", "Rule", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name != "RULES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import handshake  # noqa: PLC0415 - see above

    return (*OFFLINE, *handshake.RULES)
