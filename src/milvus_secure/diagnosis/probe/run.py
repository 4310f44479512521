"""One probe: resolve, connect, TLS handshake, gRPC's own verdict, and Milvus's answer."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._common.deadline import Deadline
from ..._common.endpoint import server_name_indication
from ..._common.system_limits import exhausted, require_descriptors
from ..._common.tls_mode import TLSMode
from ...reporting.observation import (
    CertificateRequest,
    GRPCChannel,
    Observation,
    ProxyTunnel,
    Step,
)
from .client_certificate import is_trusted, reaction_to_ours
from .grpc_call import MilvusCall, Verdict, reason_not_to_call
from .protocol import detect_protocol, shown
from .proxies import HttpProxy, TunnelRefusedError, open_tunnel, proxy_for
from .sockets import ConnectResult, DeadlineSocket, dial, redial, resolve
from .timeouts import TIMEOUTS

if TYPE_CHECKING:
    from ..._common.endpoint import Endpoint
    from ..context import Context
    from .tls import HandshakeResult


def probe(context: Context, timeout: float | None = None) -> Observation:
    """Probe the endpoint, step by step, until a step fails or Milvus has answered.

    Args:
        context: Settings and material; an observation in it is ignored.
        timeout: Seconds for everything together; ``settings.timeout`` when None.

    Returns:
        The observation. It holds whatever the endpoint does; nothing is raised for it.
    """
    endpoint = context.endpoint
    if endpoint is None:
        return Observation(address="", failure="uri-invalid")
    deadline = Deadline(context.settings.timeout if timeout is None else timeout)
    resources = ExitStack()
    run = ProbeRun(context, endpoint, deadline, resources)
    try:
        with resources:
            run.run()
    except Exception as error:  # noqa: BLE001 - whatever a peer sends, the rest is reported
        return Observation(
            endpoint.address,
            tuple(run.steps),
            "internal-error",
            exhausted(error) or type(error).__name__,  # never its text: it may quote a secret
        )
    return Observation(address=endpoint.address, steps=tuple(run.steps), **run.fields)


def requests_client_certificate(context: Context, timeout: float) -> bool | None:
    """Whether the endpoint asks its clients for a certificate, from one handshake alone.

    Args:
        context: Settings and material; none of the material is presented.
        timeout: Seconds.

    Returns:
        None if the handshake did not come to its end.
    """
    if context.endpoint is None:
        return None
    with ExitStack() as resources:
        run = ProbeRun(context, context.endpoint, Deadline(timeout), resources)
        return run.requests_client_certificate()


class ProbeRun:
    """One run through the steps; collects the fields of the observation."""

    def __init__(
        self, context: Context, endpoint: Endpoint, deadline: Deadline, resources: ExitStack
    ) -> None:
        self.steps: list[Step] = []
        self.fields: dict[str, Any] = {}
        self._context = context
        self._endpoint = endpoint
        self._deadline = deadline
        self._resources = resources
        self._since = time.monotonic()

    def run(self) -> None:
        """Take every step that can be taken."""
        require_descriptors()
        dialled = self._connect()
        if dialled.connection is None:
            if "proxy" in self.fields:  # gRPC may get through it all the same
                self._judge(self._call(), None, dialled)
            return
        self._resources.callback(dialled.close)
        call = self._call()
        if self._context.mode is TLSMode.PLAINTEXT:
            self._try_plaintext(dialled)
            self._judge(call, None, dialled)
        else:
            self._judge(call, self._try_tls(dialled), dialled)

    def requests_client_certificate(self) -> bool | None:
        """Whether the server asks for a client certificate; None if it cannot be known."""
        dialled = self._connect()
        if dialled.connection is None:
            return None
        self._resources.callback(dialled.close)
        result = self._shake(dialled, self._reference_name, TIMEOUTS.reaction)
        return result.requested if result.complete or result.requested else None

    def _step(self, name: str, ok: bool | None, detail: str) -> None:
        """Note a step, timed since the one before."""
        now = time.monotonic()
        self.steps.append(Step(name, ok, detail, now - self._since))
        self._since = now

    # The way to the endpoint

    def _connect(self) -> ConnectResult:
        """Connect as gRPC does: through a proxy, where the environment names one."""
        proxy = proxy_for(self._endpoint.host)
        if proxy is None:
            return self._connect_directly()
        dialled, tunnel = self._connect_through(proxy)
        self.fields["proxy"] = tunnel
        if tunnel.open:
            self._step("proxy", True, f"{proxy.name} opened a tunnel")
            return dialled
        self._step("proxy", False, f"{proxy.name}: {tunnel.detail}; trying without it")
        direct = self._connect_directly()
        self.fields["proxy"] = replace(tunnel, direct=direct.connection is not None)
        return direct

    def _connect_through(self, proxy: HttpProxy) -> tuple[ConnectResult, ProxyTunnel]:
        deadline = self._deadline.within(min(self._deadline.left / 2, TIMEOUTS.first_byte))
        try:
            addresses = resolve(proxy.host, proxy.port, deadline)
        except OSError as error:
            detail = f"{proxy.host}: {error.strerror or error}"
            return ConnectResult(), ProxyTunnel(proxy.name, False, detail=detail)
        dialled = dial(addresses, deadline)
        connection = dialled.take()
        if connection is None:
            return dialled, ProxyTunnel(proxy.name, False, detail=dialled.summary)
        ask = partial(open_tunnel, proxy=proxy, target=self._endpoint.address)
        try:
            ask(DeadlineSocket(connection, deadline))
        except OSError as error:
            connection.close()
            status = error.status if isinstance(error, TunnelRefusedError) else None
            detail = error.strerror or str(error)
            return dialled, ProxyTunnel(proxy.name, False, status, detail)
        dialled.connection, dialled.tunnel = connection, ask
        return dialled, ProxyTunnel(proxy.name, True)

    def _connect_directly(self) -> ConnectResult:
        host = self._endpoint.host
        try:
            addresses = resolve(host, self._endpoint.port, self._deadline)
        except TimeoutError as error:
            self._fail("resolve", "tcp-timeout", str(error))
            return ConnectResult()
        except OSError as error:
            self._fail("resolve", "dns-failed", error.strerror or str(error))
            return ConnectResult()
        self.fields["addresses"] = tuple(address.ip for address in addresses)
        self._step("resolve", True, ", ".join(address.ip for address in addresses))
        dialled = dial(addresses, self._deadline)
        if dialled.connection is None:
            self._fail("tcp", dialled.code, dialled.summary)
        else:
            self._step("tcp", True, dialled.summary)
        return dialled

    def _fail(self, step: str, code: str, detail: str) -> None:
        if "proxy" not in self.fields:  # gRPC does not take this way
            self.fields.update(failure=code, failure_detail=detail)
        self._step(step, None if "proxy" in self.fields else False, detail)

    def _call(self) -> MilvusCall | None:
        """Start the gRPC channel; it works while the handshakes go on."""
        because = reason_not_to_call(self._context)
        if because:
            self._step("grpc", None, f"not tried: {because}")
            return None
        call = MilvusCall(self._context, self._endpoint.address, self._deadline)
        return self._resources.enter_context(closing(call))

    # What answers

    def _try_plaintext(self, dialled: ConnectResult) -> None:
        patience = min(self._deadline.left / 2, TIMEOUTS.first_byte)
        protocol, data = self._greet(dialled, patience)
        if protocol in {"silence", "closed"}:
            handshake = self._shake(dialled, self._reference_name, patience)
            protocol = "tls" if handshake.protocol == "tls" else protocol
        self.fields.update(protocol=protocol, greeting=data)
        self._step("http2", protocol == "http2", _PROTOCOLS[protocol])

    def _try_tls(self, dialled: ConnectResult) -> HandshakeResult:
        patience = min(self._deadline.left / 2, TIMEOUTS.first_byte)
        result = self._shake(dialled, self._reference_name, patience)
        if result.protocol in {"silence", "closed", "other"}:  # a web server may be any of them
            protocol, greeting = self._greet(dialled, TIMEOUTS.reaction)
            other = result.protocol != "other" and protocol == "other"
            if protocol in {"http1", "http2"} or other:
                result.protocol, result.greeting = protocol, greeting
        self.fields.update(protocol=result.protocol, greeting=result.greeting)
        if result.alert in _NOTHING_IN_COMMON and not result.chain:
            from .hello import note_plain_answer  # noqa: PLC0415 - rarely needed

            note_plain_answer(result, dialled, self._reference_name, self._deadline)
        self._note_tls(result)
        self._step("tls", result.complete, _summary(result))
        return result

    @property
    def _reference_name(self) -> str:
        return self._context.reference_name or self._endpoint.host

    def _note_tls(self, result: HandshakeResult, request: CertificateRequest | None = None) -> None:
        if result.protocol == "tls":
            if request is None and result.requested:
                request = CertificateRequest(result.issuers)
            self.fields["tls"] = result.record(request)

    def _greet(self, dialled: ConnectResult, patience: float) -> tuple[str, str]:
        sock = dialled.take() or redial(dialled, self._deadline)
        if sock is None:
            return "closed", ""
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            protocol, data = detect_protocol(wire, patience)
        return protocol, shown(data) if data else ""

    def _shake(
        self,
        dialled: ConnectResult,
        name: str,
        patience: float,
        *,
        ciphers: bytes | None = None,
        linger: bool = False,
        speak: bool = False,
    ) -> HandshakeResult:
        from .tls import Handshake, HandshakeResult, anonymous  # noqa: PLC0415 - not for plaintext

        sock = dialled.take() or redial(dialled, self._deadline)
        if sock is None:
            return HandshakeResult(protocol="closed")
        with closing(DeadlineSocket(sock, self._deadline)) as wire:
            tls = anonymous() if ciphers is None else anonymous(ciphers)
            handshake = Handshake(wire, name, tls, patience)
            result = handshake.run()
            asked = result.requested and self._context.mode is TLSMode.ONE_WAY
            if result.complete and (linger or asked):
                handshake.await_reaction(TIMEOUTS.reaction)
            if result.complete and speak:
                handshake.begin_http2(TIMEOUTS.reaction)
        return result

    # What gRPC and Milvus make of it

    def _judge(
        self, call: MilvusCall | None, result: HandshakeResult | None, dialled: ConnectResult
    ) -> None:
        plaintext = self._context.mode is TLSMode.PLAINTEXT
        hopeless = self.fields.get("protocol") in _HOPELESS[plaintext]
        verdict = Verdict("UNAVAILABLE")
        if call is not None:
            verdict = call.verdict(TIMEOUTS.hopeless_call if hopeless else None)
        if result is not None and not verdict.answered:
            result = self._look_closer(result, dialled, verdict)
        self._note_request(result, dialled, verdict)
        if call is not None:
            self._note_grpc(call, verdict)
        if result is not None and (not verdict.answered or verdict.http_status):
            self._try_host_name(dialled)

    def _note_grpc(self, call: MilvusCall, verdict: Verdict) -> None:
        ready = verdict.answered or (verdict.connected and self._is_open(call, verdict))
        self.fields["grpc"] = GRPCChannel(ready, verdict.code, verdict.details, verdict.http_status)
        self._step("grpc", ready, "ready" if ready else verdict.details or verdict.code)
        if not ready:
            return
        self.fields.update(failure=None, failure_detail="", milvus=verdict.answer)
        answer = verdict.answer
        if answer is None:
            self._step("milvus", False, f"{verdict.code}: {verdict.details}")
        else:
            self._step("milvus", not answer.code, answer.reason if answer.code else answer.version)

    def _look_closer(
        self, result: HandshakeResult, dialled: ConnectResult, verdict: Verdict
    ) -> HandshakeResult:
        """Look again at a server that gRPC trusts and yet got no connection to.

        Does it close the connection right after the handshake? Does it refuse the cipher suites
        that gRPC offers, or agree only to a key exchange that gRPC does not offer? Does it speak
        the HTTP/2 that it agreed to?
        """
        from .tls import GRPC_CIPHERS, GRPC_GROUPS  # noqa: PLC0415 - loaded by the first handshake

        unanswered = verdict.code == "UNAVAILABLE"
        if not (
            unanswered and result.complete and is_trusted(self._context, result, self._deadline)
        ):
            return result
        shake = partial(self._shake, dialled, self._reference_name, TIMEOUTS.reaction)
        like_grpc = shake(ciphers=GRPC_CIPHERS, linger=result.reaction is None)
        if like_grpc.alert in _NOTHING_IN_COMMON:
            result.ciphers_refused = True
            self._note_tls(result)
        elif like_grpc.closed:
            result.reaction, result.confirmed = like_grpc.reaction, like_grpc.confirmed
            self._note_tls(result)
        elif (
            like_grpc.group and like_grpc.group.lower() not in GRPC_GROUPS and not result.requested
        ):
            result.group_refused = like_grpc.group
            self._note_tls(result)
        elif result.alpn == "h2" and not result.requested:
            result.foreign_answer = shake(speak=True).foreign_answer
            self._note_tls(result)
        return result

    def _note_request(
        self, result: HandshakeResult | None, dialled: ConnectResult, verdict: Verdict
    ) -> None:
        """Note how the server answered our certificate, or the lack of one."""
        if result is None or not result.requested:
            return
        alert, unsent = result.alert, False
        accepted: bool | None = True
        if not verdict.answered:
            decisive: HandshakeResult | None = result
            if self._context.mode is TLSMode.MUTUAL:
                limit = self._deadline.within(TIMEOUTS.reaction)
                decisive = reaction_to_ours(self._context, result, dialled, limit)
            alert = decisive.alert if decisive else None
            accepted = _accepted(decisive)
            if self._context.mode is TLSMode.MUTUAL and decisive is not None:
                unsent = accepted is False and decisive.requested and not decisive.proved
            if decisive is not None and decisive.complete:
                result = decisive
        self._note_tls(result, request=CertificateRequest(result.issuers, accepted, alert, unsent))
        self._step("client-certificate", accepted, _ACCEPTED[accepted])

    def _is_open(self, call: MilvusCall, verdict: Verdict) -> bool:
        """Whether gRPC has its connection; a proxy's way is not one that the probe took."""
        proxy = self.fields.get("proxy")
        if proxy is not None and not proxy.open:
            return call.is_connected()
        tls = self.fields.get("tls")
        if self._context.mode is TLSMode.PLAINTEXT or tls is None:
            return bool(self.fields.get("protocol") == "http2")
        # Where a refusal would be, gRPC says UNAVAILABLE at once.
        waited = verdict.code == "DEADLINE_EXCEEDED"
        accepted = tls.request is None or tls.request.accepted
        refused = accepted is False or (accepted is None and not waited)
        return bool(tls.complete and tls.alpn == "h2" and not (refused or tls.closed))

    def _try_host_name(self, dialled: ConnectResult) -> None:
        """Where server_name is another name than the URI's host: is the host's name better?

        An ingress routes by this name, and chooses the certificate by it.
        """
        name, host = self._reference_name, server_name_indication(self._endpoint.host)
        if not host or host == server_name_indication(name) or not self._deadline.left:
            return
        result = self._shake(dialled, host, TIMEOUTS.reaction)
        if result.protocol == "tls":
            self.fields["host_tls"] = result.record()


