"""The kind of a configuration file, recognized by several marks, never by one key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from ..milvus_keys import format_key
from .compose.schema import is_top_level
from .helm.chart_kinds import chart_of
from .kubernetes.objects import block_at
from .milvus.milvus_config import JUDGED_KEYS
from .yaml.yaml_tree import Block, Tree

_MILVUS_SECTIONS: Final = frozenset(
    {
        "tls",
        "common",
        "proxy",
        "internaltls",
        "etcd",
        "minio",
        "localstorage",
        "rocksmq",
        "log",
        "security",
        "metastore",
        "rootcoord",
        "quotaandlimits",
    }
)


_CLIENTS_KEYS: Final = frozenset({"address", "grpc", "host", "uri", "url"})


class FileKind(Enum):
    """The kinds of files that can be judged."""

    COMPOSE = "Compose file"
    MANIFESTS = "Kubernetes manifest"
    VALUES = "Helm values"
    MILVUS = "milvus.yaml"
    UNKNOWN = "unknown"


def kind_of(documents: Sequence[Tree], file_name: str) -> FileKind:
    """The kind of a file, from its documents.

    Manifests have ``apiVersion`` and ``kind``; a Compose file has services; values of a chart
    have several marks of one, or are called so; a milvus.yaml has one of its sections.

    Args:
        documents: What the file holds.
        file_name: Its name, which counts where the content fits a chart and milvus.yaml.
    """
    blocks = [tree for tree in documents if isinstance(tree, Block)]
    if any({"apiVersion", "kind"} <= set(block) for block in blocks):
        return FileKind.MANIFESTS
    if not blocks:
        return FileKind.UNKNOWN
    first = blocks[0]
    if _is_compose(first):
        return FileKind.COMPOSE
    if chart_of(first, file_name) is not None:
        return FileKind.VALUES
    if _has_containers(first):
        return FileKind.COMPOSE
    if _CLIENTS_KEYS & set(block_at(first, "milvus")):
        return FileKind.UNKNOWN  # of a client of Milvus, such as milvus-backup's backup.yaml
    # A key of the top level may be a section, or a flat key in any spelling.
    sections = {format_key(re.split(r"[./]", key)[0]) for key in first}
    flat = set(map(format_key, first))
    known = sections & _MILVUS_SECTIONS or flat & JUDGED_KEYS
    return FileKind.MILVUS if known else FileKind.UNKNOWN


def _is_compose(block: Block) -> bool:
    known = all(map(is_top_level, block))
    return known and ("services" in block or "include" in block)


def _has_containers(block: Block) -> bool:
    """Services with an image, and a key that Compose refuses, such as a misspelled one."""
    services = block.get("services")
    named = services.values() if isinstance(services, Block) else ()
    return any(isinstance(item, Block) and {"image", "build"} & set(item) for item in named)
