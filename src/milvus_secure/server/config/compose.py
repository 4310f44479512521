"""Docker Compose: the standalone server with etcd and MinIO, as Milvus publishes it, over TLS."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import MilvusSecureError
from .client_env import client_env
from .milvus_yaml import milvus_yaml
from .server_plan import USER_YAML_SINCE, ServerPlan, image_version
from .yaml_text import dumped

FOLDER = "/milvus/tls"
_CONFIGS = "/milvus/configs"
_VOLUMES = "${DOCKER_VOLUME_DIRECTORY:-.}"


def files(plan: ServerPlan) -> Mapping[str, bytes]:
    """milvus.yaml, docker-compose.yml, tls/ and client.env.

    Raises:
        MilvusSecureError: If the certificate set is incomplete, or the template no milvus.yaml.
    """
    made = {
        "milvus.yaml": milvus_yaml(plan, FOLDER),
        "docker-compose.yml": dumped(_compose(plan)),
        "client.env": client_env(plan),
    }
    tls = {f"tls/{name}": plan.read(name) for name in plan.server_files}
    return {**{name: text.encode() for name, text in made.items()}, **tls}


def _compose(plan: ServerPlan) -> dict[str, object]:
    mounted_as = _mounted_as(plan)
    return {
        "services": {
            "etcd": {
                "container_name": "milvus-etcd",
                "image": "quay.io/coreos/etcd:v3.5.18",
                "environment": {
                    "ETCD_AUTO_COMPACTION_MODE": "revision",
                    "ETCD_AUTO_COMPACTION_RETENTION": "1000",
                    "ETCD_QUOTA_BACKEND_BYTES": "4294967296",
                    "ETCD_SNAPSHOT_COUNT": "50000",
                },
                "volumes": [f"{_VOLUMES}/volumes/etcd:/etcd"],
                "command": "etcd -advertise-client-urls=http://etcd:2379 "
                "-listen-client-urls http://0.0.0.0:2379 --data-dir /etcd",
                "healthcheck": _health("etcdctl", "endpoint", "health"),
            },
            "minio": {
                "container_name": "milvus-minio",
                "image": "minio/minio:RELEASE.2024-05-28T17-19-04Z",
                "environment": {
                    "MINIO_ACCESS_KEY": "minioadmin",
                    "MINIO_SECRET_KEY": "minioadmin",
                },
                "volumes": [f"{_VOLUMES}/volumes/minio:/minio_data"],
                "command": 'minio server /minio_data --console-address ":9001"',
                "healthcheck": _health("curl", "-f", "http://localhost:9000/minio/health/live"),
            },
            "standalone": {
                "container_name": "milvus-standalone",
                "image": plan.image,
                "command": ["milvus", "run", "standalone"],
                "security_opt": ["seccomp:unconfined"],
                "environment": {
                    "ETCD_ENDPOINTS": "etcd:2379",
                    "MINIO_ADDRESS": "minio:9000",
                },
                "volumes": [
                    f"{_VOLUMES}/volumes/milvus:/var/lib/milvus",
                    f"{_VOLUMES}/tls:{FOLDER}:ro",
                    f"{_VOLUMES}/milvus.yaml:{_CONFIGS}/{mounted_as}:ro",
                ],
                "healthcheck": {
                    **_health("curl", "-f", "http://localhost:9091/healthz"),
                    "start_period": "90s",
                },
                "ports": [
                    f"{plan.port}:{plan.container_port}",
                    *([f"{plan.rest_port}:{plan.rest_port}"] if plan.rest_port else []),
                    "9091:9091",
                ],
                "depends_on": ["etcd", "minio"],
            },
        },
        "networks": {"default": {"name": "milvus"}},
    }


def _mounted_as(plan: ServerPlan) -> str:
    """A patched file is complete and takes milvus.yaml's place; a new one is laid over it."""
    if plan.template is not None:
        return "milvus.yaml"
    version = image_version(plan.image)
    if version is not None and version < USER_YAML_SINCE:
        raise MilvusSecureError(
            f"{plan.image} does not read a user.yaml, so its whole milvus.yaml is needed.",
            "Add --patch milvus.yaml.",
        )
    return "user.yaml"


def _health(*command: str) -> dict[str, object]:
    return {"test": ["CMD", *command], "interval": "30s", "timeout": "20s", "retries": 3}