def _accepted(result: HandshakeResult | None) -> bool | None:
    """Whether a server accepted what it was shown: a certificate, or none."""
    if result is None or result.other_server:
        return None
    if not result.complete or result.reaction == "alert":
        return False
    if result.confirmed:
        return True
    return None if result.reaction is None else False


_NOTHING_IN_COMMON = {"handshake_failure", "insufficient_security"}
_HOPELESS = {
    False: {"http1", "http2", "other"},
    True: {"http1", "tls", "other"},
}
_ACCEPTED = {
    True: "requested; the server accepted the connection",
    False: "requested; the server refused the connection",
    None: "requested; whether the server accepts ours is not known",
}
_PROTOCOLS = {
    "tls": "the server speaks TLS",
    "http2": "the server speaks plaintext HTTP/2",
    "http1": "the server speaks plaintext HTTP/1",
    "silence": "the server sends nothing",
    "closed": "the server closed the connection without an answer",
    "other": "the server speaks neither TLS nor HTTP",
}


def _summary(result: HandshakeResult) -> str:
    if result.protocol != "tls":
        return _PROTOCOLS[result.protocol or "closed"]
    if not result.complete:
        return f"alert {result.alert}" if result.alert else result.error
    alpn = f"ALPN {result.alpn}" if result.alpn else "no ALPN"
    broken = f"{result.unreadable} served certificates cannot be read" if result.unreadable else ""
    return ", ".join(filter(None, (result.version, result.cipher, alpn, broken)))
