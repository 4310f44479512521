"""Readers of what runs in a Kubernetes cluster."""

from __future__ import annotations

from pathlib import Path

from .container import Deployment, NotJudged
from .yaml_tree import Tree


def read_manifests(_: list[Tree], path: Path) -> Deployment:
    """Kubernetes manifests, the Operator's resource among them."""
    return _later(path)


def read_values(_: Tree, path: Path) -> Deployment:
    """Values of the Milvus Helm chart."""
    return _later(path)


def _later(path: Path) -> Deployment:
    return Deployment(not_judged=(NotJudged(str(path), "its reader is being rewritten", "Wait."),))
