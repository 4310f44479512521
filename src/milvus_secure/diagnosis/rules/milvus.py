"""Rules about Milvus behind the handshake: is it one, ready, and does it let us in."""

from __future__ import annotations

from collections.abc import Iterator

from ..._common.tls_mode import TLSMode
from ...reporting.report import Finding
from ..context import Context
from .reachability import at_endpoint, grpc_ready, seen
from .rule import Rule

# Milvus pkg/util/merr/errors.go.
_DATABASE = {800, 802}  # not found, name not allowed
_PRIVILEGE = {1400, 1401}  # not authenticated, not permitted

# gRPC's statuses; those it makes of HTTP answers are in its doc/http-grpc-status-mapping.md.
_REFUSED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
_BUSY = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}


def _not_milvus(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    foreign = observation.speaks in {"http1", "other", "closed"}
    if context.mode is TLSMode.PLAINTEXT and foreign and not grpc_ready(context):
        evidence = observation.greeting or "nothing; it hangs up"
    elif grpc_ready(context) and observation.milvus_code is None:
        if observation.grpc_code in _REFUSED | _BUSY:
            return
        evidence = f"{observation.grpc_code} {observation.milvus_detail}".strip()
    else:
        return
    yield at_endpoint(
        context,
        "not-milvus",
        f"What answers at {observation.address} is not Milvus.",
        "Check host and port in uri: Milvus serves gRPC on 19530, and REST or metrics on other "
        "ports. A proxy in front must pass gRPC on to it.",
        expected="an answer to MilvusService/Connect",
        presented=evidence,
    )


def _server_not_ready(context: Context) -> Iterator[Finding]:
    observation = seen(context)
    if not grpc_ready(context):
        return
    if observation.milvus_code is None:
        if observation.grpc_code not in _BUSY:
            return
        evidence = f"{observation.grpc_code} {observation.milvus_detail}".strip()
    elif observation.milvus_code in {0, *_DATABASE, *_PRIVILEGE}:
        return
    else:
        evidence = f"{observation.milvus_detail or 'error'} (code {observation.milvus_code})"
    yield at_endpoint(
        context,
        "server-not-ready",
        f"The server at {observation.address} can be reached, but does not serve calls.",
        "Wait and try again. On the server, ask for its health and look at etcd and storage: "
        "curl -s http://localhost:9091/healthz; docker compose ps.",
        expected="an answer to MilvusService/Connect",
        presented=evidence,
    )


def _refused(context: Context) -> bool:
    observation = seen(context)
    if not grpc_ready(context):
        return False
    by_milvus = observation.milvus_code in _PRIVILEGE
    return by_milvus or (observation.milvus_code is None and observation.grpc_code in _REFUSED)


def _authentication_required(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if not _refused(context) or settings.token or (settings.user and settings.password):
        return
    missing, setting = "a token, or user and password", "token"
    if settings.user:
        missing, setting = "a password for the user", "password"
    elif settings.password:
        missing, setting = "the user the password belongs to", "user"
    yield at_endpoint(
        context,
        "authentication-required",
        "The server wants credentials, and the settings give none.",
        f"Set {missing}: export MILVUS_TOKEN='user:password'. TLS is fine. On the server it is "
        "common.security.authorizationEnabled.",
        setting=setting,
        expected=missing,
        presented=seen(context).milvus_detail,
    )


def _authentication_failed(context: Context) -> Iterator[Finding]:
    settings = context.settings
    if not _refused(context) or not (settings.token or (settings.user and settings.password)):
        return
    setting = "token" if settings.token else "password"
    yield at_endpoint(
        context,
        "authentication-failed",
        "The server does not accept the credentials.",
        f"Correct {setting} ({settings.source_of(setting)}); a token wins over user and password. "
        "TLS is fine. On the server, root can reset it: client.update_password(...).",
        setting=setting,
        expected="credentials the server knows",
        presented=seen(context).milvus_detail,
    )


def _database_missing(context: Context) -> Iterator[Finding]:
    observation, name = seen(context), context.settings.db_name
    if not name:
        return
    # Such a name cannot travel as gRPC metadata, and Milvus would not allow it.
    impossible = not (name.isascii() and name.isprintable()) and observation.milvus_code == 0
    if not impossible and observation.milvus_code not in _DATABASE:
        return
    yield at_endpoint(
        context,
        "database-missing",
        f"The database {name!r} does not exist on the server.",
        "Correct db_name, or unset it for the default database; or create it on the server: "
        f"client.create_database({name!r}).",
        setting="db_name",
        expected="a database of the server",
        presented=observation.milvus_detail or name,
    )


RULES = (
    Rule("not-milvus", _not_milvus),
    Rule("server-not-ready", _server_not_ready),
    Rule("authentication-required", _authentication_required),
    Rule("authentication-failed", _authentication_failed),
    Rule("database-missing", _database_missing),
)
