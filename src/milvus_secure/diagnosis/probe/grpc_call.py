"""A gRPC channel as pymilvus would make it: the final verdict on TLS, then Milvus itself.

Credentials travel as metadata of a call, so gRPC sends them only over a channel whose peer it has
verified. grpc is imported lazily.
"""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..._common.deadline import Deadline
from ..._common.tls_mode import TLSMode
from ...pem.public_roots import public_roots
from ...reporting.observation import MilvusAnswer
from ...settings.masking import masked
from .milvus_proto import (
    DATABASE_CODES,
    SERVICE,
    connect_request,
    parse_collections,
    parse_connect,
    parse_version,
)
from .timeouts import TIMEOUTS

if TYPE_CHECKING:
    from ...settings.model import SettingsModel
    from ..context import Context

_OPTIONS = (
    # Subchannels are shared in a process by address and credentials: the probe needs its own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 1 << 20),
    ("grpc.enable_retries", 0),
)
_VERBOSITY = "GRPC_VERBOSITY"
# gRPC's words for an answer that is no gRPC, as HTTP servers and proxies give it
# (``src/core/ext/filters/http/client/http_client_filter.cc``).
_HTTP_STATUS = re.compile(r"Received http2 header with status: (\d{3})\b")


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
    answer: MilvusAnswer | None = None

    @property
    def connected(self) -> bool:
        """False if gRPC says in so many words that it got no connection.

        A hint, since there is no structured fact; it only chooses between two generic codes.
        """
        return not self.details.startswith("failed to connect to all addresses")

    @property
    def http_status(self) -> int | None:
        """The HTTP status of an answer that is no gRPC, or None."""
        match = _HTTP_STATUS.search(self.details)
        return int(match[1]) if match else None

    @property
    def answered(self) -> bool:
        """True if some server answered the call over a connection that gRPC accepted."""
        silent = self.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
        return self.http_status is not None or not silent


def reason_not_to_call(context: Context) -> str | None:
    """Why no channel can be made with the user's material, in a few words, or None.

    Nothing empty is ever passed to gRPC: it aborts the process on an empty client certificate.
    """
    if context.mode is TLSMode.PLAINTEXT:
        return None if context.settings.allow_plaintext else "plaintext is not allowed"
    needed = ("ca_pem", "client_pem", "client_key") if context.mode is TLSMode.MUTUAL else ()
    missing = next((slot for slot in needed if slot not in context.material), None)
    if missing:
        return f"{missing}_path is not set"
    anchor = context.anchor_material
    used = (anchor, *(context.material[slot] for slot in needed))
    return next((piece.fault.code for piece in used if piece is not None and piece.fault), None)


