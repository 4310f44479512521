"""The way to the endpoint: directly, or through the HTTP proxy that gRPC would use."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..._common.deadline import Deadline
from ...reporting.observation import ProxyTunnel
from .proxies import HttpProxy, TunnelRefusedError, open_tunnel, proxy_for
from .record import Record
from .sockets import ConnectResult, DeadlineSocket, dial, resolve
from .timeouts import TIMEOUTS

if TYPE_CHECKING:
    from ..._common.endpoint import Endpoint


def connect(endpoint: Endpoint, deadline: Deadline, record: Record) -> ConnectResult:
    """Connect as gRPC does: through a proxy, where the environment names one.

    Args:
        endpoint: Where to.
        deadline: For all of it.
        record: Gets the steps, the addresses, the proxy, and why there is no connection.
    """
    proxy = proxy_for(endpoint.host)
    if proxy is None:
        return _connect_directly(endpoint, deadline, record)
    dialled, tunnel = _connect_through(endpoint, deadline, proxy)
    record.fields["proxy"] = tunnel
    if tunnel.open:
        record.step("proxy", True, f"{proxy.name} opened a tunnel")
        return dialled
    record.step("proxy", False, f"{proxy.name}: {tunnel.detail}; trying without it")
    direct = _connect_directly(endpoint, deadline, record)
    record.fields["proxy"] = replace(tunnel, direct=direct.connection is not None)
    return direct


def _connect_through(
    endpoint: Endpoint, whole: Deadline, proxy: HttpProxy
) -> tuple[ConnectResult, ProxyTunnel]:
    deadline = whole.within(min(whole.left / 2, TIMEOUTS.first_byte))
    try:
        addresses = resolve(proxy.host, proxy.port, deadline)
    except OSError as error:
        detail = f"{proxy.host}: {error.strerror or error}"
        return ConnectResult(), ProxyTunnel(proxy.name, False, detail=detail)
    dialled = dial(addresses, deadline)
    connection = dialled.take()
    if connection is None:
        return dialled, ProxyTunnel(proxy.name, False, detail=dialled.summary)
    ask = partial(open_tunnel, proxy=proxy, target=endpoint.address)
    try:
        ask(DeadlineSocket(connection, deadline))
    except OSError as error:
        connection.close()
        status = error.status if isinstance(error, TunnelRefusedError) else None
        detail = error.strerror or str(error)
        return dialled, ProxyTunnel(proxy.name, False, status, detail)
    dialled.connection, dialled.tunnel = connection, ask
    return dialled, ProxyTunnel(proxy.name, True)


def _connect_directly(endpoint: Endpoint, deadline: Deadline, record: Record) -> ConnectResult:
    host = endpoint.host
    try:
        addresses = resolve(host, endpoint.port, deadline)
    except TimeoutError as error:
        _fail(record, "resolve", "tcp-timeout", str(error))
        return ConnectResult()
    except OSError as error:
        _fail(record, "resolve", "dns-failed", error.strerror or str(error))
        return ConnectResult()
    record.fields["addresses"] = tuple(address.ip for address in addresses)
    record.step("resolve", True, ", ".join(address.ip for address in addresses))
    dialled = dial(addresses, deadline)
    if dialled.connection is None:
        _fail(record, "tcp", dialled.code, dialled.summary)
    else:
        record.step("tcp", True, dialled.summary)
    return dialled


def _fail(record: Record, step: str, code: str, detail: str) -> None:
    if "proxy" not in record.fields:  # gRPC does not take this way
        record.fields.update(failure=code, failure_detail=detail)
    record.step(step, None if "proxy" in record.fields else False, detail)
