"""Rendered Kubernetes manifests: which pod runs the proxy, and with what.

The common ground of everything that ends in a cluster: the output of ``helm template``,
``kustomize build`` and ``kubectl get -o yaml``. Helm values and Operator resources are turned
into such manifests too, so that all of them are read in one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from ..milvus.container import ConfigText, Deployment, Mount, NotJudged, ProxyContainer
from ..milvus.container_files import ContainerFiles, Presence
from ..milvus.milvus_command import changes_configuration, runs_proxy
from ..yaml.go_scalars import number
from ..yaml.yaml_tree import Block
from .objects import KubernetesObject, block_at, blocks_at, text_at, texts_at
from .pod import Pod
from .pod_environment import environment, expanded
from .pod_volumes import mounts
from .refusals import Refusals
from .stores import Stores

KIND: Final = "Kubernetes manifest"
_PLACE: Final = "the user.yaml of its ConfigMap"
_CONFIGS: Final = PurePosixPath("/milvus/configs")
_MILVUS_IMAGE: Final = re.compile(r"(?:\A|/)milvus(?:[:@]|\Z)")
_BITNAMI_IMAGE: Final = re.compile(r"(?:\A|/)bitnami\w*/milvus(?:[:@]|\Z)")
# Scripts that merge files into milvus.yaml before they start Milvus, and those files: the
# Operator's scripts/run.sh, and run-helm.sh of charts before 4.2.
_MERGING: Final = {
    "/milvus/tools/run.sh": ("/milvus/configs/operator/user.yaml",),
    "/milvus/tools/run-helm.sh": ("/milvus/configs/default.yaml", "/milvus/configs/user.yaml"),
}


def read_manifests(objects: Sequence[KubernetesObject], path: Path) -> Deployment:
    """The proxies among the workloads of a stream.

    Args:
        objects: Every object of the stream.
        path: The file, or ``-``.
    """
    stores = Stores(objects)
    services = tuple(item for item in objects if item.group == "" and item.kind == "Service")
    judged = {(item.kind, item.name) for item in objects if is_judged(item)}
    parts: list[Deployment] = []
    for item in objects:
        spec, owner = pod_spec(item), _owner(item)
        # What another object of the stream made is judged with it, one replica of several is
        # enough, and an old ReplicaSet runs nothing.
        if spec is None or owner in judged or _is_retired(item):
            continue
        if owner is not None:
            judged.add(owner)
        claims = tuple(
            text_at(block_at(claim, "metadata"), "name")
            for claim in blocks_at(block_at(item.body, "spec"), "volumeClaimTemplates")
        )
        template = item.body if item.kind == "Pod" else block_at(item.body, "spec", "template")
        annotations = block_at(template, "metadata", "annotations")
        pod = Pod(
            item.label, item.namespace, spec, item.file, stores, services, claims, annotations
        )
        parts += [read_pod(pod, path, KIND, _PLACE)]
    return joined(parts)


def joined(parts: Sequence[Deployment]) -> Deployment:
    """Several deployments as one."""
    return Deployment(
        tuple(container for part in parts for container in part.containers),
        tuple(finding for part in parts for finding in part.findings),
        tuple(item for part in parts for item in part.not_judged),
    )


def is_judged(item: KubernetesObject) -> bool:
    """Whether an object is one that makes pods in a way that is known here."""
    operator = item.group == "milvus.io" and item.kind in {"Milvus", "MilvusCluster"}
    return operator or pod_spec(item) is not None


def pod_spec(item: KubernetesObject) -> Block | None:
    """The pod's ``spec`` of a workload of any kind, or None if the object is none."""
    spec = block_at(item.body, "spec")
    if item.kind != "Pod":
        spec = block_at(spec, "template", "spec")
    return spec if blocks_at(spec, "containers") else None


def _owner(item: KubernetesObject) -> tuple[str, str] | None:
    for reference in blocks_at(block_at(item.body, "metadata"), "ownerReferences"):
        return text_at(reference, "kind"), text_at(reference, "name")
    return None


