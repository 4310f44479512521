"""One probe: resolve, connect, TLS handshake, gRPC's own verdict, and Milvus's answer."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

from ..._common.deadline import Deadline
from ..._common.endpoint import server_name_indication
from ..._common.system_limits import exhausted, require_descriptors
from ..._common.tls_mode import TLSMode
from ...reporting.observation import (
    CertificateRequest,
    GRPCChannel,
    Observation,
)
from .client_certificate import is_accepted, is_trusted, reaction_to_ours
from .connection import connect
from .grpc_call import MilvusCall, Verdict, reason_not_to_call
from .looks import Looks
from .protocol import DESCRIPTIONS
from .record import Record
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
            tuple(run.record.steps),
            "internal-error",
            exhausted(error) or type(error).__name__,  # never its text: it may quote a secret
        )
    return Observation(address=endpoint.address, steps=tuple(run.record.steps), **run.record.fields)


def requests_client_certificate(context: Context, timeout: float) -> bool | None:
    """Whether the endpoint asks its clients for a certificate, from one handshake alone.

    Args:
        context: Settings and material; none of the material is presented.
        timeout: Seconds.

    Returns:
        None if the handshake was not completed.
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
        self.record = Record()
        self._context = context
        self._endpoint = endpoint
        self._deadline = deadline
        self._resources = resources

    def run(self) -> None:
        """Take every step that can be taken."""
        require_descriptors()
        dialled = connect(self._endpoint, self._deadline, self.record)
        looks = Looks(self._context, dialled, self._deadline)
        if dialled.connection is None:
            if "proxy" in self.record.fields:  # gRPC may still get through it
                self._judge(self._call(), None, looks)
            return
        self._resources.callback(dialled.close)
        call = self._call()
        if self._context.mode is TLSMode.PLAINTEXT:
            self._try_plaintext(looks)
            self._judge(call, None, looks)
        else:
            self._judge(call, self._try_tls(looks), looks)

    def requests_client_certificate(self) -> bool | None:
        """Whether the server asks for a client certificate; None if it cannot be known."""
        dialled = connect(self._endpoint, self._deadline, self.record)
        if dialled.connection is None:
            return None
        self._resources.callback(dialled.close)
        looks = Looks(self._context, dialled, self._deadline)
        result = looks.shake(self._reference_name, TIMEOUTS.reaction)
        return result.requested if result.complete or result.requested else None

    def _call(self) -> MilvusCall | None:
        """Start the gRPC channel; it connects during the handshakes."""
        because = reason_not_to_call(self._context)
        if because:
            self.record.step("grpc", None, f"not tried: {because}")
            return None
        call = MilvusCall(self._context, self._endpoint.address, self._deadline)
        return self._resources.enter_context(closing(call))

    @property
    def _reference_name(self) -> str:
        return self._context.reference_name or self._endpoint.host

    # What answers

    def _try_plaintext(self, looks: Looks) -> None:
        patience = min(self._deadline.left / 2, TIMEOUTS.first_byte)
        protocol, data = looks.greet(patience)
        if protocol in {"silence", "closed"}:
            handshake = looks.shake(self._reference_name, patience)
            protocol = "tls" if handshake.protocol == "tls" else protocol
        self.record.fields.update(protocol=protocol, greeting=data)
        self.record.step("http2", protocol == "http2", DESCRIPTIONS[protocol])

    def _try_tls(self, looks: Looks) -> HandshakeResult:
        patience = min(self._deadline.left / 2, TIMEOUTS.first_byte)
        result = looks.shake(self._reference_name, patience)
        if result.protocol in {"silence", "closed", "other"}:  # a web server may be any of them
            protocol, greeting = looks.greet(TIMEOUTS.reaction)
            other = result.protocol != "other" and protocol == "other"
            if protocol in {"http1", "http2"} or other:
                result.protocol, result.greeting = protocol, greeting
        self.record.fields.update(protocol=result.protocol, greeting=result.greeting)
        if result.alert in _NOTHING_IN_COMMON and not result.chain:
            from .hello import note_plain_answer  # noqa: PLC0415 - rarely needed

            note_plain_answer(result, looks.dialled, self._reference_name, self._deadline)
        self._note_tls(result)
        self.record.step("tls", result.complete, result.summary)
        return result

    def _note_tls(self, result: HandshakeResult, request: CertificateRequest | None = None) -> None:
        if result.protocol == "tls":
            if request is None and result.requested:
                request = CertificateRequest(result.issuers)
            self.record.fields["tls"] = result.record(request)

    # The answers of gRPC and Milvus

    def _judge(self, call: MilvusCall | None, result: HandshakeResult | None, looks: Looks) -> None:
        plaintext = self._context.mode is TLSMode.PLAINTEXT
        hopeless = self.record.fields.get("protocol") in _HOPELESS[plaintext]
        verdict = Verdict("UNAVAILABLE")
        if call is not None:
            verdict = call.verdict(TIMEOUTS.hopeless_call if hopeless else None)
        if result is not None and not verdict.answered:
            result = self._look_closer(result, looks, verdict)
        self._note_request(result, looks, verdict)
        if call is not None:
            self._note_grpc(call, verdict)
        if result is not None and (not verdict.answered or verdict.http_status):
            self._try_host_name(looks)

    def _note_grpc(self, call: MilvusCall, verdict: Verdict) -> None:
        ready = verdict.answered or (verdict.connected and self._is_open(call, verdict))
        self.record.fields["grpc"] = GRPCChannel(
            ready, verdict.code, verdict.details, verdict.http_status
        )
        self.record.step("grpc", ready, "ready" if ready else verdict.details or verdict.code)
        if not ready:
            return
        self.record.fields.update(failure=None, failure_detail="", milvus=verdict.answer)
        answer = verdict.answer
        if answer is None:
            self.record.step("milvus", False, f"{verdict.code}: {verdict.details}")
        else:
            words = answer.reason if answer.code else answer.version
            self.record.step("milvus", not answer.code, words)

    def _look_closer(
        self, result: HandshakeResult, looks: Looks, verdict: Verdict
    ) -> HandshakeResult:
        """Look again at a server that gRPC trusts and yet got no connection to.

        Does it close the connection right after the handshake? Does it refuse the cipher suites
        that gRPC offers, or agree only to a key exchange that gRPC does not offer? Does it speak
        the HTTP/2 that it agreed to?
        """
        from .tls_clients import GRPC_CIPHERS, GRPC_GROUPS  # noqa: PLC0415 - loaded by the first handshake

        unanswered = verdict.code == "UNAVAILABLE"
        if not (
            unanswered and result.complete and is_trusted(self._context, result, self._deadline)
        ):
            return result
        shake = partial(looks.shake, self._reference_name, TIMEOUTS.reaction)
        # Without HTTP/2 the cause is known already, and the server only waits for a request.
        linger = result.reaction is None and result.alpn == "h2"
        like_grpc = shake(ciphers=GRPC_CIPHERS, linger=linger)
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

    def _note_request(self, result: HandshakeResult | None, looks: Looks, verdict: Verdict) -> None:
        """Note how the server answered our certificate, or the lack of one."""
        if result is None or not result.requested:
            return
        alert, unsent = result.alert, False
        accepted: bool | None = True
        if not verdict.answered:
            decisive: HandshakeResult | None = result
            if self._context.mode is TLSMode.MUTUAL:
                limit = self._deadline.within(TIMEOUTS.reaction)
                decisive = reaction_to_ours(self._context, result, looks.dialled, limit)
            alert = decisive.alert if decisive else None
            accepted = is_accepted(decisive)
            if self._context.mode is TLSMode.MUTUAL and decisive is not None:
                unsent = accepted is False and decisive.requested and not decisive.proved
            if decisive is not None and decisive.complete:
                result = decisive
        self._note_tls(result, request=CertificateRequest(result.issuers, accepted, alert, unsent))
        self.record.step("client-certificate", accepted, _ACCEPTED[accepted])

    def _is_open(self, call: MilvusCall, verdict: Verdict) -> bool:
        """Whether gRPC has its connection; a proxy's way is not one that the probe took."""
        proxy = self.record.fields.get("proxy")
        if proxy is not None and not proxy.open:
            return call.is_connected()
        tls = self.record.fields.get("tls")
        if self._context.mode is TLSMode.PLAINTEXT or tls is None:
            return bool(self.record.fields.get("protocol") == "http2")
        accepted = tls.request is None or tls.request.accepted
        if accepted is None:  # of a refusal, gRPC says UNAVAILABLE at once
            return verdict.code == "DEADLINE_EXCEEDED"
        return bool(tls.complete and tls.alpn == "h2" and accepted and not tls.closed)

    def _try_host_name(self, looks: Looks) -> None:
        """Where server_name is another name than the URI's host: is the host's name better?

        An ingress routes by this name, and chooses the certificate by it.
        """
        name, host = self._reference_name, server_name_indication(self._endpoint.host)
        if not host or host == server_name_indication(name) or not self._deadline.left:
            return
        result = looks.shake(host, TIMEOUTS.reaction)
        if result.protocol == "tls":
            self.record.fields["host_tls"] = result.record()


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
