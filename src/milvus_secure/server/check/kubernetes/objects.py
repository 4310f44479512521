"""The objects of a stream of Kubernetes manifests.

Any of ``helm template``, ``kustomize build``, ``kubectl get -o yaml`` and hand-written files: one
or more documents, lists of objects opened up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null


@dataclass(frozen=True)
class KubernetesObject:
    """An object of a manifest.

    Attributes:
        group: API group without version; empty for the core group.
        kind: Such as ``Deployment``.
        name: ``metadata.name``; empty if it is generated.
        namespace: ``metadata.namespace``; empty if the command line decides.
        body: The whole object.
        file: Name of the file that contains it.
    """

    group: str
    kind: str
    name: str
    namespace: str
    body: Block = field(repr=False)
    file: str

    @property
    def label(self) -> str:
        """How a report calls it, such as ``Deployment milvus-proxy``."""
        return f"{self.kind} {self.name}".strip()

    def at(self, line: int) -> str:
        """A place in its file, such as ``rendered.yaml:12``."""
        return f"{self.file}:{line}" if line else self.file


def objects_of(tree: Tree, file: str) -> Iterator[KubernetesObject]:
    """The objects of one document, lists of any kind opened up.

    Args:
        tree: A document.
        file: Name of the file that contains it.
    """
    if not isinstance(tree, Block) or "kind" not in tree:
        return
    kind, items = text_at(tree, "kind"), tree.get("items")
    if kind.endswith("List") and isinstance(items, Items):
        for item in items:
            yield from objects_of(item, file)
        return
    metadata = block_at(tree, "metadata")
    yield KubernetesObject(
        text_at(tree, "apiVersion").rpartition("/")[0],
        kind,
        text_at(metadata, "name"),
        text_at(metadata, "namespace"),
        tree,
        file,
    )


def block_at(block: Block, *keys: str) -> Block:
    """The mapping below some keys; an empty one where there is none."""
    for key in keys:
        value = block.get(key)
        block = value if isinstance(value, Block) else Block()
    return block


def blocks_at(block: Block, key: str) -> list[Block]:
    """The mappings of a list; nothing of anything else, which the cluster refuses."""
    value = block.get(key)
    return [item for item in value if isinstance(item, Block)] if isinstance(value, Items) else []


def text_at(block: Block, key: str) -> str:
    """A scalar's text; empty where there is none."""
    value = block.get(key)
    return str(value) if isinstance(value, Scalar) and not is_null(value) else ""


def texts_at(block: Block, key: str) -> list[str]:
    """The scalars of a list; nothing of anything else."""
    value = block.get(key)
    return (
        [str(item) for item in value if isinstance(item, Scalar)]
        if isinstance(value, Items)
        else []
    )
