"""Files for a cluster, distinguished by the group of ``apiVersion``.

A kind alone identifies nothing: ``Milvus`` is a resource of the Milvus Operator (``milvus.io``)
and of KubeDB (``kubedb.com``). What is not read here is *not judged*, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ....errors import MilvusSecureError
from ..milvus.container import Deployment, NotJudged
from ..yaml.yaml_tree import Tree
from .manifests import joined, read_manifests
from .objects import KubernetesObject, objects_of
from .operator_resource import read_operator
from .stores import Stores

OPERATOR_GROUP: Final = "milvus.io"
_FROM_CLUSTER: Final = (
    "Check what runs in the cluster: kubectl get pod,configmap,secret -o yaml "
    "| milvus-secure server check -"
)
# Groups whose objects make a Milvus by rules of their own: what to call the object, and the
# command after which its result can be judged.
_OTHER_GROUPS: Final = {
    "kubedb.com": ("KubeDB's", _FROM_CLUSTER),
    "apps.kubeblocks.io": ("KubeBlocks'", _FROM_CLUSTER),
    "kustomize.config.k8s.io": (
        "Kustomize's",
        "Build it: kustomize build DIR | milvus-secure server check -",
    ),
    "argoproj.io": (
        "Argo CD's",
        "Render it: argocd app manifests NAME | milvus-secure server check -",
    ),
    "helm.toolkit.fluxcd.io": ("Flux's", _FROM_CLUSTER),
    "helm.cattle.io": ("K3s'", _FROM_CLUSTER),
}


def read_kubernetes(documents: Sequence[tuple[str, Tree]], path: Path) -> Deployment:
    """Everything in a stream of objects that runs a proxy.

    Args:
        documents: Each with the name of its file, as a report calls it.
        path: The first file, or ``-``.

    Raises:
        MilvusSecureError: If nothing in it has to do with Milvus.
    """
    objects = [item for name, tree in documents for item in objects_of(tree, name)]
    stores = Stores(objects)
    parts = [
        read_operator(item, stores, path)
        for item in objects
        if item.group == OPERATOR_GROUP and item.kind in {"Milvus", "MilvusCluster"}
    ]
    parts.append(read_manifests(objects, path))
    deployment = joined(parts)
    if deployment.containers or deployment.not_judged:
        return deployment
    not_judged = tuple(_not_judged(objects))
    if not_judged:
        return Deployment(not_judged=not_judged)
    raise MilvusSecureError(
        f"{path} has no container that runs Milvus's proxy (milvus run proxy or standalone).",
        "Check the manifests of the proxy.",
        "helm template milvus milvus/milvus -f values.yaml | milvus-secure server check -",
    )


def _not_judged(objects: Sequence[KubernetesObject]) -> Iterator[NotJudged]:
    for item in objects:
        known = next((domain for domain in _OTHER_GROUPS if _is_of(item.group, domain)), None)
        if known is None and item.kind != "Milvus":
            continue
        owner, fix = _OTHER_GROUPS.get(known or "", ("the", _FROM_CLUSTER))
        yield NotJudged(
            f"{owner} resource {item.label}",
            f"its group is {item.group or 'not given'}, whose controller configures Milvus by its "
            "own rules",
            fix,
            item.at(item.body.line),
        )


def _is_of(group: str, domain: str) -> bool:
    """Whether a group is another one or below it, such as ``ops.kubedb.com``."""
    return group == domain or group.endswith(f".{domain}")
