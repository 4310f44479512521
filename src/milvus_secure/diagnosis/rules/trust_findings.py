"""What a reason to refuse a chain becomes: a finding with setting, origin, remedy and command."""

from __future__ import annotations

from ..._common.endpoint import server_name_indication
from ...reporting.report import Finding, Severity, finding
from ...verification.verdict import Failure
from ..context import Chain, Context
from .trust_remedies import Remedy, client_remedy, server_remedy


def server_finding(context: Context, chain: Chain, failure: Failure) -> Finding:
    """The finding of a server's chain, at the setting that names the trust anchors."""
    anchor = context.anchor_material
    setting = anchor.setting if anchor else "ca_pem_path"
    at_fault = failure.certificate
    in_anchor = anchor is not None and at_fault is not None and at_fault not in chain.certificates
    name = server_name_indication(context.reference_name or "")
    remedy = server_remedy(failure, setting, _address(context), name)
    if in_anchor and failure.code == "certificate-expired":
        remedy = Remedy(f"Set {setting} to the CA's current certificate.")
    return finding(
        failure.code,
        failure.message,
        _proxy_hint(context, chain, failure) + remedy.text,
        severity=_severity(context, chain, failure),
        setting=setting if chain.served else chain.setting,
        source=context.settings.source_of(setting) if chain.served else chain.source,
        origin=anchor.origin if in_anchor and anchor else chain.origin,
        expected=failure.expected,
        presented=failure.presented,
        command=remedy.command,
    )


def _severity(context: Context, chain: Chain, failure: Failure) -> Severity:
    """A warning where gRPC would accept it under TLS 1.2 and TLS 1.3 was not seen."""
    tls = context.observation.tls if context.observation and chain.served else None
    tolerated = failure.only_tls13 and not (tls and tls.version == "TLSv1.3")
    return Severity.WARNING if tolerated else Severity.ERROR


def _proxy_hint(context: Context, chain: Chain, failure: Failure) -> str:
    """What may be the case where a proxy is in front of a server that is not trusted."""
    proxy = context.observation.proxy if context.observation else None
    if proxy is None or not proxy.open or not chain.served or failure.code != "chain-untrusted":
        return ""
    return (
        f"The certificate came through the proxy {proxy.name}: if that proxy inspects TLS, add its "
        "CA to the file of trust anchors, or connect to this host without it (no_proxy). "
    )


def client_finding(context: Context, chain: Chain, failure: Failure) -> Finding:
    """The finding of the client's chain; about an anchor a warning, as Milvus may have another."""
    in_anchor = failure.certificate is not None and failure.certificate not in chain.certificates
    remedy = client_remedy(failure, chain.setting, _address(context))
    return finding(
        failure.code,
        failure.message,
        remedy.text,
        severity=Severity.WARNING if in_anchor else Severity.ERROR,
        setting=chain.setting,
        source=chain.source,
        origin=chain.origin,
        expected=failure.expected,
        presented=failure.presented,
        command=remedy.command,
    )


def _address(context: Context) -> str:
    return context.endpoint.address if context.endpoint else "HOST:19530"
