"""Certification paths, judged as the real peers judge them.

OpenSSL, through pyOpenSSL, verifies signatures (RFC 5280, 6). Which path is tried
and what its extensions must say differ by peer. Two of them are predicted here: the gRPC client
(`grpc_path`) and a Go TLS server such as Milvus (`go_path`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from cryptography import x509

from .._common.deadline import NO_DEADLINE, Deadline, TimeIsUpError
from .._common.versions import installed_grpc
from .go_path import judge_client
from .grpc_path import judge_server
from .path_inputs import PathInputs
from .recent_verdicts import recent_verdict
from .verdict import NotJudged, Verdict

__all__ = ["Role", "Verdict", "judge_path"]


class Role(str, Enum):
    """Whose certificate is judged, and so who judges it."""

    SERVER = "server"
    """A server's, by the gRPC client."""
    CLIENT = "client"
    """A client's, by a Go TLS server such as Milvus in tlsMode 2."""


def judge_path(
    certificates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    role: Role,
    spare: Sequence[x509.Certificate] = (),
    *,
    unread: bool = False,
    deadline: Deadline = NO_DEADLINE,
) -> Verdict:
    """Judge a chain as the real peer would.

    Args:
        certificates: As presented, the leaf first.
        anchors: The trust anchors, in the order of their file.
        now: The time to judge at, with zone.
        role: Whose chain it is.
        spare: Certificates known from elsewhere; they help only to explain what is missing.
        unread: True if there are more certificates in the chain or among the anchors, which
            cryptography cannot read and the peer may.
        deadline: Looked at between two candidate paths and between two groups of rules; a chain
            from an unverified server must not keep its client busy.

    Returns:
        The verdict: accepted, refused with every reason, or not judged.

    Raises:
        TimeIsUpError: If the deadline passes before there is a verdict; nothing else is raised.
    """
    leaf, rest = certificates[0], tuple(certificates[1:])
    judge = judge_client if role is Role.CLIENT else judge_server
    inputs = PathInputs(leaf, rest, anchors, now, spare, unread, deadline)
    known = (*certificates, *anchors)
    key = (role, len(rest), known, tuple(spare), unread, installed_grpc())
    try:
        return recent_verdict(key, known, now, lambda: judge(inputs))
    except TimeIsUpError:
        raise
    except Exception as error:  # noqa: BLE001 - a chain nobody thought of is not a reason to fail
        why = f"This library failed to judge the chain ({type(error).__name__})."
        return Verdict((leaf,), None, not_judged=(NotJudged("chain-untrusted", why),))
