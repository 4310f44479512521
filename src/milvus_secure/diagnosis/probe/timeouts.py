"""What each step of a probe gets of the time that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProbeTimeouts:
    """How long single steps may take, in seconds; the probe's own deadline cuts each short.

    Attributes:
        first_byte: For a peer's first byte, before it is asked in another protocol.
        reaction: For a peer to react to a complete handshake.
        other_addresses: For further addresses, once one has accepted a connection.
        hopeless_call: For gRPC, once it is clear that it cannot succeed.
        channel_state: For an open gRPC channel to say that it is open.
        deadline_report: For gRPC to report that its own deadline has passed.
        channel_close: For a gRPC channel to close, before it is left to a thread of its own.
    """

    first_byte: float = 3.0
    reaction: float = 1.0
    other_addresses: float = 0.25
    hopeless_call: float = 0.2
    channel_state: float = 0.2
    deadline_report: float = 0.1
    channel_close: float = 0.1


TIMEOUTS: Final = ProbeTimeouts()
