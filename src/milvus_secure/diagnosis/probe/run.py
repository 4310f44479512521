"""The ladder: resolve, connect, look at what answers, let gRPC judge, ask Milvus."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from ..._common.system_limits import exhausted, require_descriptors
from ..._common.tls_mode import TLSMode
from ...reporting.observation import Observation, Step
from .client_certificate import reaction_to_ours
from .deadline import Deadline
from .grpc_call import MilvusCall, Verdict, reason_not_to_call
from .protocol import detect_protocol, shown
from .proxies import proxy_for
from .sockets import ConnectResult, DeadlineSocket, dial, redial, resolve

if TYPE_CHECKING:
    from ..._common.endpoint import Endpoint
    from ..context import Context
    from .tls import HandshakeResult

_PATIENCE = 3.0  # what a peer gets, in seconds, for its first byte before it is asked otherwise
_LINGER = 1.0  # and to say what it thinks of a handshake
_FAREWELL = 0.2  # what gRPC gets once it is clear that it cannot succeed


def probe(context: Context, timeout: float | None = None) -> Observation:
    """Look at the endpoint, rung by rung, until one breaks or Milvus has answered.

    Args:
        context: Settings and material; an observation in it is ignored.
        timeout: Seconds for everything together; ``settings.timeout`` when None.

    Returns:
        What was seen. Whatever the endpoint does is in it; nothing is raised for it.
    """
    endpoint = context.endpoint
    if endpoint is None:
        return Observation(address="", failure="uri-invalid")
    deadline = Deadline(context.settings.timeout if timeout is None else timeout)
    resources = ExitStack()
    climb = ProbeRun(context, endpoint, deadline, resources)
    try:
        with resources:
            climb.run()
    except Exception as error:  # noqa: BLE001 - whatever a peer sends, the rest is still told
        return Observation(
            endpoint.address,
            tuple(climb.steps),
            "internal-error",
            exhausted(error) or type(error).__name__,  # never its text: it may quote a secret
        )
    return Observation(address=endpoint.address, steps=tuple(climb.steps), **climb.seen)


class ProbeRun:
    """One way up the ladder; collects what the observation is made of."""

    def __init__(
        self, context: Context, endpoint: Endpoint, deadline: Deadline, resources: ExitStack
    ) -> None:
        self.steps: list[Step] = []
        self.seen: dict[str, Any] = {}
        self._context = context
        self._endpoint = endpoint
        self._deadline = deadline
        self._resources = resources
        self._since = time.monotonic()

    def run(self) -> None:
        """Look at the endpoint, layer by layer, until one refuses."""
        dialled = self._reach()
        if dialled.connection is None:
            if "proxy" in self.seen:  # the way through it may be open all the same
                self._judge(self._call(), None, dialled)
            return
        self._resources.callback(dialled.close)
        call = self._call()
        if self._context.mode is TLSMode.PLAINTEXT:
            self._look_at_plaintext(dialled)
            self._judge(call, None, dialled)
        else:
            self._judge(call, self._look_at_tls(dialled), dialled)

    def _step(self, name: str, ok: bool | None, detail: str) -> None:
        """Note a rung, timed since the one before."""
        now = time.monotonic()
        self.steps.append(Step(name, ok, detail, now - self._since))
        self._since = now

    def _reach(self) -> ConnectResult:
        require_descriptors()
        host = self._endpoint.host
        proxy = proxy_for(host)
        if proxy:
            self.seen["proxy"] = proxy
            self._step("proxy", None, f"gRPC goes through {proxy}; the probe also looks directly")
        try:
            addresses = resolve(host, self._endpoint.port, self._deadline)
        except OSError as error:
            self._fail("resolve", "dns-failed", error.strerror or str(error))
            return ConnectResult()
        self.seen["addresses"] = tuple(address.ip for address in addresses)
        self._step("resolve", True, ", ".join(address.ip for address in addresses))
        dialled = dial(addresses, self._deadline)
        if dialled.connection is None:
            self._fail("tcp", dialled.code, dialled.told)
        else:
            self._step("tcp", True, dialled.told)
        return dialled

    def _fail(self, step: str, code: str, detail: str) -> None:
        self.seen.update(failure=code, failure_detail=detail)
        self._step(step, None if "proxy" in self.seen else False, detail)

    def _call(self) -> MilvusCall | None:
        """Start the gRPC channel; it works while the looks go on."""
        because = reason_not_to_call(self._context)
        if because:
            self._step("grpc", None, f"not tried: {because}")
            return None
        call = MilvusCall(self._context, self._endpoint.address, self._deadline)
        return self._resources.enter_context(closing(call))

    # What answers

    def _look_at_plaintext(self, dialled: ConnectResult) -> None:
        patience = min(self._deadline.left / 2, _PATIENCE)
        spoken, data = self._greet(dialled, patience)
        if spoken in {"silence", "closed"} and self._shake(dialled, patience).speaks == "tls":
            spoken = "tls"
        self.seen.update(speaks=spoken, greeting=data)
        self._step("http2", spoken == "http2", _SPOKEN[spoken])

    def _look_at_tls(self, dialled: ConnectResult) -> HandshakeResult:
        look = self._shake(dialled, min(self._deadline.left / 2, _PATIENCE))
        if look.speaks in {"silence", "closed", "other"}:  # a web server may be any of them
            spoken, greeting = self._greet(dialled, _LINGER)
            if spoken in {"http1", "http2"} or (look.speaks != "other" and spoken == "other"):
                look.speaks, look.greeting = spoken, greeting
        self.seen.update(
            speaks=look.speaks,
            greeting=look.greeting,
            tls_version=look.version,
            cipher=look.cipher,
            alpn=look.alpn,
            chain=look.chain,
            alert=look.alert,
            accepted_issuers=look.issuers,
            tls_complete=look.complete,
            tls_error=look.error,
        )
        if look.speaks == "tls":
            self.seen["client_certificate_requested"] = look.requested
        self._step("tls", look.complete, _told(look))
        return look

    def _greet(self, dialled: ConnectResult, patience: float) -> tuple[str, str]:
        sock = dialled.take() or redial(dialled, self._deadline)
        if sock is None:
            return "closed", ""
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            spoken, data = detect_protocol(wire, patience)
        return spoken, shown(data) if data else ""

    def _shake(self, dialled: ConnectResult, patience: float) -> HandshakeResult:
        from .tls import Handshake, HandshakeResult, anonymous  # noqa: PLC0415 - plaintext may do without

        sock = dialled.take() or redial(dialled, self._deadline)
        if sock is None:
            return HandshakeResult(speaks="closed")
        name = self._context.reference_name or self._endpoint.host
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            handshake = Handshake(wire, name, anonymous(), patience)
            look = handshake.run()
            if look.complete and look.requested and self._context.mode is TLSMode.ONE_WAY:
                handshake.await_reaction(_LINGER)
        return look

    # What gRPC and Milvus make of it

    def _judge(
        self, call: MilvusCall | None, look: HandshakeResult | None, dialled: ConnectResult
    ) -> None:
        hopeless = self.seen.get("speaks") in _HOPELESS[self._context.mode is TLSMode.PLAINTEXT]
        verdict = call.verdict(_FAREWELL if hopeless else None) if call else Verdict("UNAVAILABLE")
        welcome = verdict.code not in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
        if look is not None and look.requested:
            accepted = True if welcome else self._accepted(look, dialled)
            self.seen["client_certificate_accepted"] = accepted
            self._step("client-certificate", accepted, _ACCEPTED[accepted])
        if call is None:
            return
        ready = welcome or (verdict.connected and self._is_open(call))
        self.seen.update(
            grpc_state="ready" if ready else verdict.details or verdict.code,
            grpc_code=verdict.code,
            milvus_detail=verdict.details if ready else "",
        )
        self._step("grpc", ready, "ready" if ready else verdict.details)
        if ready:
            self.seen.update(failure=None, failure_detail="")  # a proxy led around it
            self._note_milvus(verdict)
        elif self.seen.get("failure"):
            self.seen["failure_detail"] += f"; through the proxy: {verdict.details}"

    def _accepted(self, look: HandshakeResult, dialled: ConnectResult) -> bool | None:
        """How the server took our certificate, or the want of one."""
        if self._context.mode is TLSMode.ONE_WAY:
            reaction = look.reaction if look.complete else "alert"
        else:
            ours = reaction_to_ours(self._context, look, dialled, self._deadline.within(_LINGER))
            if ours is None:
                return None
            self.seen.update(alert=ours.alert, tls_error=ours.error)
            reaction = ours.reaction if ours.complete else "alert"
        return None if reaction is None else reaction == "data"

    def _is_open(self, call: MilvusCall) -> bool:
        """Whether gRPC has its connection; a way through a proxy is none that the looks took."""
        return call.is_connected() if "proxy" in self.seen else self._could_be_ready()

    def _could_be_ready(self) -> bool:
        """True if the looks found nothing that keeps gRPC from being connected."""
        seen = self.seen
        if self._context.mode is TLSMode.PLAINTEXT:
            return bool(seen.get("speaks") == "http2")
        if seen.get("client_certificate_requested") and not seen["client_certificate_accepted"]:
            return False
        return bool(seen.get("tls_complete") and seen.get("alpn") == "h2")

    def _note_milvus(self, verdict: Verdict) -> None:
        answer = verdict.answer
        if answer is None:
            self._step("milvus", False, f"{verdict.code}: {verdict.details}")
            return
        self.seen.update(
            milvus_code=answer.code,
            milvus_version=answer.version or None,
            milvus_detail=answer.reason,
        )
        self._step("milvus", not answer.code, answer.reason if answer.code else answer.version)


_HOPELESS = {
    False: {"http1", "http2", "other"},
    True: {"http1", "tls", "other"},
}
_ACCEPTED = {
    True: "requested; the server is content",
    False: "requested; the server refused the connection",
    None: "requested; not known how the server takes ours",
}
_SPOKEN = {
    "tls": "the peer speaks TLS",
    "http2": "the peer speaks plaintext HTTP/2",
    "http1": "the peer speaks plaintext HTTP/1",
    "silence": "the peer says nothing",
    "closed": "the peer hangs up without a word",
    "other": "the peer speaks neither TLS nor HTTP",
}


def _told(look: HandshakeResult) -> str:
    if look.speaks != "tls":
        return _SPOKEN[look.speaks or "closed"]
    if not look.complete:
        return f"alert {look.alert}" if look.alert else look.error
    alpn = f"ALPN {look.alpn}" if look.alpn else "no ALPN"
    broken = f"{look.unreadable} served certificates unreadable" if look.unreadable else ""
    return ", ".join(filter(None, (look.version, look.cipher, alpn, broken)))
