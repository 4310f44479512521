"""The variables that pymilvus reads while it is imported, and what it cannot read there.

pymilvus takes them as they are (``pymilvus/settings.py``, ``Connections.__init__`` in
``pymilvus/orm/connections.py``): a value with quotes or blanks around it, which `MilvusSettings`
cleans, makes ``import pymilvus`` raise, whatever is passed to a client later.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from .._common.endpoint import mask_uri
from .._common.text import printable
from ..reporting.report import Finding, finding
from .normalize import stripped
from .provenance import Sourced

TIMEOUT = "MILVUS_CONN_TIMEOUT"
URIS = ("MILVUS_URI", "MILVUS_DEFAULT_CONNECTION")
VARIABLES = (*URIS, TIMEOUT)

_DEFAULT_TIMEOUT = "10.0"


def reason_not_read(variable: str, value: str) -> str:
    """Why the import of pymilvus fails with this value; empty if it does not.

    Args:
        variable: One of `VARIABLES`.
        value: Its unchanged value in the environment.
    """
    if variable == TIMEOUT:
        try:
            float(value)
        except ValueError:
            return "it is not a number of seconds"
        return ""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "its port is not a number, or it is not a URI"
    if not parts.netloc:
        return "it has no ://host"
    if host is not None and ":" in host:
        return "its host is an IPv6 address"
    if port == 65535:
        return "pymilvus accepts only ports below 65535"
    return ""


def readable(variable: str, value: str) -> str:
    """The value without what surrounds it, if pymilvus reads that; else its default.

    Args:
        variable: One of `VARIABLES`.
        value: Its unchanged value in the environment.
    """
    for text in (value, stripped(value)):
        if not reason_not_read(variable, text):
            return text
    return _DEFAULT_TIMEOUT if variable == TIMEOUT else ""


def unreadable(environment: Mapping[str, Sourced]) -> list[Finding]:
    """Variables that make ``import pymilvus`` raise.

    Args:
        environment: The environment variables and those of ``.env``, uncleaned.
    """
    legacy_is_read = "MILVUS_URI" not in environment
    findings = []
    for variable in VARIABLES:
        value = environment.get(variable)
        if value is None or (variable == URIS[1] and not legacy_is_read):
            continue
        reason = reason_not_read(variable, value.value)
        if reason:
            findings.append(_finding(variable, value, reason))
    return findings


def _finding(variable: str, value: Sourced, reason: str) -> Finding:
    core = stripped(value.value)
    shown = core if variable == TIMEOUT else mask_uri(core)
    text = printable(shown.join(value.value.partition(core)[::2]) if core else value.value)
    clean = readable(variable, value.value)
    advice = f"Set it to {printable(mask_uri(clean))}" if clean else "Correct it"
    return finding(
        "pymilvus-variable",
        f"pymilvus reads {variable} unchanged when it is imported, and {text!r} makes "
        f"`import pymilvus` fail: {reason}. connect_secure is not affected.",
        f"{advice}, or unset it.",
        setting="timeout" if variable == TIMEOUT else "uri",
        source=value.source,
        expected=printable(mask_uri(clean)) or None,
        presented=text,
    )
