"""A Kubernetes Secret with the server's certificates, and how a pod mounts it."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from .server_plan import ServerPlan
from .yaml_text import dumped

SECRET = "certs"  # noqa: S105 - the name of the Secret, as in Milvus's guide
FOLDER = "/certs"
# The names of the Secrets that cert-manager writes.
CLUSTER_SECRET = "milvus-server"  # noqa: S105
CLUSTER_CLIENT_SECRET = "milvus-client"  # noqa: S105

# The keys of such a Secret (cert-manager's Certificate resource), and the names used here.
ISSUED = {
    role: {"tls.crt": f"{role}.pem", "tls.key": f"{role}.key", "ca.crt": "ca.pem"}
    for role in ("server", "client")
}


def files(plan: ServerPlan) -> Mapping[str, bytes]:
    """secret.yaml, with the files the server reads; nothing if the cluster issues them.

    Raises:
        MilvusSecureError: If one of them cannot be read.
    """
    return {} if plan.issued_in_cluster else {"secret.yaml": dumped(secret(plan)).encode()}


def secret(plan: ServerPlan) -> dict[str, object]:
    """The Secret resource."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "type": "Opaque",
        "data": {
            name: base64.b64encode(plan.read(name)).decode("ascii") for name in plan.server_files
        },
    }


def volumes(plan: ServerPlan) -> list[object]:
    """The pod's volume, with the file names that milvus.yaml expects."""
    source: dict[str, object] = {"secretName": SECRET}
    if plan.issued_in_cluster:
        items = [{"key": key, "path": path} for key, path in ISSUED["server"].items()]
        source = {"secretName": CLUSTER_SECRET, "items": items}
    return [{"name": "certs", "secret": source}]


def volume_mounts() -> list[object]:
    """Where the volume is mounted."""
    return [{"name": "certs", "mountPath": FOLDER, "readOnly": True}]
