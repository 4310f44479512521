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
