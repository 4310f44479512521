"""Values for the Milvus Helm chart.

The chart merges only ``extraConfigFiles."user.yaml"`` into the configuration;
``--set common.security.tlsMode=1`` has no effect (milvus-helm ``values.yaml``).
"""

from __future__ import annotations

from collections.abc import Mapping

from ruamel.yaml.scalarstring import LiteralScalarString

from . import kubernetes
from .client_env import client_env
from .server_plan import ServerPlan
from .yaml_text import dumped


def files(plan: ServerPlan) -> Mapping[str, bytes]:
    """values.yaml, the Secret it mounts, and client.env."""
    values = {
        "extraConfigFiles": {
            "user.yaml": LiteralScalarString(dumped(plan.keys(kubernetes.FOLDER)))
        },
        "volumes": kubernetes.volumes(plan),
        "volumeMounts": kubernetes.volume_mounts(),
    }
    return {
        "values.yaml": dumped(values).encode(),
        **kubernetes.files(plan),
        "client.env": client_env(plan).encode(),
    }
