"""Rules about the way to the endpoint: host name, port, and whether it speaks TLS at all."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from ..._common.tls_mode import TLSMode
from ...reporting.observation import Observation, TLSHandshake
from ...reporting.report import Finding, Severity, finding
from ..context import Context
from .rule import Rule

NOTHING_IN_COMMON = {"handshake_failure", "insufficient_security"}
"""Alerts of a server that has no cipher suite, curve or signature algorithm in common with us."""

_PROTOCOLS = {
    "http1": "plaintext HTTP/1, as REST ports and web servers speak it",
    "http2": "plaintext HTTP/2, as gRPC without TLS speaks it",
    "other": "neither TLS nor HTTP",
    "closed": "nothing; it closed the connection",
}


def at_endpoint(  # noqa: PLR0913 - the fields of a finding, by name
    context: Context,
    code: str,
    message: str,
    remedy: str,
    *,
    severity: Severity | None = None,
    setting: str = "uri",
    expected: str | None = None,
    presented: str | None = None,
    command: str | None = None,
) -> Finding:
    """A finding about the endpoint, with its address and the setting that led there."""
    return finding(
        code,
        message,
        remedy,
        severity=severity,
        setting=setting,
        source=context.settings.source_of(setting),
        origin=context.endpoint_origin or "endpoint:",
        expected=expected or None,
        presented=presented or None,
        command=command,
    )


def observed(context: Context) -> Observation:
    """What the probe saw; an empty observation of an endpoint that was not contacted."""
    return context.observation or Observation(address="")


def grpc_ready(context: Context) -> bool:
    """True if gRPC, the final judge, got its connection."""
    return observed(context).grpc_ready


def tls_seen(context: Context) -> TLSHandshake:
    """The probe's TLS handshake; an empty one where there was none."""
    return observed(context).tls or TLSHandshake()


def tls_refused(context: Context) -> bool:
    """True if the peer speaks TLS and gRPC got no connection, or could not be asked."""
    tls = context.mode is not TLSMode.PLAINTEXT and observed(context).protocol == "tls"
    return tls and not grpc_ready(context)


def http_status(context: Context) -> int | None:
    """The status of an HTTP server that answered in Milvus's place, or None."""
    grpc = observed(context).grpc
    return grpc.http_status if grpc else None


def envoy_status(context: Context) -> int | None:
    """The HTTP status behind an answer that Envoy gave in Milvus's place, or None."""
    grpc, milvus = observed(context).grpc, observed(context).milvus
    return grpc.envoy_status if grpc and milvus is None else None


def tunnel_is_dead(context: Context) -> str:
    """The result of a proxy's tunnel through which nothing answered; empty if something did."""
    observation = observed(context)
    words = {"closed": "the end of the connection", "silence": "silence"}
    is_open = observation.proxy is not None and observation.proxy.open
    return words.get(observation.protocol or "", "") if is_open else ""


def _host_and_port(context: Context) -> tuple[str, int]:
    endpoint = context.endpoint
    return (endpoint.host, endpoint.port) if endpoint else ("", 0)


def _dns_failed(context: Context) -> Iterator[Finding]:
    if observed(context).failure == "dns-failed":
        host, _ = _host_and_port(context)
        yield at_endpoint(
            context,
            "dns-failed",
            f"The host name {host} does not resolve to an IP address.",
            "Correct the host in uri, or ask this machine's resolver with the command below. "
            "On the server's side, publish the name in DNS.",
            expected="an IP address",
            presented=observed(context).failure_detail,
            command=f"getent hosts {quote(host)}",
        )


def _tcp_refused(context: Context) -> Iterator[Finding]:
    if observed(context).failure == "tcp-refused":
        host, port = _host_and_port(context)
        yield at_endpoint(
            context,
            "tcp-refused",
            f"No program listens on port {port} of {host}.",
            "Check host and port in uri (Milvus's gRPC port is 19530). On the server, check that "
            "Milvus runs and publishes the port.",
            expected=f"a program that listens on port {port}",
            presented=observed(context).failure_detail,
            command="docker compose ps",
        )


