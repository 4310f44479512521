"""Single probes of an endpoint, each over its own connection: a greeting, or a handshake."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ..._common.deadline import Deadline
from ..._common.tls_mode import TLSMode
from .protocol import detect_protocol, shown
from .sockets import ConnectResult, DeadlineSocket, redial
from .timeouts import TIMEOUTS

if TYPE_CHECKING:
    from ..context import Context
    from .tls import HandshakeResult


class Looks:
    """Looks at one endpoint within one deadline.

    Args:
        context: Its mode says whether to wait for a server that requests a certificate.
        dialled: The endpoint, and a first connection to it; an attribute as well.
        deadline: For all looks together.
    """

    def __init__(self, context: Context, dialled: ConnectResult, deadline: Deadline) -> None:
        self._mode = context.mode
        self.dialled = dialled
        self._deadline = deadline

    def greet(self, patience: float) -> tuple[str, str]:
        """Which protocol it speaks, and its first bytes as text."""
        sock = self.dialled.take() or redial(self.dialled, self._deadline)
        if sock is None:
            return "closed", ""
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            protocol, data = detect_protocol(wire, patience)
        return protocol, shown(data) if data else ""

    def shake(
        self,
        name: str,
        patience: float,
        *,
        ciphers: bytes | None = None,
        linger: bool = False,
        speak: bool = False,
    ) -> HandshakeResult:
        """One handshake without a certificate of ours.

        Args:
            name: The server name to ask for.
            patience: Seconds to wait for the first byte.
            ciphers: What to offer up to TLS 1.2; everything when None.
            linger: Wait for what the server does after the handshake.
            speak: Begin HTTP/2 after it.
        """
        from .tls import Handshake, HandshakeResult  # noqa: PLC0415 - not for plaintext
        from .tls_clients import anonymous  # noqa: PLC0415

        sock = self.dialled.take() or redial(self.dialled, self._deadline)
        if sock is None:
            return HandshakeResult(protocol="closed")
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            tls = anonymous() if ciphers is None else anonymous(ciphers)
            handshake = Handshake(wire, name, tls, patience)
            result = handshake.run()
            asked = result.requested and self._mode is TLSMode.ONE_WAY
            if result.complete and (linger or asked):
                handshake.await_reaction(TIMEOUTS.reaction)
            if result.complete and speak:
                handshake.begin_http2(TIMEOUTS.reaction)
        return result
