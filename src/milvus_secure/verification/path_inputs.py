"""What a path is judged from, and what is certain where its trust cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from .._common.deadline import Deadline
from ..pem.certificate import has_readable_names


@dataclass(frozen=True, slots=True)
class PathInputs:
    """The inputs of path validation (RFC 5280, 6.1.1), for either peer.

    Attributes:
        leaf: The certificate to trust or not.
        rest: What else was presented.
        anchors: The trust anchors, in the order of their file.
        now: The time to judge at, with zone.
        spare: Certificates known from elsewhere; they help only to explain what is missing.
        unread: True if there are more certificates, which cryptography cannot read.
        deadline: After which nothing more is judged.
    """

    leaf: x509.Certificate
    rest: tuple[x509.Certificate, ...]
    anchors: Sequence[x509.Certificate]
    now: datetime
    spare: Sequence[x509.Certificate]
    unread: bool
    deadline: Deadline


def why_trust_is_open(path: Sequence[x509.Certificate], trusted: int | None, unread: bool) -> str:
    """Why it cannot be decided whether the chain leads to an anchor; empty if it can."""
    if unread and trusted is None:
        return "This library cannot read a certificate of the chain; the peer may be able to."
    if not all(map(has_readable_names, path)):
        return "This library cannot read a name in a certificate; the peer may be able to."
    return ""
