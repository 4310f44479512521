"""The rules, one pure function per code, registered in explicit tuples.

``OFFLINE`` judges settings and files. ``RULES`` adds the endpoint's rules, which are loaded only
when they are asked for: an offline check has no use for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ...reporting.catalogue import CATALOGUE
from . import files, names, settings, trust, uri
from .rule import Outcome, Rule, run

if TYPE_CHECKING:
    RULES: tuple[Rule, ...]

# What the rules of an area judge, and those of single codes where it is something else.
_AREAS: Final[dict[str, tuple[str, ...]]] = {
    "settings": (),
    "files": ("material",),
    "trust": ("server_chain", "client_chain"),
    "names": ("server_chain",),
}
_DATED = ("server_chain", "client_chain", "trust_file")
_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "certificate-expired": _DATED,
    "certificate-not-yet-valid": _DATED,
    "certificate-expiring": _DATED,
    "weak-key": _DATED,
    "weak-signature": _DATED,
    "usage-not-server": ("server_chain",),
    "usage-not-client": ("client_chain",),
    "client-chain-untrusted": ("client_chain",),
    "key-in-trust-file": ("server_pem", "ca_pem"),
    "key-mismatch": ("client_key",),
    "key-encrypted": ("client_key",),
    "key-password-wrong": ("client_key",),
    "key-permissions": ("client_key",),
}


def _with_subjects(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules that know what they judge, so that a report lists nothing else as judged."""
    return tuple(
        replace(rule, subjects=_SUBJECTS.get(rule.code, _AREAS[CATALOGUE[rule.code].area]))
        for rule in rules
    )


SETTINGS = _with_subjects((*uri.RULES, *settings.RULES))
OFFLINE = (*SETTINGS, *_with_subjects((*files.RULES, *trust.RULES, *names.RULES)))

__all__ = ["OFFLINE", "RULES", "SETTINGS", "Outcome", "Rule", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name != "RULES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import handshake  # noqa: PLC0415 - see above

    return (*OFFLINE, *handshake.RULES)
