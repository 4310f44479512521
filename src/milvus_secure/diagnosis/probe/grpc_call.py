"""A gRPC channel as pymilvus would make it: the final verdict on TLS, then Milvus itself.

Credentials travel as metadata of a call, so gRPC sends them only over a channel whose peer it has
verified. grpc is imported lazily.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..._common.tls_mode import TLSMode
from ...pem.public_roots import public_roots
from ...settings.masking import masked
from .deadline import Deadline
from .milvus_proto import SERVICE, Answer, connect_request, parse_connect, parse_version

if TYPE_CHECKING:
    from ...settings.model import SettingsModel
    from ..context import Context

_OPTIONS = (
    # Subchannels are shared in a process by address and credentials: this look wants its own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 1 << 20),
    ("grpc.enable_retries", 0),
)
_CLOSED = 1.0  # what a channel gets, in seconds, to close before it is left to itself
_SETTLED = 0.2  # what an open channel gets, in seconds, to say so
_SLACK = 0.1  # what gRPC gets, in seconds, to report its own deadline


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call to Milvus went.

    Attributes:
        code: gRPC status name; ``UNAVAILABLE`` may also mean that no connection came about.
        details: gRPC's words, or the server's.
        answer: Milvus's answer, when there was one.
    """

    code: str
    details: str = ""
    answer: Answer | None = None

    @property
    def connected(self) -> bool:
        """False if gRPC says in so many words that it got no connection.

        A hint, for want of a structured fact, that only chooses between two generic codes.
        """
        return not self.details.startswith("failed to connect to all addresses")


def reason_not_to_call(context: Context) -> str | None:
    """Why no channel can be made with the user's material, in a few words, or None.

    Nothing empty is ever handed to gRPC: it aborts the process on an empty client certificate.
    """
    if context.mode is TLSMode.PLAINTEXT:
        return None if context.settings.allow_plaintext else "plaintext is not allowed"
    needed = ("ca_pem", "client_pem", "client_key") if context.mode is TLSMode.MUTUAL else ()
    missing = next((slot for slot in needed if slot not in context.material), None)
    if missing:
        return f"{missing}_path is not set"
    anchor = context.anchor_material
    used = (anchor, *(context.material[slot] for slot in needed))
    return next((one.fault.code for one in used if one is not None and one.fault), None)


class MilvusCall:
    """A Connect call under way over a channel of its own.

    Args:
        context: Whose material is used; `reason_not_to_call` must have found none.
        target: ``host:port``.
        deadline: For the connection and the calls together.
    """

    def __init__(self, context: Context, target: str, deadline: Deadline) -> None:
        import grpc  # noqa: PLC0415 - heavy

        self._grpc = grpc
        self._deadline = deadline
        self._settings = context.settings
        self._metadata = credentials(context.settings)
        self._channel = _channel(grpc, context, target, deadline.left)
        self._future = self._start("Connect", connect_request())

    def close(self) -> None:
        """Give the call up, if it still goes on, and close the channel.

        A peer that sends without end keeps gRPC busy, and its close waiting.
        """
        self._future.cancel()
        closing = Thread(target=self._channel.close, name="milvus-secure-close", daemon=True)
        closing.start()
        closing.join(_CLOSED)

    def is_connected(self) -> bool:
        """Whether the channel is open now, after a call has ended in one way or another."""
        ready = self._grpc.channel_ready_future(self._channel)
        try:
            ready.result(_SETTLED)
        except self._grpc.FutureTimeoutError:
            return False
        finally:
            ready.cancel()
        return True

    def verdict(self, seconds: float | None = None) -> Verdict:
        """Wait for the answer to Connect, or to GetVersion of a server too old for it.

        Args:
            seconds: How long to wait; to the deadline when None.
        """
        patience = self._deadline if seconds is None else self._deadline.within(seconds)
        verdict = self._outcome(parse_connect, patience)
        if verdict.code != "UNIMPLEMENTED":
            return verdict
        self._future = self._start("GetVersion", b"")  # Milvus before 2.2.9 has no Connect
        return self._outcome(parse_version, self._deadline)

    def _start(self, method: str, request: bytes) -> Any:  # noqa: ANN401 - grpc is untyped
        call = self._channel.unary_unary(f"{SERVICE}/{method}")
        return call.future(request, timeout=self._deadline.left, metadata=self._metadata)

    def _outcome(self, parse: Callable[[bytes], Answer | None], patience: Deadline) -> Verdict:
        try:
            data = self._future.result(patience.left + _SLACK)
        except self._grpc.RpcError as error:
            return Verdict(error.code().name, masked(error.details() or "", self._settings))
        except (self._grpc.FutureTimeoutError, self._grpc.FutureCancelledError):
            return Verdict("DEADLINE_EXCEEDED", "no answer in time")
        answer = parse(data)
        if answer is not None:
            answer = replace(answer, reason=masked(answer.reason, self._settings))
        return Verdict("OK", "", answer)


def credentials(settings: SettingsModel) -> tuple[tuple[str, str], ...]:
    """Authentication and database as pymilvus sends them (``client/grpc_handler.py``).

    A database name that is not ASCII cannot travel and cannot exist; it is left out.
    """
    metadata = []
    if settings.token:
        metadata.append(("authorization", _base64(settings.token.get_secret_value())))
    elif settings.user and settings.password:
        pair = f"{settings.user}:{settings.password.get_secret_value()}"
        metadata.append(("authorization", _base64(pair)))
    if settings.db_name and settings.db_name.isascii() and settings.db_name.isprintable():
        metadata.append(("dbname", settings.db_name))
    return tuple(metadata)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def _channel(grpc: Any, context: Context, target: str, seconds: float) -> Any:  # noqa: ANN401 - grpc is untyped
    options: list[tuple[str, object]] = list(_OPTIONS)
    # gRPC gives a connection up after this, or 20 s, and calls a silent peer UNAVAILABLE then.
    options.append(("grpc.min_reconnect_backoff_ms", int(seconds * 1000) + 1000))
    if context.mode is TLSMode.PLAINTEXT:
        return grpc.insecure_channel(target, options=options)
    if context.settings.server_name:
        options.append(("grpc.ssl_target_name_override", context.settings.server_name))
    key = chain = None
    if context.mode is TLSMode.MUTUAL:
        chain = context.material["client_pem"].pem
        key = context.material["client_key"].pem
    anchor = context.anchor_material
    roots = anchor.data if anchor is not None else public_roots()
    trust = grpc.ssl_channel_credentials(roots, key, chain)
    return grpc.secure_channel(target, trust, options=options)
