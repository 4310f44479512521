"""The verdict on a chain: accepted, refused because, not judged because."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from ..reporting.catalogue import rank

Path = tuple[x509.Certificate, ...]
"""Certificates from the leaf up, each issued by the next."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a peer refuses a chain.

    Attributes:
        code: The finding code.
        message: One sentence with the cause.
        expected: What the peer wants.
        presented: What it gets.
        certificate: The certificate at fault, where it may be an anchor.
        remedy: Which remedy fits, where it is not the usual one of the code.
        only_tls13: True if the peer refuses this under TLS 1.3, and accepts it under TLS 1.2.
    """

    code: str
    message: str
    expected: str
    presented: str
    certificate: x509.Certificate | None = None
    remedy: str = ""
    only_tls13: bool = False


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A part of a verdict that this library leaves to the peer.

    Attributes:
        code: The finding that the peer may cause.
        because: One sentence with the reason.
    """

    code: str
    because: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The real peer's verdict on a chain.

    Attributes:
        path: From the leaf up, as far as it could be followed.
        trusted: Place in the path of the first certificate that is an anchor, or None.
        failures: Every reason to refuse the chain, the one to repair first in front.
        not_judged: What was left to the peer. Without a failure, the chain is then neither
            accepted nor refused.
    """

    path: Path
    trusted: int | None
    failures: tuple[Failure, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()

    @classmethod
    def of(cls, path: Path, trusted: int | None, parts: Iterable[Failure | NotJudged]) -> Verdict:
        """The verdict on a path from what its judges say, each thing once."""
        unique = dict.fromkeys(parts)
        failures = [part for part in unique if isinstance(part, Failure)]
        return cls(
            path,
            trusted,
            tuple(sorted(failures, key=lambda failure: rank(failure.code))),
            tuple(part for part in unique if isinstance(part, NotJudged)),
        )

    @property
    def failure(self) -> Failure | None:
        """The reason to repair first, or None if nothing certain speaks against the chain."""
        return next(iter(self.failures), None)

    @property
    def accepted(self) -> bool:
        """True if the peer certainly accepts the chain."""
        return not self.failures and not self.not_judged

    @property
    def pinned(self) -> bool:
        """True if the leaf is trusted for itself, not for who issued it."""
        return self.trusted == 0
