"""Rules about what is in front of Milvus: a proxy on the way out, an ingress on the way in.

gRPC says ``Received http2 header with status: N`` exactly when the answer was no gRPC: then an
HTTP server spoke, not Milvus, and N is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from ..._common.tls_mode import TLSMode
from ...reporting.observation import TLSHandshake
from ...reporting.report import Finding
from ...verification.hostname import accepts, generation, presented
from ..context import Context
from .reachability import (
    at_endpoint,
    envoy_status,
    grpc_ready,
    http_status,
    observed,
    tunnel_is_dead,
)
from .rule import Rule

_NO_ROUTE = {404, 421}
_UPSTREAM = {502, 503, 504}
_LOGIN = {401, 403, 407}


def _proxy_failed(context: Context) -> Iterator[Finding]:
    proxy = observed(context).proxy
    dead = tunnel_is_dead(context)
    if proxy is None or (proxy.open and not dead) or grpc_ready(context):
        return
    endpoint = context.endpoint
    host = endpoint.host if endpoint else ""
    # gRPC reads no_proxy only where no_grpc_proxy is not set.
    command = f'export no_grpc_proxy="${{no_grpc_proxy-$no_proxy}},{host}"'
    evidence = proxy.detail
    if dead:
        evidence = f"a tunnel, and then {dead}"
        message = (
            f"The HTTP proxy {proxy.name} opened a tunnel to {observed(context).address}, but no "
            "answer came through it. Most likely the proxy does not reach the server."
        )
        remedy = "Have the proxy forward to this address, or connect to this host without it."
    elif proxy.status == 407:
        message = f"The HTTP proxy {proxy.name} requires a login."
        remedy = (
            "Put user and password into the proxy's URI (http://user:password@proxy:3128), or "
            "connect to this host without the proxy."
        )
    elif proxy.status is not None:
        message = f"The HTTP proxy {proxy.name} refuses a tunnel to {observed(context).address}."
        remedy = (
            "Ask the proxy's operator to allow CONNECT to this address, or connect to this host "
            "without the proxy."
        )
    else:
        message = f"The HTTP proxy {proxy.name}, which gRPC uses, does not work."
        remedy = (
            "Correct the variable that names the proxy, or connect to this host without the proxy."
        )
    if proxy.direct:
        remedy += " The endpoint accepts direct connections from this machine."
    yield at_endpoint(
        context,
        "proxy-failed",
        message,
        remedy,
        expected="a tunnel through the proxy (CONNECT answered with 200)",
        presented=evidence,
        command=command,
    )


def _front_end_answered(context: Context) -> Iterator[Finding]:
    status, envoy = http_status(context), envoy_status(context)
    if _is_certificate_refusal(context) or _host_fits(context):
        return
    if status is not None:
        message = f"An HTTP server in front of Milvus answered with status {status}"
        presented = f"HTTP status {status}"
    elif envoy is not None:
        grpc = observed(context).grpc
        message = "A proxy in front of Milvus, most likely Envoy, answered itself"
        presented = f"{grpc.status} {grpc.details}" if grpc else ""
    else:
        return
    yield at_endpoint(
        context,
        "front-end-answered",
        f"{message}; the call did not reach Milvus.",
        _front_end_remedy(context, status or envoy or 0),
        expected="an answer of Milvus, by gRPC",
        presented=presented,
    )


def _front_end_remedy(context: Context, status: int) -> str:
    name = context.reference_name or ""
    if status in _LOGIN:
        return (
            "The proxy or ingress itself refuses the caller; Milvus's user, password and token "
            "are not involved. Ask its operator to let gRPC calls to Milvus through, or connect to "
            "Milvus's own port."
        )
    if status in _UPSTREAM:
        return (
            "The proxy or ingress does not reach Milvus. On the server's side, check its upstream: "
            "Milvus runs, the port is 19530, and the protocol to it is gRPC (nginx: `grpc_pass "
            "grpc://milvus:19530`; with TLS on Milvus: `grpcs://`)."
        )
    if status in _NO_ROUTE:
        return (
            f"The proxy or ingress has no route for calls to {name!r}. On the server's side, add "
            "a route for this host name that forwards gRPC to Milvus, or correct uri and "
            "server_name."
        )
    if status == 464:  # AWS Application Load Balancer: the target group's protocol version
        return "Set the protocol version of the load balancer's target group to gRPC."
    return (
        "Check host and port in uri, and on the server's side that the proxy or ingress forwards "
        "gRPC to Milvus (nginx: `grpc_pass`; Kubernetes: a backend protocol of GRPC or GRPCS)."
    )


def _is_certificate_refusal(context: Context) -> bool:
    """True if nginx answers 400 because no acceptable certificate came (``ssl_verify_client``)."""
    tls = observed(context).tls
    return http_status(context) == 400 and tls is not None and tls.request is not None


def _backend_closed(context: Context) -> Iterator[Finding]:
    tls = observed(context).tls
    if context.mode is TLSMode.PLAINTEXT or grpc_ready(context) or tls is None or not tls.closed:
        return
    if tls.alpn != "h2":
        return
    yield at_endpoint(
        context,
        "backend-closed",
        f"The program at {observed(context).address} completed the TLS handshake and then closed "
        "the connection; it sent no alert, so it did not refuse a certificate.",
        "Most likely it is a proxy or load balancer that does not reach Milvus. On the server's "
        "side, check that Milvus runs and that the proxy forwards to its gRPC port.",
        expected="HTTP/2 settings after the handshake",
        presented="the end of the connection",
        command="docker compose ps",
    )


def _server_name_unknown(context: Context) -> Iterator[Finding]:
    """The endpoint chooses what it serves by the server name, and does not know ours."""
    observation = observed(context)
    tls, name = observation.tls, context.reference_name or ""
    if context.mode is TLSMode.PLAINTEXT:
        return
    rejected = tls is not None and not tls.complete and tls.alert == "unrecognized_name"
    if not rejected and not _host_fits(context):
        return
    host = context.endpoint.host if context.endpoint else ""
    if _host_fits(context):
        remedy = (
            f"Leave out server_name: for the URI's host {host!r} the endpoint presents a "
            "certificate that is accepted."
        )
        expected = host
    elif context.settings.server_name:
        remedy = "Set server_name to a name that the endpoint serves, or leave it out."
        expected = "a name that the endpoint serves"
    else:
        remedy = (
            "Use a host name in uri that the endpoint serves, or set server_name to one. On the "
            "server's side, add a certificate and a route for this name."
        )
        expected = "a name that the endpoint serves"
    status = http_status(context)
    if rejected:
        evidence = "alert unrecognized_name"
    else:
        evidence = f"HTTP status {status}" if status else "another certificate"
    yield at_endpoint(
        context,
        "server-name-unknown",
        f"The endpoint does not serve the name {name!r}, which the client sends (SNI).",
        remedy,
        setting="server_name" if context.settings.server_name else "uri",
        expected=expected,
        presented=f"for {name!r}: {evidence}",
        command=f"openssl s_client -connect {observation.address} -servername "
        f"{quote(host or name)} -alpn h2 -showcerts </dev/null",
    )


def _host_fits(context: Context) -> bool:
    """True if server_name leads elsewhere, and the URI's own host to an acceptable certificate."""
    observation = observed(context)
    host_tls, tls = observation.host_tls, observation.tls or TLSHandshake()
    if host_tls is None or not host_tls.chain or context.endpoint is None:
        return False
    elsewhere = (
        http_status(context) in _NO_ROUTE or not tls.chain or tls.chain[0] != host_tls.chain[0]
    )
    if not elsewhere:
        return False
    names, rules = presented(host_tls.chain[0]), generation(context.grpc)
    if not accepts(names, context.endpoint.host, rules, overridden=False):
        return False
    return context.trusts(host_tls.chain, context.deadline)


RULES = (
    Rule("proxy-failed", _proxy_failed, subjects=("proxy",)),
    Rule("server-name-unknown", _server_name_unknown, subjects=("tls",)),
    Rule("front-end-answered", _front_end_answered, subjects=("milvus",)),
    Rule("backend-closed", _backend_closed, subjects=("tls",)),
)
