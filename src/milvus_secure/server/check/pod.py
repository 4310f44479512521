"""A pod as a manifest describes it."""

from __future__ import annotations

from dataclasses import dataclass

from .kubernetes_objects import KubernetesObject
from .kubernetes_stores import Store, Stores
from .refusals import Refusals
from .yaml_tree import Block


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of one.

    Attributes:
        label: The workload, such as ``Deployment milvus-proxy``.
        namespace: Empty if the command line decides.
        spec: ``spec`` of the pod.
        file: Name of the file it stands in.
        stores: The Secrets and ConfigMaps at hand.
        services: The Services at hand.
        claims: Names of a StatefulSet's ``volumeClaimTemplates``, which are volumes too.
    """

    label: str
    namespace: str
    spec: Block
    file: str
    stores: Stores
    services: tuple[KubernetesObject, ...] = ()
    claims: tuple[str, ...] = ()

    def at(self, line: int) -> str:
        """A place in its file, such as ``rendered.yaml:12``."""
        return f"{self.file}:{line}" if line else self.file

    def store(self, kind: str, name: str, refusals: Refusals) -> Store | None:
        """A Secret or a ConfigMap that the pod uses, or None if it is not at hand.

        Args:
            kind: ``Secret`` or ``ConfigMap``.
            name: Its name.
            refusals: Takes what the cluster would refuse in it.
        """
        store = self.stores.get(kind, name, self.namespace)
        if store is not None:
            refusals.take(store.findings)
        return store
