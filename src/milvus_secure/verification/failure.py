"""Why a peer refuses a chain: what rules about certificates yield."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a peer refuses a chain.

    Attributes:
        code: The finding code.
        message: One sentence with the cause.
        expected: What the peer wants.
        presented: What it gets.
        certificate: The one at fault, where it may be an anchor.
    """

    code: str
    message: str
    expected: str
    presented: str
    certificate: x509.Certificate | None = None
