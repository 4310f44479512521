"""A pod as a manifest describes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..yaml.go_scalars import number
from ..yaml.yaml_tree import Block
from .objects import KubernetesObject, block_at
from .refusals import Refusals
from .stores import Store, Stores


@dataclass(frozen=True)
class Pod:
    """A pod, or the template of one.

    Attributes:
        label: The workload, such as ``Deployment milvus-proxy``.
        namespace: Empty if the command line decides.
        spec: ``spec`` of the pod.
        file: Name of the file that contains it.
        stores: The Secrets and ConfigMaps of the input.
        services: The Services of the input.
        annotations: ``metadata.annotations`` of the pod.
        claims: Names of a StatefulSet's ``volumeClaimTemplates``, which are volumes too.
    """

    label: str
    namespace: str
    spec: Block = field(repr=False)
    file: str
    stores: Stores
    services: tuple[KubernetesObject, ...] = ()
    claims: tuple[str, ...] = ()
    annotations: Block = field(default_factory=Block)

    def user(self, container: Block) -> int | None:
        """The numeric user of a container, where it is set and is not root."""
        for block in (container, self.spec):
            user = number(block_at(block, "securityContext").get("runAsUser"))
            if user is not None:
                return user or None
        return None

    def may_read(self, container: Block, mode: int) -> bool:
        """Whether a container's user may read a file of root with these permission bits.

        ``fsGroup`` gives the files to a group of the user and lets that group read them. A user
        without ``runAsGroup`` is in root's group (Kubernetes documentation, "Configure a Security
        Context").
        """
        if self.user(container) is None or mode & 0o004:
            return True
        context = block_at(self.spec, "securityContext")
        container_context = block_at(container, "securityContext")
        group = number(container_context.get("runAsGroup", context.get("runAsGroup")))
        return number(context.get("fsGroup")) is not None or bool(mode & 0o040 and not group)

    def at(self, line: int) -> str:
        """A place in its file, such as ``rendered.yaml:12``."""
        return f"{self.file}:{line}" if line else self.file

    def store(self, kind: str, name: str, refusals: Refusals) -> Store | None:
        """A Secret or a ConfigMap that the pod uses, or None if it is not in the input.

        Args:
            kind: ``Secret`` or ``ConfigMap``.
            name: Its name.
            refusals: Takes what the cluster would refuse in it.
        """
        store = self.stores.get(kind, name, self.namespace)
        if store is not None:
            refusals.take(store.findings)
        return store
