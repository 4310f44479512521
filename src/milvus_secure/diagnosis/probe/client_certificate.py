"""How a server answers our client certificate, in a handshake of its own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ..._common.deadline import Deadline
from ...verification.hostname import generation, matches, presented
from .sockets import ConnectResult, DeadlineSocket, redial

if TYPE_CHECKING:
    from ..context import Context
    from .tls import HandshakeResult


def reaction_to_ours(
    context: Context, result: HandshakeResult, dialled: ConnectResult, deadline: Deadline
) -> HandshakeResult | None:
    """Present our certificate, if the server is the one we trust.

    Args:
        context: With the client pair.
        result: What the server presented before; it must show the same leaf again.
        dialled: Where it is.
        deadline: For this handshake.

    Returns:
        The second handshake, or None if none could be made.
    """
    from OpenSSL import SSL  # noqa: PLC0415 - already loaded by the first handshake

    from .tls import Handshake  # noqa: PLC0415
    from .tls_clients import presenting  # noqa: PLC0415

    chain, key = context.client_chain, context.material.get("client_key")
    if chain is None or key is None or key.key is None or not is_trusted(context, result, deadline):
        return None
    try:
        ours = presenting(chain.certificates, key.key, result.chain[0])
    except SSL.Error:  # a pair that does not belong together; the file rules report it
        return None
    sock = redial(dialled, deadline)
    if sock is None:
        return None
    with closing(DeadlineSocket(sock, deadline)) as wire:
        handshake = Handshake(wire, context.reference_name or "", ours)
        second = handshake.run()
        if second.complete:
            handshake.await_reaction(deadline.left)
    return second


def is_trusted(context: Context, result: HandshakeResult, deadline: Deadline) -> bool:
    """Whether gRPC would accept this server, so that our certificate may be presented to it."""
    if not result.chain:
        return False
    rules = generation(context.grpc)
    named = matches(presented(result.chain[0]), context.reference_name or "", rules)
    return named and context.trusts(result.chain, deadline)


def is_accepted(result: HandshakeResult | None) -> bool | None:
    """Whether a server accepted what it was shown: a certificate, or none."""
    if result is None or result.other_server:
        return None
    if not result.complete or result.reaction == "alert":
        return False
    if result.confirmed:
        return True
    return None if result.reaction is None else False
