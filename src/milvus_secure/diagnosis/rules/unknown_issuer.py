"""Why no trust anchor issued the server's certificate, explained by the settings.

`verification.untrusted` explains a chain by its certificates alone. Here the setting that is to
blame is named: no CA is set, the pinned certificate is not served any more, or the certificate set
as CA is not a CA.
"""

from __future__ import annotations

from dataclasses import replace

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...pem.certificate import (
    extension,
    issued,
    issuer_text,
    may_issue,
    same_name,
    self_issued,
    subject_of,
    subject_text,
)
from ...verification.path import Verdict
from ...verification.verdict import Failure
from ..context import Context


def in_view_of_the_settings(context: Context, verdict: Verdict, failure: Failure) -> Failure:
    """The same failure, explained by the setting that is to blame.

    Args:
        context: With the server's chain.
        verdict: On that chain.
        failure: Why no trust anchor issued it.
    """
    chain, anchor = context.server_chain, context.anchor_material
    if chain is None:
        return failure
    pinned = replaced_pin(context)
    if pinned is not None and anchor is not None:
        return Failure(
            "presented-certificate-differs",
            f"The server presents another certificate than the one in {anchor.setting}, and no "
            "trust anchor issued it.",
            expected=_identified(pinned),
            presented=_identified(chain.leaf),
        )
    if failure.code != "chain-untrusted" or failure.remedy == "other-edition":
        return failure
    top = verdict.path[-1]
    if anchor is None:
        return replace(failure, message=_no_ca_given(context, top, failure))
    holder = next(
        (certificate for certificate in anchor.certificates if not may_issue(certificate)), None
    )
    if holder is None or len(anchor.certificates) > 1 or holder == chain.leaf:
        return failure
    ours = context.client_chain is not None and context.client_chain.leaf == holder
    return replace(
        failure,
        message=f"{anchor.setting} contains {'the client certificate ' if ours else ''}"
        f"{subject_text(holder)}, which is not a CA and cannot verify other certificates. "
        f"The server's certificate was issued by {issuer_text(top)}.",
    )


def _no_ca_given(context: Context, top: x509.Certificate, failure: Failure) -> str:
    reason = "ca_pem_path is 'system'" if "ca_pem" in context.material else "No CA was given"
    public = f"{reason}, so gRPC's public CAs were used, but this server's certificate"
    if (
        self_issued(top)
        and len(context.server_chain.certificates if context.server_chain else ()) == 1
    ):
        return f"{public} is self-signed: {subject_text(top)}."
    kind = "" if failure.remedy == "may-be-intermediate" else "the private CA "
    tail = ", which is not one of them" if not kind else ""
    return f"{public} was issued by {kind}'{issuer_text(top)}'{tail}."


def replaced_pin(context: Context) -> x509.Certificate | None:
    """The certificate pinned as trust anchor, if the server presents another one instead.

    Pinned is a certificate of a server's: one that is no CA and not the client's, or a self-signed
    one where the server presents a self-signed one of the same name.
    """
    anchor, chain, verdict = context.anchor_material, context.server_chain, context.server_verdict
    if anchor is None or not anchor.certificates or chain is None or not chain.served:
        return None
    if verdict is None or verdict.trusted is not None or verdict.not_judged:
        return None
    pinned, leaf = anchor.certificates[0], chain.leaf
    if pinned == leaf or (context.client_chain and context.client_chain.leaf == pinned):
        return None
    if may_issue(pinned):
        alike = same_name(subject_of(pinned), subject_of(leaf))
        return pinned if alike and issued(pinned, pinned) and issued(leaf, leaf) else None
    usages = extension(pinned, x509.ExtendedKeyUsage)
    of_a_client = (
        usages is not None
        and ExtendedKeyUsageOID.CLIENT_AUTH in usages
        and ExtendedKeyUsageOID.SERVER_AUTH not in usages
    )
    return None if of_a_client else pinned


def _identified(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - only its type above

    return f"{subject_text(certificate)}, SHA-256 {certificate.fingerprint(hashes.SHA256()).hex()}"
