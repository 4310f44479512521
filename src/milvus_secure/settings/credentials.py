"""Which credentials are used where several are set: a token, user and password, or the URI's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr

from .._common.endpoint import ParsedUri
from ..reporting.report import Finding, finding
from .provenance import Sourced, inside

_CREDENTIALS = ("token", "user", "password")


@dataclass(frozen=True, slots=True)
class _Identity:
    """Credentials that are complete: a token, or a user with a password.

    Attributes:
        rank: Of the weakest source that a part of them came from; 0 is the strongest.
        parts: The settings they consist of.
    """

    rank: int
    parts: Mapping[str, Sourced]

    def __str__(self) -> str:
        sources = dict.fromkeys(part.source for part in self.parts.values())
        return f"{' and '.join(self.parts)} from {' and '.join(sources)}"


def unpack_uri(
    values: Mapping[str, Sourced], parsed: ParsedUri | None
) -> tuple[dict[str, Sourced], list[Finding]]:
    """Move the database and the credentials that a URI contains into their settings.

    The credentials of the strongest source are used. A user with a password is as strong as the
    weaker of the two; what a URI contains is as strong as the URI. Within one source a token
    goes before user and password, and these go before the URI, as in pymilvus
    (``MilvusClient`` and ``ConnectionConfig.from_uri``, 2.6 and later).

    Args:
        values: The settings as they were cleaned.
        parsed: The URI among them, taken apart; None if there is none.

    Returns:
        The settings, with a URI that contains nothing but the endpoint, and a note on each
        credential that is not used.
    """
    settings = dict(values)
    uri = values.get("uri")
    in_uri = None
    if uri is not None and parsed is not None:
        if parsed.bare != uri.value:
            settings["uri"] = replace(uri, value=parsed.bare)
        if parsed.db_name and "db_name" not in values:
            source = inside("uri", uri.source)
            settings["db_name"] = replace(uri, value=parsed.db_name, source=source)
        in_uri = _in_uri(uri, parsed, values.get("password"))
    identities = [_token(values), _pair(values), in_uri]
    used = min(filter(None, identities), key=lambda identity: identity.rank, default=None)
    if used is None:
        return settings, []
    if "token" not in used.parts:
        settings.pop("token", None)  # pymilvus would use it
    settings.update(used.parts)
    ignored_uri = None if in_uri is None or in_uri is used else uri
    return settings, list(_unused(used, values, ignored_uri))


def _token(values: Mapping[str, Sourced]) -> _Identity | None:
    token = values.get("token")
    return _Identity(token.rank, {"token": token}) if token else None


def _pair(values: Mapping[str, Sourced]) -> _Identity | None:
    user, password = values.get("user"), values.get("password")
    if user is None or password is None:
        return None
    return _Identity(max(user.rank, password.rank), {"user": user, "password": password})


def _in_uri(uri: Sourced, parsed: ParsedUri, password: Sourced | None) -> _Identity | None:
    """A lone user in a URI is a token, as in pymilvus; beside a password it is the user."""
    if not parsed.user:
        return None
    user = replace(uri, value=parsed.user, source=inside("uri", uri.source))
    if parsed.password:
        return _Identity(uri.rank, {"user": user, "password": replace(user, value=parsed.password)})
    if password is not None:
        rank = max(uri.rank, password.rank)
        return _Identity(rank, {"user": user, "password": password})
    return _Identity(uri.rank, {"token": user})


def _unused(
    used: _Identity, values: Mapping[str, Sourced], uri: Sourced | None
) -> Iterator[Finding]:
    for name in _CREDENTIALS:
        value = values.get(name)
        if value is None or used.parts.get(name) is value:
            continue
        if name != "user" or not _text(used.parts.get("token")).startswith(f"{value.value}:"):
            yield _note(name, name, value.source, used)
    if uri is not None:
        yield _note("uri", "user information in the uri", uri.source, used)


def _text(value: Sourced | None) -> str:
    secret = value.value if value else ""
    return str(secret.get_secret_value() if isinstance(secret, SecretStr) else secret)


def _note(setting: str, label: str, source: str, used: _Identity) -> Finding:
    return finding(
        "credentials-unused",
        f"The {label} from {source} is not used: the connection uses {used}.",
        f"If that is right, remove the {label}. If not, remove {used}.",
        setting=setting,
        source=source,
        expected="one set of credentials",
    )
