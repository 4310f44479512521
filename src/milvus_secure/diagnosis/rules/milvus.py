"""Rules about Milvus behind the handshake: is it Milvus, is it ready, does it accept the caller?"""

from __future__ import annotations

from collections.abc import Iterator

from ..._common.tls_mode import TLSMode
from ...reporting.report import Finding
from ..context import Context
from .names import calls_are_refused
from .reachability import at_endpoint, envoy_status, grpc_ready, observed
from .rule import Rule

# Milvus pkg/util/merr/errors.go.
_DATABASE = {800, 802}  # not found, name not allowed
_PRIVILEGE = {1400, 1401}  # not authenticated, not permitted

# gRPC's statuses; those it makes of HTTP answers are in its doc/http-grpc-status-mapping.md.
_REFUSED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
_BUSY = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}


def _call(context: Context) -> str:
    """The status and the words of the Milvus call, as evidence."""
    grpc = observed(context).grpc
    return f"{grpc.status} {grpc.details}".strip() if grpc else ""


def _status(context: Context) -> str | None:
    """The status of a call over a ready channel that Milvus itself did not answer."""
    observation = observed(context)
    if not grpc_ready(context) or observation.milvus is not None or observation.grpc is None:
        return None
    if observation.grpc.http_status is not None or envoy_status(context):  # a proxy's own answer
        return None
    if calls_are_refused(context):  # by gRPC itself, which sent none
        return None
    return observation.grpc.status


def _not_milvus(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    foreign = observation.protocol in {"http1", "other", "closed"}
    status, tls = _status(context), observation.tls
    message = f"The program that answers at {observation.address} is not Milvus."
    if context.mode is TLSMode.PLAINTEXT and foreign and not grpc_ready(context):
        evidence = observation.greeting or "nothing; it closed the connection"
    elif tls is not None and tls.foreign_answer and not grpc_ready(context):
        message = (
            f"The program behind TLS at {observation.address} is not Milvus: it agreed to HTTP/2 "
            "and does not speak it."
        )
        evidence = tls.foreign_answer
    elif status is not None and status not in _REFUSED | _BUSY:
        evidence = _call(context)
        if status != "UNIMPLEMENTED":  # which it answers where it does not know the call
            message = (
                f"The program that answers at {observation.address} ended the call with the status "
                f"{status}. Most likely it is not Milvus."
            )
    else:
        return
    yield at_endpoint(
        context,
        "not-milvus",
        message,
        "Check host and port in uri: Milvus serves gRPC on 19530, and REST and metrics on other "
        "ports. A proxy in front of Milvus must forward gRPC to it.",
        expected="an answer to MilvusService/Connect",
        presented=evidence,
    )


def _server_not_ready(context: Context) -> Iterator[Finding]:
    observation = observed(context)
    answer = observation.milvus
    if not grpc_ready(context):
        return
    if answer is None:
        if _status(context) not in _BUSY:
            return
        evidence = _call(context)
    elif answer.code in {0, *_DATABASE, *_PRIVILEGE}:
        return
    else:
        evidence = f"{answer.reason or 'error'} (code {answer.code})"
    yield at_endpoint(
        context,
        "server-not-ready",
        f"The server at {observation.address} accepts connections, but does not answer calls yet.",
        "Wait and try again (`milvus-secure check --wait 120`). If it stays so, check on the "
        "server Milvus's health, etcd and the object storage.",
        expected="an answer to MilvusService/Connect",
        presented=evidence,
        command="curl -s http://localhost:9091/healthz; docker compose ps",
    )


def _refused(context: Context) -> bool:
    answer = observed(context).milvus
    by_milvus = answer is not None and answer.code in _PRIVILEGE
    return grpc_ready(context) and (by_milvus or _status(context) in _REFUSED)


def _reason(context: Context) -> str:
    observation = observed(context)
    if observation.milvus:
        return observation.milvus.reason
    return observation.grpc.details if observation.grpc else ""


def _authentication_required(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if not _refused(context) or settings.token or (settings.user and settings.password):
        return
    missing, setting, have = "a token, or user and password", "token", "none"
    if settings.user:
        missing, setting, have = "a password for the user", "password", "only a user"
    elif settings.password:
        missing, setting, have = "the user that the password belongs to", "user", "only a password"
    value = "user:password" if setting == "token" else setting
    yield at_endpoint(
        context,
        "authentication-required",
        f"The server requires credentials, and the settings contain {have}.",
        f"Set {missing}. TLS works. The server requires credentials because its "
        "common.security.authorizationEnabled is true.",
        setting=setting,
        expected=missing,
        presented=_reason(context),
        command=f"export {settings.variable_of(setting)}='{value}'",
    )


def _authentication_failed(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if not _refused(context) or not (settings.token or (settings.user and settings.password)):
        return
    setting = "token" if settings.token else "password"
    is_api_key = settings.token is not None and ":" not in settings.token.get_secret_value()
    form = (
        " Write it as user:password: a token without a colon is an API key, and only Zilliz Cloud "
        "and servers with a plugin for it accept one."
        if is_api_key
        else ""
    )
    yield at_endpoint(
        context,
        "authentication-failed",
        "The server does not accept the credentials.",
        f"Correct {setting} ({settings.source_of(setting)}).{form} A token is used before user and "
        "password. TLS works. On the server, root can set a new password: "
        "`client.update_password(...)`.",
        setting=setting,
        expected="credentials that the server knows",
        presented=_reason(context),
    )


def _database_missing(context: Context) -> Iterator[Finding]:
    answer, name = observed(context).milvus, context.settings.db_name
    if not name or answer is None:
        return
    # Such a name cannot travel as gRPC metadata, and Milvus would not allow it.
    impossible = not (name.isascii() and name.isprintable()) and answer.code == 0
    if not impossible and answer.code not in _DATABASE:
        return
    yield at_endpoint(
        context,
        "database-missing",
        f"The database {name!r} does not exist on the server.",
        "Correct db_name, or unset it to use the default database; or create the database: "
        f"`client.create_database({name!r})`.",
        setting="db_name",
        expected="a database of the server",
        presented=answer.reason or name,
    )


RULES = (
    Rule("not-milvus", _not_milvus, subjects=("milvus",)),
    Rule("server-not-ready", _server_not_ready, subjects=("milvus",)),
    Rule("authentication-required", _authentication_required, subjects=("milvus",)),
    Rule("authentication-failed", _authentication_failed, subjects=("milvus",)),
    Rule("database-missing", _database_missing, subjects=("milvus",)),
)
