"""Rules about the way to the endpoint: names, ports, and whether it speaks TLS at all."""

from __future__ import annotations

from collections.abc import Iterator

from ..._common.tls_mode import TLSMode
from ...reporting.observation import Observation
from ...reporting.report import Finding, finding
from ..context import Context
from .rule import Rule

_PLAIN = {
    "http1": "plaintext HTTP/1, as REST ports and web servers do",
    "http2": "plaintext HTTP/2, as gRPC without TLS does",
    "other": "something that is neither TLS nor HTTP",
    "closed": "nothing; it hangs up",
}


def at_endpoint(
    context: Context,
    code: str,
    message: str,
    remedy: str,
    *,
    setting: str = "uri",
    expected: str | None = None,
    presented: str | None = None,
) -> Finding:
    """A finding about the endpoint, with where it was seen and which setting led there."""
    return finding(
        code,
        message,
        remedy,
        setting=setting,
        source=context.settings.source_of(setting),
        origin=f"endpoint:{seen(context).address}",
        expected=expected or None,
        presented=presented or None,
    )


def seen(context: Context) -> Observation:
    """What the probe saw; of an endpoint that was not asked, nothing."""
    return context.observation or Observation(address="")


def grpc_ready(context: Context) -> bool:
    """True if gRPC, the final judge, got its connection."""
    return seen(context).grpc_state == "ready"


def _host_and_port(context: Context) -> tuple[str, int]:
    endpoint = context.endpoint
    return (endpoint.host, endpoint.port) if endpoint else ("", 0)


def _dns_failed(context: Context) -> Iterator[Finding]:
    if seen(context).failure == "dns-failed":
        host, _ = _host_and_port(context)
        yield at_endpoint(
            context,
            "dns-failed",
            f"The host name {host} does not resolve to an address.",
            f"Correct the host in uri, or ask this machine's resolver: getent hosts {host}. "
            "On the server's side, publish the name in DNS.",
            expected="an address",
            presented=seen(context).failure_detail,
        )


def _tcp_refused(context: Context) -> Iterator[Finding]:
    if seen(context).failure == "tcp-refused":
        host, port = _host_and_port(context)
        yield at_endpoint(
            context,
            "tcp-refused",
            f"Nothing listens on port {port} of {host}.",
            "Check host and port in uri (gRPC's is 19530), and on the server whether Milvus "
            "runs and publishes the port: docker compose ps.",
            expected=f"a listener on port {port}",
            presented=seen(context).failure_detail,
        )


def _tcp_unreachable(context: Context) -> Iterator[Finding]:
    if seen(context).failure == "tcp-unreachable":
        host, _ = _host_and_port(context)
        yield at_endpoint(
            context,
            "tcp-unreachable",
            f"There is no route from here to {host}.",
            f"Check the network, VPN and address family: ip route get {_first(context) or host}. "
            "On the server's side, check the address it is published on.",
            expected="a route to the host",
            presented=seen(context).failure_detail,
        )


def _first(context: Context) -> str:
    return next(iter(seen(context).addresses), "")


def _tcp_timeout(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    host, port = _host_and_port(context)
    if observation.failure == "tcp-timeout":
        message = f"Port {port} of {host} does not answer."
        evidence = observation.failure_detail
    elif observation.speaks == "silence" and observation.grpc_code in {None, "DEADLINE_EXCEEDED"}:
        message = f"Port {port} of {host} takes connections, but says nothing."
        evidence = "silence after our first message, TLS or not"
    else:
        return
    yield at_endpoint(
        context,
        "tcp-timeout",
        message,
        "Check host and port in uri and the firewalls and proxies on the way: "
        f"nc -vz {host} {port}. On the server's side, open the port for this network.",
        expected="an answer in time",
        presented=evidence,
    )


def _server_plaintext(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    if context.mode is TLSMode.PLAINTEXT or grpc_ready(context):
        return
    if observation.speaks in {"http1", "http2", "other"}:
        yield at_endpoint(
            context,
            "server-plaintext",
            f"The server at {observation.address} does not speak TLS.",
            "Check the port. If it is this Milvus, turn TLS on in milvus.yaml "
            "(common.security.tlsMode: 1) and restart it; if plaintext is meant, use http:// "
            "and allow_plaintext.",
            expected="TLS",
            presented=_with_greeting(observation),
        )


def _with_greeting(observation: Observation) -> str:
    words = _PLAIN[observation.speaks or "closed"]
    return f"{words}: {observation.greeting}" if observation.greeting else words


def _server_requires_tls(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    if context.mode is TLSMode.PLAINTEXT and observation.speaks == "tls":
        yield at_endpoint(
            context,
            "server-requires-tls",
            f"The server at {observation.address} speaks TLS, and the settings ask for plaintext.",
            f"{_towards_tls(context)} and set ca_pem_path to the CA that signed the server's "
            "certificate. The server needs no change.",
            expected="plaintext",
            presented="TLS",
        )


def _towards_tls(context: Context) -> str:
    settings = context.settings
    https = settings.uri.lower().startswith("https:")
    against = ("secure", "tls_mode", "allow_plaintext")
    given = [name for name in against if settings.source_of(name) != "default"]
    steps = [*([] if https else ["use https:// in uri"]), *(f"unset {name}" for name in given)]
    text = ", ".join(steps)
    return text[:1].upper() + text[1:]


def _internal_error(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    if observation.failure != "internal-error":
        return
    why = observation.failure_detail
    if " " in why:  # the system's words, not the name of an exception
        message = f"This machine has no room for a connection: {why}."
        remedy = "Close what is left open, or raise the limit (ulimit -n), and try again."
    else:
        message = f"The look at the endpoint failed with {why}."
        remedy = "Please report this; every other check was made."
    yield at_endpoint(context, "internal-error", message, remedy)


RULES = (
    Rule("dns-failed", _dns_failed),
    Rule("tcp-refused", _tcp_refused),
    Rule("tcp-unreachable", _tcp_unreachable),
    Rule("tcp-timeout", _tcp_timeout),
    Rule("server-plaintext", _server_plaintext),
    Rule("server-requires-tls", _server_requires_tls),
    Rule("internal-error", _internal_error),
)
