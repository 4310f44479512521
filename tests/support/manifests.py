"""Kubernetes manifests of a Milvus, written as JSON, which is YAML."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from milvus_secure.reporting.report import Report

Object = dict[str, Any]
Judge = Callable[..., Report]

USER_YAML = """\
common:
  security:
    tlsMode: 1
tls:
  serverPemPath: /certs/server.pem
  serverKeyPath: /certs/server.key
proxy:
  http:
    port: 8080
"""


def stream(*objects: Object | str) -> str:
    """Several objects, or texts of objects, as one text."""
    texts = (item if isinstance(item, str) else json.dumps(item, indent=1) for item in objects)
    return "\n---\n".join(texts)


def workload(
    kind: str = "Deployment",
    *,
    name: str = "milvus",
    args: Sequence[str] = ("milvus", "run", "standalone"),
    image: str = "milvusdb/milvus:v2.6.15",
    volumes: Sequence[Object] = (),
    mounts: Sequence[Object] = (),
    metadata: Mapping[str, Any] | None = None,
    pod: Mapping[str, Any] | None = None,
    **container: object,
) -> Object:
    """A workload whose only container runs Milvus, with its certificates and user.yaml."""
    made = {
        "name": "milvus",
        "image": image,
        "args": [*args],
        "volumeMounts": [CONFIG_MOUNT, CERTS_MOUNT, *mounts],
        **container,
    }
    spec = {"containers": [made], "volumes": [CONFIG_VOLUME, CERTS_VOLUME, *volumes], **(pod or {})}
    return {
        "apiVersion": "v1" if kind == "Pod" else "apps/v1",
        "kind": kind,
        "metadata": {"name": name, **(metadata or {})},
        "spec": spec if kind == "Pod" else {"template": {"spec": spec}},
    }


CONFIG_VOLUME: Object = {"name": "config", "configMap": {"name": "milvus"}}
CONFIG_MOUNT: Object = {
    "name": "config",
    "mountPath": "/milvus/configs/user.yaml",
    "subPath": "user.yaml",
}
CERTS_VOLUME: Object = {"name": "certs", "secret": {"secretName": "certs"}}
CERTS_MOUNT: Object = {"name": "certs", "mountPath": "/certs"}


def config_map(name: str = "milvus", **files: object) -> Object:
    """A ConfigMap; ``user_yaml`` is the key user.yaml."""
    data = {key.replace("_", "."): value for key, value in files.items()}
    data = data or {"user.yaml": USER_YAML}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(files: Mapping[str, bytes], name: str = "certs") -> Object:
    """A Secret with files."""
    data = {key: base64.b64encode(content).decode() for key, content in files.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def server_files(certs: Path) -> dict[str, bytes]:
    """What a server reads, from a certificate set."""
    return {name: (certs / name).read_bytes() for name in ("server.pem", "server.key", "ca.pem")}
