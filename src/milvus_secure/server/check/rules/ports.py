"""Rules about the ports on which Milvus listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...._common.tls_mode import TLSMode
from ....reporting.report import Finding, Severity
from ..server_context import ServerContext
from ..yaml.go_scalars import atoi

_PORT: Final = "proxy.port"
_REST: Final = "proxy.http.port"
_REST_ENABLED: Final = "proxy.http.enabled"
# The first release whose gRPC and RESTful listeners cannot share a port under TLS.
_SEPARATE_SINCE: Final = (2, 4)


def port_invalid(context: ServerContext) -> Iterator[Finding]:
    """The port of gRPC is no number, so that Milvus takes any free one.

    Kubernetes sets ``PROXY_PORT=tcp://…`` in every pod beside a Service that is called proxy.
    Milvus ``internal/distributed/proxy/service.go``; booted: "listen on tcp", port 0.
    """
    config = context.config
    port = config.value(_PORT)
    if not port or atoi(port):
        return
    linked = port.startswith("tcp://")
    yield context.finding(
        "server-port-invalid",
        f"{_PORT} is {ascii(port)[:40]}, which is not a port, so Milvus listens on a random port "
        "that clients do not know.",
        "Rename that Service, or set enableServiceLinks: false in the pod's spec."
        if linked
        else f"Set {_PORT} to a number, such as 19530.",
        setting=_PORT,
        expected="a number from 1 to 65535",
        presented=ascii(port)[:60],
    )


def rest_port_shared(context: ServerContext) -> Iterator[Finding]:
    """gRPC and the RESTful API share a port, which TLS forbids (milvus#46312)."""
    config = context.config
    known = all(map(config.knows, (_REST, _REST_ENABLED, _PORT)))
    if context.mode is TLSMode.PLAINTEXT or not known or not config.flag(_REST_ENABLED):
        return
    port = config.value(_REST)
    if port and atoi(port) != atoi(config.value(_PORT)):
        return
    tolerated = config.release is not None and config.release < _SEPARATE_SINCE
    presented = port or "not set"
    yield context.finding(
        "server-rest-port-shared",
        f"The RESTful API shares the gRPC port, because {_REST} is {presented}. "
        "With TLS, Milvus does not start with a shared port.",
        f"Set {_REST} to another port, such as 8080, or {_REST_ENABLED} to false.",
        severity=Severity.WARNING if tolerated else None,
        setting=_REST,
        expected="a port other than the gRPC port",
        presented=presented,
    )
