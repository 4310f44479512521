"""Rules about the URI: how pymilvus reads an address, judged without connecting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..._common.endpoint import LITE_SUFFIX, mask_uri, parse_uri, uri_of
from ..._common.tls_mode import TLSMode
from ..._common.versions import installed_pymilvus
from ...pem.slots import Slot
from ...reporting.report import Finding, finding
from ..context import Context
from .rule import Rule

if TYPE_CHECKING:
    from ...settings.model import SettingsModel

# Zilliz Cloud serves on 443 and documents its endpoints without a port.
_CLOUDS = (".zillizcloud.com", ".zilliz.com.cn")
_GLOBAL_CLUSTER = "global-cluster"


def _uri_invalid(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if settings.uri_fault:
        yield finding(
            "uri-invalid",
            f"The URI cannot be used: {settings.uri_fault}.",
            _usable_uri(settings.uri),
            setting="uri",
            source=settings.source_of("uri"),
            expected="https://HOST:PORT",
            presented=ascii(mask_uri(settings.uri))[:120],
        )


def _usable_uri(uri: str) -> str:
    if uri.endswith(LITE_SUFFIX):
        return (
            "A local file (Milvus Lite) has no TLS: open it with pymilvus.MilvusClient, or write "
            "the address of a server as https://HOST:19530."
        )
    # Only the text in place of the scheme is replaced; a part of a password is never shown.
    address = uri_of(re.sub("^(?:grpcs?|milvus)://|^(?:https?|tcp):?/(?!/)/?", "", uri))
    return f"Write it as {address if parse_uri(address).endpoint else 'https://HOST:19530'}."


def _uri_port_implicit(context: Context) -> Iterator[Finding]:
    endpoint = context.endpoint
    if endpoint is None or endpoint.port_given or endpoint.scheme != "https":
        return
    if endpoint.host.endswith(_CLOUDS):
        return
    yield finding(
        "uri-port-implicit",
        "The https URI has no port, so pymilvus connects to 443; Milvus itself listens on 19530.",
        f"Write https://{endpoint.host}:19530, or :443 if a proxy in front of Milvus is meant.",
        setting="uri",
        source=context.settings.source_of("uri"),
        expected="port 19530",
        presented="port 443",
    )


def _ipv6_literal(context: Context) -> Iterator[Finding]:
    """No pymilvus from 2.4 to 3.0 puts the brackets back (``ConnectionConfig.from_uri``)."""
    endpoint = context.endpoint
    if endpoint is None or not endpoint.is_ipv6:
        return
    yield finding(
        "ipv6-literal",
        "pymilvus drops the brackets of an IPv6 address and then cannot connect to it.",
        f"Use a host name that resolves to {endpoint.host}, from DNS or /etc/hosts.",
        setting="uri",
        source=context.settings.source_of("uri"),
        expected=endpoint.address,
        presented=f"{endpoint.host}:{endpoint.port}",
    )


def _global_cluster_trust(context: Context) -> Iterator[Finding]:
    """For such a host pymilvus first asks for the topology with ``requests``, by public CAs.

    It sends the token there, and connects to the host that the answer names
    (pymilvus ``client/global_topology.py``, from 2.6.10 on).
    """
    endpoint, settings = context.endpoint, context.settings
    if endpoint is None or _GLOBAL_CLUSTER not in endpoint.host.lower():
        return
    anchor = context.mode is not TLSMode.PLAINTEXT and _private_anchor(settings)
    if not anchor or installed_pymilvus() < (2, 6, 10):
        return
    yield finding(
        "global-cluster-trust",
        f"pymilvus treats {endpoint.host} as a global cluster of Zilliz Cloud: it sends the token "
        f"to a server that it verifies with public CAs, not with {anchor}.",
        "Use another host name for your own Milvus; for Zilliz Cloud trust public roots with "
        "ca_pem_path=system.",
        setting="uri",
        source=settings.source_of("uri"),
        expected=f"a host name without {_GLOBAL_CLUSTER}, or public roots",
        presented=f"{endpoint.host} with {anchor}",
    )


def _private_anchor(settings: SettingsModel) -> str:
    """The setting that names a trust anchor other than the public roots; empty if none does."""
    for slot in (Slot.SERVER_PEM, Slot.CA_PEM):
        anchor = settings.pem_sources.get(slot)
        if anchor is not None and not anchor.is_public_roots:
            return anchor.setting
    return ""


RULES: tuple[Rule, ...] = (
    Rule("uri-invalid", _uri_invalid),
    Rule("uri-port-implicit", _uri_port_implicit),
    Rule("ipv6-literal", _ipv6_literal),
    Rule("global-cluster-trust", _global_cluster_trust),
)
