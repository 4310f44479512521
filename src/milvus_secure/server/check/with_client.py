"""Will this client connect to that server? Judged from the files of both, without a socket.

The server's configuration is turned into what a probe of it would see, so that the rules that
judge a live endpoint judge it too.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from ..._common.tls_mode import TLSMode
from ...client.settings import MilvusSettings
from ...diagnosis import rules as checks
from ...diagnosis.context import Context
from ...diagnosis.material import read_material
from ...diagnosis.rules.trust_remedies import SHOW_SERVER
from ...pem.certificate import issuer_text, subject_text
from ...pem.material import Material
from ...reporting.catalogue import CATALOGUE
from ...reporting.observation import CertificateRequest, Observation, TLSHandshake
from ...reporting.report import NOT_JUDGED, Finding, Report, Skip, finding
from ...verification.path import Role, judge_path
from .server_context import ServerContext


def judge_both(settings: MilvusSettings, server: ServerContext) -> Report:
    """Judge the client's settings and files against a server's configuration.

    Args:
        settings: The client's, as loaded.
        server: Its files already read.

    Returns:
        A report about the client, with the findings there would be at its endpoint.
    """
    base = Context(settings, read_material(settings))
    observation = _observation(base, server)
    context = replace(base, observation=observation)
    outcome = checks.run(context, checks.RULES)
    findings = [_seen_in_files(item, observation.address, server) for item in outcome.findings]
    accepted = list(_client_certificate(context, server))
    findings += [item for item in accepted if isinstance(item, Finding)]
    return Report(
        context.mode,
        (*settings.notes, *findings),
        (*outcome.skipped, *(item for item in accepted if isinstance(item, Skip))),
        settings.shown(),
        judged=tuple(dict.fromkeys((*outcome.judged, *(item.code for item in findings)))),
    )


def _observation(client: Context, server: ServerContext) -> Observation:
    """What a probe with this client's settings would see of such a server."""
    address = client.endpoint.address if client.endpoint else client.settings.uri
    if server.mode is TLSMode.PLAINTEXT:
        return Observation(address, protocol="http2")
    served = server.material.get("server_pem")
    request = CertificateRequest(_issuers(server.material.get("ca_pem")))
    tls = TLSHandshake(
        complete=True,
        alpn="h2",
        chain=served.certificates if served and not served.leaf_is_unread else (),
        unread=int(served is not None and served.has_unread),
        request=request if server.mode is TLSMode.MUTUAL else None,
    )
    return Observation(
        address, protocol="tls", tls=None if client.mode is TLSMode.PLAINTEXT else tls
    )


def _seen_in_files(item: Finding, address: str, server: ServerContext) -> Finding:
    """No socket was opened: what a probe would see stands in the server's files."""
    if item.origin != f"endpoint:{address}":
        return item
    served = server.material.get("server_pem")
    if served is None or CATALOGUE[item.code].area == "handshake":
        return replace(item, origin=f"file:{server.config.path}")
    show = f"milvus-secure certs show {shlex.quote(served.origin.removeprefix('file:'))}"
    asks_the_server = (item.command or "").startswith(SHOW_SERVER.partition("{")[0])
    return replace(item, origin=served.origin, command=show if asks_the_server else item.command)


def _issuers(anchors: Material | None) -> tuple[str, ...]:
    certificates = anchors.certificates if anchors else ()
    return tuple(map(subject_text, certificates))


def _client_certificate(client: Context, server: ServerContext) -> Iterator[Finding | Skip]:
    """The client's chain against the CA that the server trusts, by Go's rules."""
    anchors, chain = server.material.get("ca_pem"), client.client_chain
    if server.mode is not TLSMode.MUTUAL:
        return
    if chain is None:
        if client.mode is TLSMode.ONE_WAY:
            yield finding(
                "client-certificate-required",
                "The server requires a client certificate (tlsMode 2), but none is set.",
                "Set client_pem_path and client_key_path, with ca_pem_path.",
                setting="client_pem_path",
                source=client.settings.source_of("client_pem_path"),
                origin=f"file:{server.config.path}",
                expected=f"issued by {'; '.join(_issuers(anchors)) or 'the CA of tls.caPemPath'}",
                presented="none",
            )
        return
    if anchors is None or not anchors.certificates:
        return
    unread = chain.unread or anchors.has_unread
    verdict = judge_path(
        chain.certificates, anchors.certificates, client.now, Role.CLIENT, unread=unread
    )
    for part in verdict.not_judged:
        yield Skip("client-certificate-rejected", NOT_JUDGED, part.because)
    if verdict.failure is not None:
        yield finding(
            "client-certificate-rejected",
            f"The server would refuse the client certificate ({verdict.failure.code}): "
            f"{verdict.failure.message}",
            "Issue it under the CA that tls.caPemPath names.",
            command="milvus-secure certs client NAME --dir DIR",
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected=f"issued by {'; '.join(_issuers(anchors))}",
            presented=f"issued by {issuer_text(chain.certificates[-1])}",
        )
