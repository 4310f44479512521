"""Which key of Milvus a name means that Milvus does not read.

People move ``tlsMode`` under ``tls``, write ``TLS_ENABLED=true`` or copy names from other
servers. Milvus ignores such a name and stays in plaintext. The names are recognised in the form
in which Milvus compares them, see `milvus_keys.format_key`.
"""

from __future__ import annotations

import re
from typing import Final

from ...milvus_keys import format_key

MODE: Final = "common.security.tlsMode"
_REAL: Final = frozenset(
    map(
        format_key,
        (
            MODE,
            "tls.serverPemPath",
            "tls.serverKeyPath",
            "tls.caPemPath",
            "common.security.internaltlsEnabled",
        ),
    )
)
# Variables that other programs in the container read (Go's crypto/x509, OpenSSL).
_OTHERS: Final = frozenset({"sslcertfile", "sslcertdir"})

_SECTIONS = (
    r"(?:milvus|common|security|proxy|grpc|http|standalone|external|server(?=tls|ssl|security))*"
)
_TLS = "(?:mtls|mutualtls|tls|ssl)"
_MEANINGS: Final = tuple(
    (re.compile(f"{_SECTIONS}{pattern}"), key)
    for pattern, key in (
        (f"{_TLS}+mode", MODE),
        (f"{_TLS}+(?:on|enabled?)?", MODE),
        (f"(?:use|enable|require|force)(?:{_TLS}|https)", MODE),
        (f"{_TLS}clientauth(?:entication)?", MODE),
        ("(?:https(?:on|enabled?)?|secure)", MODE),
        (
            r"(?:(?:tls|ssl)+(?:server)?|server)(?:certificate|cert|crt|pem)(?:pem)?(?:path|file)?",
            "tls.serverPemPath",
        ),
        (r"cert(?:ificate)?(?:path|file)", "tls.serverPemPath"),
        (
            r"(?:(?:tls|ssl)+(?:server)?|server)(?:private)?key(?:pem)?(?:path|file)?",
            "tls.serverKeyPath",
        ),
        (r"(?:private)?key(?:path|file)", "tls.serverKeyPath"),
        (
            r"(?:(?:tls|ssl)+)(?:client|root)?ca(?:certificate|cert|crt|pem)?s?(?:path|file)?",
            "tls.caPemPath",
        ),
        (r"(?:client|root)?ca(?:certificate|cert|crt|pem)s?(?:path|file)?", "tls.caPemPath"),
    )
)


def meant_key(name: str) -> str | None:
    """The key of Milvus that a name means, or None if it means none or is read as it is.

    Args:
        name: A dotted key of a file, or a variable, in any spelling.
    """
    formatted = format_key(name)
    if formatted in _REAL or formatted in _OTHERS:
        return None
    return next((key for pattern, key in _MEANINGS if pattern.fullmatch(formatted)), None)


def asks_for_tls(key: str, value: str | None) -> bool:
    """Whether a value of such a name asks for TLS: not ``0``, ``false``, ``off`` or nothing."""
    if key == MODE:
        off = {"", "0", "false", "no", "off", "n", "f", "disabled", "none", "plaintext"}
        return (value or "1").strip().lower() not in off if value != "" else False
    return bool(value is None or value.strip())
