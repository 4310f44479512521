"""The rules about a server's configuration, in the order in which a report names them."""

from __future__ import annotations

from typing import Final

from ....diagnosis.rules.rule import RuleOf
from ..server_context import ServerContext
from .certificate_files import FILE_RULES
from .ignored import env_ignored, file_unread, key_conflict, key_ignored, key_repeated
from .internal_tls import file_forbidden, internal_name
from .mode import mode_unknown, tls_mode_invalid, tls_off
from .paths import known_public_key, path_blank, path_unmounted, tls_incomplete
from .ports import port_invalid, rest_port_shared
from .unresolved import config_missing, not_judged

ServerRule = RuleOf[ServerContext]

RULES: Final[tuple[ServerRule, ...]] = (
    ServerRule("server-not-judged", not_judged),
    ServerRule("server-not-judged", mode_unknown),
    ServerRule("server-config-missing", config_missing),
    ServerRule("server-key-conflict", key_conflict),
    ServerRule("server-key-repeated", key_repeated),
    ServerRule("server-tls-mode-invalid", tls_mode_invalid, needs=("tls_mode",)),
    ServerRule("server-tls-off", tls_off, needs=("tls_mode",)),
    ServerRule(
        "server-tls-incomplete",
        tls_incomplete,
        needs=("tls_mode",),
        subjects=("tls", "internal_tls"),
    ),
    ServerRule("server-path-unmounted", path_unmounted, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("known-public-key", known_public_key, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("file-missing", path_blank, needs=("tls_mode",), subjects=("paths",)),
    ServerRule("server-port-invalid", port_invalid),
    ServerRule("server-rest-port-shared", rest_port_shared, needs=("tls_mode",), subjects=("tls",)),
    ServerRule("server-internal-name", internal_name, needs=("internal_pem",)),
    ServerRule("server-file-forbidden", file_forbidden, subjects=("paths",)),
    ServerRule("server-config-unread", file_unread, needs=("tls_mode",)),
    ServerRule("server-env-ignored", env_ignored, needs=("tls_mode",)),
    ServerRule("server-key-ignored", key_ignored, needs=("tls_mode",)),
    *FILE_RULES,
)
