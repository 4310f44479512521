"""A resource of the Milvus Operator, read as the Operator reads it.

zilliztech/milvus-operator: ``pkg/controllers/components.go`` (MergeComponentSpec),
``deployment_updater.go`` and ``configmaps.go``. The component that runs the proxy is ``proxy`` in
cluster mode and ``standalone`` else. Over ``spec.components``, its ``env`` is merged by name, its
``volumeMounts`` are appended, and its ``volumes`` replace all others. ``spec.config`` is merged
over the milvus.yaml in the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ....reporting.report import Finding, Severity, finding
from ..milvus.container import ConfigText, Deployment
from ..yaml.go_scalars import boolean
from ..yaml.tree_text import as_text, block_of
from ..yaml.yaml_tree import Block, Scalar, is_null
from .manifests import joined, read_pod
from .objects import KubernetesObject, block_at, blocks_at, text_at
from .pod import Pod
from .refusals import Refusals
from .stores import Stores

KIND: Final = "Operator resource"
PLACE: Final = "spec.config"
# The non-root user that runAsNonRoot selects (deployment_updater.go, updatePodTemplate).
_NON_ROOT: Final = Scalar.of("1000", plain=True)
_REMOVE: Final = "_remove"
_LISTS: Final = ("env", "volumes", "volumeMounts")
# What the Operator itself adds (deployments.go), behind the user's volumes.
_OWN_VOLUMES: Final = ("milvus-data", "milvus-config", "tools")

# What people write where the Operator has no such field, and where it belongs
# (apis/milvus.io/v1beta1/milvus_types.go, components_types.go).
_KEYS_OF_MILVUS: Final = (
    "tls",
    "tlsMode",
    "common",
    "security",
    "internaltls",
    "internalTLS",
    "conf",
    "extraConfigFiles",
)
SPEC_MISPLACED: Final[Mapping[str, str]] = {
    **dict.fromkeys((*_KEYS_OF_MILVUS, "proxy"), PLACE),
    "env": "spec.components.env",
    "extraEnv": "spec.components.env",
    "volumes": "spec.components.volumes",
    "volumeMounts": "spec.components.volumeMounts",
}
COMPONENT_MISPLACED: Final[Mapping[str, str]] = {
    **dict.fromkeys((*_KEYS_OF_MILVUS, "config"), PLACE),
    "extraEnv": "spec.components.env",
    "envFrom": "spec.components.env",
    "environment": "spec.components.env",
    "extraVolumes": "spec.components.volumes",
    "extraVolumeMounts": "spec.components.volumeMounts",
}


def read_operator(item: KubernetesObject, stores: Stores, path: Path) -> Deployment:
    """The pod that the Operator makes for the proxy.

    Args:
        item: A ``Milvus`` or ``MilvusCluster`` of the group ``milvus.io``.
        stores: The Secrets and ConfigMaps of the input.
        path: The file, or ``-``.
    """
    spec = block_at(item.body, "spec")
    flat = text_at(item.body, "apiVersion") == "milvus.io/v1alpha1" and item.kind == "Milvus"
    common = spec if flat else block_at(spec, "components")
    cluster = item.kind == "MilvusCluster" or text_at(spec, "mode") == "cluster"
    role, idle_role = ("proxy", "standalone") if cluster else ("standalone", "proxy")
    component = Block() if flat else block_at(common, role)
    pods = [
        Pod(
            f"{item.label} ({role}{group and f' {group}'})",
            item.namespace,
            _pod_spec(common, component, role, extra),
            item.file,
            stores,
            annotations=block_of(
                {**block_at(common, "podAnnotations"), **block_at(component, "podAnnotations")}
            ),
        )
        for group, extra in _groups(component)
    ]
    deployment = joined([read_pod(pod, path, KIND, PLACE) for pod in pods])
    refusals = Refusals(item.label, item.file)
    config = spec.get("config")
    if not isinstance(config, Block):
        _refuse_config(refusals, spec)
        config = Block()
    for where, block in (("", common), (f"{role}.", component)):
        refusals.other_than_lists(block, _LISTS, where)
    overlay = ConfigText(as_text(config), item.file)
    return Deployment(
        tuple(replace(container, overlays=(overlay,)) for container in deployment.containers),
        (
            *_explained(deployment.findings, common, component, role),
            *refusals.findings,
            *([] if flat else _misplaced(item, spec, role, idle_role)),
        ),
        deployment.not_judged,
    )


def _groups(component: Block) -> list[tuple[str, list[Block]]]:
    """The deployment groups of the proxy with their variables; one without a name else."""
    groups = blocks_at(component, "groups")
    return [(text_at(group, "name"), blocks_at(group, "extraEnv")) for group in groups] or [
        ("", [])
    ]


def _pod_spec(common: Block, component: Block, role: str, extra: list[Block]) -> Block:
    """The pod that the Operator makes, as far as Milvus's container is concerned."""
    container = {
        "name": role,
        "image": text_at(component, "image") or text_at(common, "image"),
        "args": ["milvus", "run", role],
        "env": _merged_env(blocks_at(common, "env"), blocks_at(component, "env"), extra),
        "volumeMounts": _merged_mounts(common, component),
        "securityContext": block_at(component, "securityContext")
        or block_at(common, "securityContext"),
    }
    non_root = boolean(common.get("runAsNonRoot")) is True
    return block_of(
        {
            "containers": [container],
            "volumes": _merged_volumes(common, component),
            "securityContext": {"runAsUser": _NON_ROOT} if non_root else {},
        }
    )


