"""Rules about settings that must fit together, judged without opening a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..._common.endpoint import invisible_character, mask_uri
from ..._common.tls_mode import TLSMode
from ...pem.slots import Slot
from ...reporting.report import Finding, Severity, finding
from ..context import Context
from .rule import Rule


def _secure_contradiction(context: Context) -> Iterator[Finding]:
    settings, request = context.settings, _plaintext_asked(context)
    if request is None:
        if settings.secure is False and settings.tls_mode is not TLSMode.AUTO:
            yield _contradiction(context, "secure", "secure=false", "tls_mode")
        return
    setting, words = request
    beside = _tls_signs(context)
    if beside:
        yield _contradiction(context, setting, words, beside[0])


def _contradiction(context: Context, setting: str, words: str, beside: str) -> Finding:
    settings = context.settings
    tls_request = "an https uri" if beside == "uri" else f"{beside} ({settings.source_of(beside)})"
    return finding(
        "secure-contradiction",
        f"{words} asks for plaintext, but {tls_request} asks for TLS.",
        f"Remove {setting} to connect over TLS, or {beside} to connect in plaintext."
        if beside != "uri"
        else f"Remove {setting} to connect over TLS, or write http:// to connect in plaintext.",
        setting=setting,
        source=settings.source_of(setting),
        expected="settings that all ask for TLS, or all for plaintext",
        presented=f"{words} and {beside}",
    )


def _plaintext_asked(context: Context) -> tuple[str, str] | None:
    """The setting that asks for plaintext explicitly, and how it is written."""
    settings = context.settings
    if settings.tls_mode is TLSMode.PLAINTEXT:
        return "tls_mode", "tls_mode=plaintext"
    if settings.secure is False and settings.tls_mode is TLSMode.AUTO:
        return "secure", "secure=false"
    return None


def _tls_signs(context: Context) -> list[str]:
    """The settings that ask for TLS, the plainest first."""
    settings = context.settings
    signs = [name for slot in Slot for name in reversed(slot.settings) if getattr(settings, name)]
    if settings.uri.lower().startswith("https:") and settings.source_of("uri") != "default":
        signs.insert(0, "uri")
    return [*(["secure"] if settings.secure else []), *signs]


def _plaintext_not_allowed(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if context.mode is not TLSMode.PLAINTEXT or settings.allow_plaintext:
        return
    if any(_secure_contradiction(context)):
        return
    request = _plaintext_asked(context)
    if request is None and context.endpoint is None:
        return  # uri-invalid: the URI says nothing about TLS
    setting = request[0] if request else "uri"
    variable = settings.variable_of("allow_plaintext")
    yield finding(
        "plaintext-not-allowed",
        "The connection would not be encrypted (plaintext), and allow_plaintext is not set.",
        f"Use an https:// URI, or set allow_plaintext=true ({variable}) if plaintext is intended.",
        setting=setting,
        source=settings.source_of(setting),
        expected="TLS, or allow_plaintext=true",
        presented=request[1] if request else mask_uri(settings.uri),
    )


def _plaintext_credentials(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if context.mode is not TLSMode.PLAINTEXT or not settings.allow_plaintext:
        return
    secret = next((name for name in ("token", "password") if getattr(settings, name)), None)
    if secret:
        yield finding(
            "plaintext-credentials",
            f"The {secret} is sent in plaintext: anyone on the network path can read it.",
            "Use TLS: an https:// URI, and ca_pem_path if the CA is your own.",
            setting=secret,
            source=settings.source_of(secret),
        )


def _credentials_incomplete(context: Context) -> Iterator[Finding]:
    """A user without a password, or the reverse: pymilvus sends neither.

    (``GrpcHandler._setup_authorization_interceptor``, 2.4 to 3.0)
    """
    settings = context.settings
    if settings.token or bool(settings.user) is bool(settings.password):
        return
    setting, lack = ("user", "password") if settings.user else ("password", "user")
    yield finding(
        "credentials-unused",
        f"The {setting} is not used, because no {lack} is set.",
        f"Set {lack} too, or a token instead.",
        setting=setting,
        source=settings.source_of(setting),
        expected="user and password, or a token",
        presented=f"{setting} alone",
    )


def _tls_mode_conflict(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if settings.tls_mode is not TLSMode.MUTUAL or _pair(context):
        return
    yield finding(
        "tls-mode-conflict",
        "tls_mode asks for mutual TLS, but no client certificate and key are set.",
        "Set client_pem_path and client_key_path, or set tls_mode to one-way.",
        setting="tls_mode",
        source=settings.source_of("tls_mode"),
        expected="client_pem_path, client_key_path and ca_pem_path",
        presented="neither",
    )


def _client_pair_incomplete(context: Context) -> Iterator[Finding]:
    pair = _pair(context)
    if context.mode is not TLSMode.MUTUAL or len(pair) != 1:
        return
    have = _setting_of(context, pair[0])
    lack = "client_key_path" if pair[0] == "client_pem" else "client_pem_path"
    yield finding(
        "client-pair-incomplete",
        f"Mutual TLS needs a client certificate and its key, but {lack} is not set.",
        f"Set {lack} too, or remove {have}.",
        setting=have,
        source=context.settings.source_of(have),
        expected="client_pem_path and client_key_path",
        presented=f"{have} alone",
    )


def _mutual_ca_missing(context: Context) -> Iterator[Finding]:
    pair = _pair(context)
    if context.mode is not TLSMode.MUTUAL or not pair or context.settings.has("ca_pem"):
        return
    have = _setting_of(context, pair[0])
    pinned = context.settings.has("server_pem")
    anchor = (
        f"the file of {_setting_of(context, 'server_pem')}"
        if pinned
        else "the CA of the server's certificate"
    )
    yield finding(
        "mutual-ca-missing",
        "Mutual TLS needs ca_pem_path; without it pymilvus drops the client certificate.",
        f"Set ca_pem_path to {anchor}, or to `system` for public roots.",
        setting=have,
        source=context.settings.source_of(have),
        expected="ca_pem_path, with the client certificate and key",
        presented="server_pem_path instead" if pinned else "no trust anchor",
    )


def _server_pem_unused(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if context.mode is not TLSMode.MUTUAL or not settings.has("server_pem"):
        return
    if not settings.has("ca_pem"):
        return  # mutual-ca-missing says what to do with it
    setting = _setting_of(context, "server_pem")
    yield finding(
        "server-pem-unused",
        f"Mutual TLS trusts ca_pem_path, so {setting} is not used.",
        f"Remove {setting}. Without milvus-secure, pymilvus would use it and drop the client "
        "certificate.",
        setting=setting,
        source=settings.source_of(setting),
    )


def _server_name_malformed(context: Context) -> Iterator[Finding]:
    settings = context.settings
    name = settings.server_name
    if not name or context.mode is TLSMode.PLAINTEXT:
        return
    severity = Severity.ERROR
    if "://" in name:
        why, bare = "a scheme", name.partition("://")[2]
    elif re.search(r"[\s\x00-\x1f\x7f]", name):
        why, bare = "a blank or a control character", "".join(name.split())
    elif invisible := invisible_character(name):
        why, bare = f"the invisible character {invisible}", name
    elif "/" in name:
        why, bare = "a path", name.partition("/")[0]
    elif name.startswith("["):
        why, bare = "brackets", name.strip("[]")
    elif re.fullmatch(r"[^:]+:\d*", name):
        # gRPC cuts a port off before it compares (its SplitHostPort).
        why, bare, severity = "a port", name.partition(":")[0], Severity.WARNING
    else:
        return
    tolerated = "; this gRPC ignores it, others do not" if severity is Severity.WARNING else ""
    yield finding(
        "server-name-malformed",
        f"server_name contains {why}, but a certificate contains only names{tolerated}.",
        f"Write the name alone: {ascii(bare)[1:-1] or 'milvus.example.com'}.",
        severity=severity,
        setting="server_name",
        source=settings.source_of("server_name"),
        expected=ascii(bare)[1:-1] or None,
        presented=ascii(name),
    )


def _server_name_unused(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if context.mode is TLSMode.PLAINTEXT and settings.server_name:
        yield finding(
            "server-name-unused",
            "server_name has no effect on a plaintext connection, where no certificate is checked.",
            "Remove server_name, or connect over TLS.",
            setting="server_name",
            source=settings.source_of("server_name"),
        )


def _inline_and_path(context: Context) -> Iterator[Finding]:
    settings = context.settings
    for slot in Slot:
        path = slot.path_setting
        if getattr(settings, slot) is None or getattr(settings, path) is None:
            continue
        yield finding(
            "inline-and-path",
            f"{slot} and {path} are both set, but they mean the same thing; only one may be set.",
            f"Keep {slot} ({settings.source_of(slot)}) or {path} ({settings.source_of(path)}).",
            setting=slot,
            source=settings.source_of(slot),
            expected="one of the two",
            presented=f"{slot} and {path}",
        )


def _pair(context: Context) -> list[str]:
    return [slot for slot in ("client_pem", "client_key") if context.settings.has(slot)]


def _setting_of(context: Context, slot: str) -> str:
    return context.settings.pem_sources[Slot(slot)].setting


RULES: tuple[Rule, ...] = (
    Rule("inline-and-path", _inline_and_path),
    Rule("secure-contradiction", _secure_contradiction),
    Rule("plaintext-not-allowed", _plaintext_not_allowed),
    Rule("plaintext-credentials", _plaintext_credentials),
    Rule("credentials-unused", _credentials_incomplete),
    Rule("client-pair-incomplete", _client_pair_incomplete),
    Rule("mutual-ca-missing", _mutual_ca_missing),
    Rule("tls-mode-conflict", _tls_mode_conflict),
    Rule("server-pem-unused", _server_pem_unused),
    Rule("server-name-malformed", _server_name_malformed),
    Rule("server-name-unused", _server_name_unused),
)