def _tcp_unreachable(context: Context) -> Iterator[Finding]:
    if observed(context).failure == "tcp-unreachable":
        host, _ = _host_and_port(context)
        yield at_endpoint(
            context,
            "tcp-unreachable",
            f"This machine has no route to {host}.",
            "Check the network, the VPN and the address family (IPv4 or IPv6). On the server's "
            "side, check the address that it is published on.",
            expected="a route to the host",
            presented=observed(context).failure_detail,
            command=f"ip route get {quote(_first_address(context) or host)}",
        )


def _first_address(context: Context) -> str:
    return next(iter(observed(context).addresses), "")


def _tcp_timeout(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    host, port = _host_and_port(context)
    status = observation.grpc.status if observation.grpc else None
    if observation.failure == "tcp-timeout":
        message = f"Port {port} of {host} did not answer in time."
        evidence = observation.failure_detail
    elif tunnel_is_dead(context):
        return
    elif observation.protocol == "silence" and status in {None, "DEADLINE_EXCEEDED"}:
        message = f"Port {port} of {host} accepts connections, but sends nothing."
        evidence = "silence after our first message, with TLS and without"
    else:
        return
    yield at_endpoint(
        context,
        "tcp-timeout",
        message,
        "Check host and port in uri, and the firewalls and proxies on the way. On the server's "
        "side, open the port for this network. If the network is only slow, set a larger timeout.",
        expected=f"an answer within {context.settings.timeout:g} s",
        presented=evidence,
        command=f"nc -vz {quote(host)} {port}",
    )


def _server_plaintext(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    if context.mode is TLSMode.PLAINTEXT or grpc_ready(context):
        return
    if observation.protocol in {"http1", "http2", "other"}:
        yield at_endpoint(
            context,
            "server-plaintext",
            f"The server at {observation.address} does not speak TLS, but the settings ask for "
            "TLS.",
            "Check the port. If this is your Milvus, turn TLS on in its milvus.yaml "
            "(common.security.tlsMode: 1) and restart it. If plaintext is intended, use http:// "
            "in uri and set allow_plaintext.",
            expected="TLS",
            presented=_with_greeting(observation),
        )


def _with_greeting(observation: Observation) -> str:
    words = _PROTOCOLS[observation.protocol or "closed"]
    return f"{words}: {observation.greeting}" if observation.greeting else words


def _server_requires_tls(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    if context.mode is TLSMode.PLAINTEXT and observation.protocol == "tls":
        yield at_endpoint(
            context,
            "server-requires-tls",
            f"The server at {observation.address} speaks TLS, but the settings ask for plaintext.",
            f"{_steps_to_tls(context)} and set ca_pem_path to the certificate of the CA that "
            "issued the server's certificate. The server needs no change.",
            expected="plaintext",
            presented="TLS",
        )


def _steps_to_tls(context: Context) -> str:
    settings = context.settings
    https = settings.uri.lower().startswith("https:")
    against = ("secure", "tls_mode", "allow_plaintext")
    present = [name for name in against if settings.source_of(name) != "default"]
    steps = [*([] if https else ["use https:// in uri"]), *(f"unset {name}" for name in present)]
    text = ", ".join(steps)
    return text[:1].upper() + text[1:]


def _internal_error(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    if observation.failure != "internal-error":
        return
    why = observation.failure_detail
    if " " in why:  # the system's words, not the name of an exception
        message = f"This machine cannot open a connection: {why}."
        remedy = "Close files and connections that are not needed, or raise the limit (ulimit -n)."
    else:
        message = f"The probe of the endpoint failed with {why}."
        remedy = "This is a defect of milvus-secure; please report it. All other checks ran."
    yield at_endpoint(context, "internal-error", message, remedy)


RULES = (
    Rule("dns-failed", _dns_failed, subjects=("observation",)),
    Rule("tcp-refused", _tcp_refused, subjects=("observation",)),
    Rule("tcp-unreachable", _tcp_unreachable, subjects=("observation",)),
    Rule("tcp-timeout", _tcp_timeout, subjects=("observation",)),
    Rule("server-plaintext", _server_plaintext, subjects=("protocol",)),
    Rule("server-requires-tls", _server_requires_tls, subjects=("protocol",)),
    Rule("internal-error", _internal_error, subjects=("observation",)),
)