class MilvusCall:
    """A Connect call under way over a channel of its own.

    Args:
        context: Whose material is used; `reason_not_to_call` must have returned None.
        target: ``host:port``.
        deadline: For the connection and the calls together.
    """

    def __init__(self, context: Context, target: str, deadline: Deadline) -> None:
        grpc = _quiet_grpc()
        self._grpc = grpc
        self._deadline = deadline
        self._settings = context.settings
        self._metadata = connect_metadata(context.settings)
        self._channel = _channel(grpc, context, target, deadline.left)
        self._future = self._start("Connect", connect_request())

    def close(self) -> None:
        """Cancel the call if it still runs, and close the channel.

        A peer that sends without end keeps gRPC busy and delays its close.
        """
        self._future.cancel()
        closing = Thread(target=self._channel.close, name="milvus-secure-close", daemon=True)
        closing.start()
        closing.join(TIMEOUTS.channel_close)

    def is_connected(self) -> bool:
        """Whether the channel is open now, after a call has ended in one way or another."""
        ready = self._grpc.channel_ready_future(self._channel)
        try:
            ready.result(TIMEOUTS.channel_state)
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
        if verdict.code == "UNIMPLEMENTED" and verdict.http_status is None:
            self._future = self._start("GetVersion", b"")  # Milvus before 2.2.9 has no Connect
            return self._outcome(parse_version, self._deadline)
        if verdict.answer is not None and verdict.answer.code == 0:
            missing = self._missing_database()
            return replace(verdict, answer=missing) if missing else verdict
        return verdict

    def _missing_database(self) -> MilvusAnswer | None:
        """Milvus's answer to a call in the database, if that says that there is no such one.

        Newer pymilvus names the database in every call but Connect. Of those,
        ShowCollections is refused by every Milvus (DescribeCollection is not by 2.3).
        """
        database = _database(self._settings)
        if not database or sends_database_in_connect():
            return None
        self._metadata = (*self._metadata, ("dbname", database))
        self._future = self._start("ShowCollections", b"")
        answer = self._outcome(parse_collections, self._deadline).answer
        return answer if answer is not None and answer.code in DATABASE_CODES else None

    def _start(self, method: str, request: bytes) -> Any:  # noqa: ANN401 - grpc is untyped
        call = self._channel.unary_unary(f"{SERVICE}/{method}")
        return call.future(request, timeout=self._deadline.left, metadata=self._metadata)

    def _outcome(
        self, parse: Callable[[bytes], MilvusAnswer | None], patience: Deadline
    ) -> Verdict:
        try:
            data = self._future.result(patience.left + TIMEOUTS.deadline_report)
        except self._grpc.RpcError as error:
            code = error.code()
            # A trailer with a status outside gRPC's list, or OK without a message, has no code.
            name = getattr(code, "name", "UNKNOWN")
            name = "UNKNOWN" if name == "OK" else name
            return Verdict(name, masked(error.details() or "", self._settings))
        except (self._grpc.FutureTimeoutError, self._grpc.FutureCancelledError):
            return Verdict("DEADLINE_EXCEEDED", "no answer in time")
        if data is None:  # grpc-status 0 without a message, as Milvus never sends it
            return Verdict("UNKNOWN", "grpc-status OK, but no message")
        answer = parse(data)
        if answer is not None:
            reason = masked(answer.reason, self._settings)
            answer = replace(answer, reason=reason, version=masked(answer.version, self._settings))
        return Verdict("OK", "", answer)


def _quiet_grpc() -> ModuleType:
    """gRPC, which writes a line to stderr for every handshake that fails.

    It reads the verbosity once, when it is imported: a program that has imported it, or has set
    the variable, keeps what it has.
    """
    loaded = sys.modules.get("grpc")
    if loaded is not None or _VERBOSITY in os.environ:
        return loaded or import_module("grpc")
    os.environ[_VERBOSITY] = "NONE"
    try:
        return import_module("grpc")
    finally:
        del os.environ[_VERBOSITY]


def connect_metadata(settings: SettingsModel) -> tuple[tuple[str, str], ...]:
    """The metadata of Connect as the installed pymilvus sends it (``client/grpc_handler.py``)."""
    metadata = []
    if settings.token:
        metadata.append(("authorization", _base64(settings.token.get_secret_value())))
    elif settings.user and settings.password:
        pair = f"{settings.user}:{settings.password.get_secret_value()}"
        metadata.append(("authorization", _base64(pair)))
    if sends_database_in_connect():
        metadata.append(("dbname", _database(settings)))
    return tuple(metadata)


def _database(settings: SettingsModel) -> str:
    """The database's name; empty where it is not ASCII, and so cannot travel and cannot exist."""
    name = settings.db_name or ""
    return name if name.isascii() and name.isprintable() else ""


@cache
def sends_database_in_connect() -> bool:
    """Whether the installed pymilvus sends ``dbname`` with Connect.

    It did until its calls got a context of their own, in a 2.6 release
    (``client/call_context.py``). pymilvus itself is not imported for this.
    """
    spec = find_spec("pymilvus")
    if spec is None or spec.origin is None:
        return False
    return not Path(spec.origin).with_name("client").joinpath("call_context.py").exists()


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
