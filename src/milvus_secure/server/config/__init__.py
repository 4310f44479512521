"""The server's side, made from a certificate set: milvus.yaml, Compose, Helm, Operator, secrets.

Each target is one pure function from a `ServerPlan` to the files it needs; `output` shows or
writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from . import cert_manager, compose, helm, kubernetes, operator
from .server_plan import ServerPlan

Files = Mapping[str, bytes]

TARGETS: Final[Mapping[str, Callable[[ServerPlan], Files]]] = {
    "compose": compose.files,
    "helm": helm.files,
    "operator": operator.files,
    "kubernetes": kubernetes.files,
    "cert-manager": cert_manager.files,
}

__all__ = ["TARGETS", "Files", "ServerPlan"]
