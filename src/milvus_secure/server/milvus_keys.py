"""How Milvus compares the names of its keys."""

from __future__ import annotations

from typing import Final

_SEPARATORS: Final = str.maketrans("", "", "/_.")


def format_key(name: str) -> str:
    """A key or variable in the form in which Milvus compares them.

    In lower case, without ``/``, ``_`` and ``.`` (Milvus ``pkg/config/config.go``, formatKey).
    """
    return name.lower().translate(_SEPARATORS)
