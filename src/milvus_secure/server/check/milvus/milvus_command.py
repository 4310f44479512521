"""Which Milvus roles a container's command starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# `milvus run ROLE [flags]`, also in a shell's command line and behind tini or another wrapper
# (Milvus cmd/milvus/milvus.go: the role is the word behind `run`).
_RUN: Final = re.compile(
    r"""(?:^|[\s/;&|"'(])milvus["']?\s+run\s+["']?([A-Za-z]+)["']?([^;&|\n]*)"""
)
# Milvus cmd/milvus/util.go, GetMilvusRoles: these have a proxy; `mixture` only with -proxy.
_WITH_PROXY: Final = frozenset({"proxy", "standalone", "embedded"})
_PROXY_FLAG: Final = re.compile(r"(?:^|\s)--?proxy(?:=(?:true|1|t))?(?=$|[\s\"'])")
# What a shell's command line does to the configuration before it starts Milvus.
_CHANGES: Final = re.compile(
    r"tls_?mode|milvusconf|(?:milvus|user|default)\.ya?ml|pem_?path|key_?path", re.IGNORECASE
)
_SCRIPT: Final = re.compile(r"\S+\.(?:sh|bash|py)\b")


def changes_configuration(words: Sequence[str]) -> str | None:
    """Why a command may give Milvus another configuration than its files and variables say.

    Args:
        words: Entry point and arguments.

    Returns:
        A clause, or None if it only starts Milvus.
    """
    text = " ".join(words)
    run = _RUN.search(text)
    if run is not None:
        change = _CHANGES.search(text, 0, run.start())
        return change and f"its command may change {change[0]} before it starts Milvus"
    script = _SCRIPT.search(text)
    return script and f"its command is the script {script[0]}, which may change the configuration"


def runs_proxy(words: Sequence[str]) -> bool | None:
    """Whether a command starts a proxy, the only role whose port clients dial.

    Args:
        words: Entry point and arguments.

    Returns:
        None if the words do not start Milvus, so that the image decides.
    """
    runs = _RUN.findall(" ".join(words))
    if not runs:
        return None
    return any(
        role in _WITH_PROXY or (role == "mixture" and _PROXY_FLAG.search(flags))
        for role, flags in runs
    )