def _is_retired(item: KubernetesObject) -> bool:
    return item.kind == "ReplicaSet" and number(block_at(item.body, "spec").get("replicas")) == 0


def read_pod(pod: Pod, path: Path, kind: str, place: str) -> Deployment:
    """The container of a pod that runs the proxy, if one does.

    Args:
        pod: The pod.
        path: The file, or ``-``.
        kind: The kind of file, for the report.
        place: Where Milvus's keys belong, for the report.
    """
    container = next(_proxies(pod), None)
    if container is None:
        return Deployment()
    image = text_at(container, "image")
    if _BITNAMI_IMAGE.search(image):
        return Deployment(not_judged=(_bitnami(pod, image, container),))
    change = changes_configuration(_words(container))
    if change is not None and not set(_MERGING) & set(_words(container)):
        return Deployment(not_judged=(_changed(pod, change, container),))
    refusals, not_judged = Refusals(pod.label, pod.file), list[NotJudged]()
    refusals.other_than_lists(pod.spec, ("volumes",))
    refusals.other_than_lists(container, ("env", "envFrom", "volumeMounts"))
    variables = environment(pod, container, refusals, not_judged)
    mounted = mounts(pod, container, variables, refusals)
    words = [expanded(word, variables) or "" for word in _words(container)]
    mounted, overlays = _merged(words, mounted)
    proxy = ProxyContainer(
        pod.label,
        kind,
        path,
        image=image or None,
        working_directory=_working_directory(container),
        environment=variables,
        mounts=mounted,
        overlays=overlays,
        user=pod.user(container),
        place=place,
    )
    return Deployment((proxy,), tuple(refusals.findings), tuple(not_judged))


def _proxies(pod: Pod) -> Iterator[Block]:
    """The containers that run a proxy, then those whose image alone knows what it runs."""
    containers = blocks_at(pod.spec, "containers")
    verdicts = [runs_proxy(_words(container)) for container in containers]
    pairs = list(zip(containers, verdicts, strict=True))
    yield from (container for container, verdict in pairs if verdict)
    for container, verdict in pairs:
        if verdict is None and _MILVUS_IMAGE.search(text_at(container, "image")):
            yield container


def _words(container: Block) -> list[str]:
    return [*texts_at(container, "command"), *texts_at(container, "args")]


def _merged(
    words: Sequence[str], mounted: tuple[Mount, ...]
) -> tuple[tuple[Mount, ...], tuple[ConfigText, ...]]:
    """The mounts, and the files among them that a start script merges into milvus.yaml.

    Such a file overlays the configuration whatever the release reads by itself. One that is not
    at hand stands for user.yaml, so that the mode stays open.
    """
    files = ContainerFiles(mounted, _CONFIGS.parent)
    overlays: list[ConfigText] = []
    kept = list(mounted)
    for name in (name for script in _MERGING if script in words for name in _MERGING[script]):
        file = files.find(name)
        if file.mount is None or file.mount not in kept:
            continue
        kept.remove(file.mount)
        if file.content is not None:
            overlays.append(ConfigText(file.content.decode("utf-8-sig", "replace"), file.origin))
        elif file.presence is Presence.UNKNOWN:
            kept.append(replace(file.mount, target=_CONFIGS / "user.yaml", origin=file.origin))
    return tuple(kept), tuple(overlays)


def _working_directory(container: Block) -> PurePosixPath | None:
    directory = text_at(container, "workingDir")
    return PurePosixPath(directory) if directory.startswith("/") else None


def _changed(pod: Pod, change: str, container: Block) -> NotJudged:
    return NotJudged(
        f"{pod.label}",
        change,
        "Check the running server instead: `milvus-secure check HOST:PORT`",
        pod.at(container.line),
    )


def _bitnami(pod: Pod, image: str, container: Block) -> NotJudged:
    return NotJudged(
        f"{pod.label}",
        f"it runs Bitnami's image {image}, which makes its configuration when it starts",
        "Check the running server instead: `milvus-secure check HOST:PORT`",
        pod.at(container.line),
    )