def _merged_env(*entries: list[Block]) -> Iterable[Block]:
    """MergeEnvVar: by name, later entries in the place of earlier ones."""
    return {text_at(entry, "name"): entry for block in entries for entry in block}.values()


def _merged_mounts(common: Block, component: Block) -> Iterable[Block]:
    """Appended, then by path (addVolumeMount); the name ``_remove`` takes a path away."""
    merged: dict[str, Block] = {}
    for entry in (*blocks_at(common, "volumeMounts"), *blocks_at(component, "volumeMounts")):
        path = text_at(entry, "mountPath")
        if text_at(entry, "name") == _REMOVE:
            merged.pop(path, None)
        else:
            merged[path] = entry
    return merged.values()


def _merged_volumes(common: Block, component: Block) -> Iterable[Block]:
    """The component's list in the place of the common one, also if it is empty."""
    owner = common if is_null(component.get("volumes")) else component
    merged = {text_at(entry, "name"): entry for entry in blocks_at(owner, "volumes")}
    return (merged | {name: block_of({"name": name}) for name in _OWN_VOLUMES}).values()


def _refuse_config(refusals: Refusals, spec: Block) -> None:
    if not is_null(spec.get("config")):
        refusals.add(
            "spec.config is text or a list, and the Operator needs a mapping of Milvus's keys",
            'Remove the "|" behind config and keep the keys below it.',
            PLACE,
            spec.lines["config"],
        )


def _explained(
    findings: Iterable[Finding], common: Block, component: Block, role: str
) -> Iterator[Finding]:
    """The pod's findings; a volume that is missing since it was replaced is named so."""
    lost = {text_at(entry, "name") for entry in blocks_at(common, "volumes")}
    lost -= {text_at(entry, "name") for entry in _merged_volumes(common, component)}
    for item in findings:
        names = [name for name in sorted(lost) if f"names the volume {name}," in item.message]
        if item.setting == "volumeMounts" and names:
            yield replace(
                item,
                remedy=f"spec.components.{role}.volumes replaces spec.components.volumes: list "
                f"{names[0]} in it too.",
            )
        else:
            yield item


def _misplaced(item: KubernetesObject, spec: Block, role: str, idle_role: str) -> Iterator[Finding]:
    common = block_at(spec, "components")
    places = (
        ("spec", spec, SPEC_MISPLACED),
        ("spec.components", common, COMPONENT_MISPLACED),
        (f"spec.components.{role}", block_at(common, role), COMPONENT_MISPLACED),
    )
    for where, block, wrong in places:
        for key in block:
            if key in wrong:
                yield finding(
                    "server-key-ignored",
                    f"{where}.{key} is not a field of the Operator: kubectl refuses it, and other "
                    "tools drop it.",
                    f"Move it into {wrong[key]}.",
                    setting=f"{where}.{key}",
                    source=item.at(block.lines[key]),
                    origin=f"file:{item.file}",
                )
    idle = block_at(common, idle_role)
    for key in ("env", "volumes", "volumeMounts"):
        if blocks_at(idle, key):
            yield finding(
                "server-key-ignored",
                f"spec.components.{idle_role}.{key} is not used: spec.mode is "
                f"{'cluster' if role == 'proxy' else 'standalone'}, so the proxy runs in "
                f"{role}.",
                f"Move it into spec.components.{role}.{key}.",
                severity=Severity.WARNING,
                setting=f"spec.components.{idle_role}.{key}",
                source=item.at(idle.lines[key]),
                origin=f"file:{item.file}",
            )
