"""A resource for the Milvus Operator (``milvus.io/v1beta1``)."""

from __future__ import annotations

from collections.abc import Mapping

from . import kubernetes
from .client_env import client_env
from .server_plan import ServerPlan
from .yaml_text import dumped


def files(plan: ServerPlan) -> Mapping[str, bytes]:
    """milvus.yaml for ``kubectl apply``, the Secret it mounts, and client.env."""
    resource = {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": {"name": "milvus"},
        "spec": {
            "mode": "standalone",
            "config": plan.keys(kubernetes.FOLDER),
            "components": {
                "image": plan.image,
                "volumes": kubernetes.volumes(plan),
                "volumeMounts": kubernetes.volume_mounts(),
            },
        },
    }
    return {
        "milvus-operator.yaml": dumped(resource).encode(),
        **kubernetes.files(plan),
        "client.env": client_env(plan).encode(),
    }
