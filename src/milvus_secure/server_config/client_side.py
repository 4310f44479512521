"""The client's half of the same plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..mode import TLSMode
from .kubernetes import CLUSTER_CLIENT_SECRET, CLUSTER_SECRET, ISSUED
from .plan import ServerPlan


def client_env(plan: ServerPlan) -> str:
    """The client's settings as a ``.env`` file.

    Paths are absolute, except where the cluster issues the certificates: then the file tells how
    to fetch them, and paths are relative to it.

    Raises:
        MilvusSecureError: If the certificate presents no name that a client could dial.
    """
    folder = "" if plan.issued_in_cluster else f"{plan.certs.absolute()}/"
    files = {"ca_pem_path": "ca.pem"}
    if plan.mode is TLSMode.MUTUAL:
        files |= {"client_pem_path": "client.pem", "client_key_path": "client.key"}
    values = {"uri": plan.client_uri, "tls_mode": plan.mode.value}
    values |= {name: f"{folder}{file}" for name, file in files.items()}
    lines = [f"MILVUS_{name.upper()}={value}" for name, value in values.items()]
    if plan.issued_in_cluster:
        lines += [f"# {command}" for command in _fetching(plan, files.values())]
    if plan.authorization:
        lines.append("# MILVUS_TOKEN=root:...   the server asks for user and password")
    return "\n".join(lines) + "\n"


def _fetching(plan: ServerPlan, files: Iterable[str]) -> Iterator[str]:
    secret = CLUSTER_CLIENT_SECRET if plan.mode is TLSMode.MUTUAL else CLUSTER_SECRET
    for file in files:
        [key] = [
            key.replace(".", r"\.") for key, named in ISSUED["client"].items() if named == file
        ]
        yield f"kubectl get secret {secret} -o jsonpath='{{.data.{key}}}' | base64 -d > {file}"
