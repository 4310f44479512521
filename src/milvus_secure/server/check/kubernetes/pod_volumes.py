"""What a pod's volumes put into its containers.

Kubernetes API reference, Volume and VolumeMount; the checks are those of
``pkg/apis/core/validation/validation.go``, and of the kubelet, which starts no pod whose Secret
lacks a key that it names.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from ..milvus.container import EnvValue, Mount
from ..yaml.go_scalars import boolean, number
from ..yaml.yaml_tree import Block
from .objects import block_at, blocks_at, text_at
from .pod import Pod
from .pod_environment import expanded
from .refusals import Refusals

Files = Mapping[str, "bytes | None"]

_WITH_MODE: Final = ("secret", "configMap", "projected")
_DEFAULT_MODE: Final = 0o644
# Of a projected volume, what the kubelet writes to a path that the manifest gives.
_ONE_FILE: Final = ("serviceAccountToken", "clusterTrustBundle", "podCertificate")


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pod.

    Attributes:
        origin: How a report calls it, such as ``Secret certs``.
        files: Content by path, as in `Mount`; None if it is not known.
        mode: Permission bits of its files, as the manifest or the default sets them.
    """

    origin: str
    files: Files | None = field(default=None, repr=False)
    mode: int = _DEFAULT_MODE


def mounts(
    pod: Pod, container: Block, variables: Mapping[str, EnvValue], refusals: Refusals
) -> tuple[Mount, ...]:
    """What is mounted into a container.

    Args:
        pod: Its pod.
        container: Its entry in the pod's ``containers``.
        variables: Its environment, for ``subPathExpr``.
        refusals: Takes what the cluster would refuse.
    """
    volumes = _volumes(pod, container, refusals)
    mounted: dict[str, Mount] = {}
    for entry in blocks_at(container, "volumeMounts"):
        name, path = text_at(entry, "name"), text_at(entry, "mountPath")
        if path in mounted:
            refusals.add(
                f"{path} is mounted twice", "Remove one of the two.", "volumeMounts", entry.line
            )
        volume = volumes.get(name)
        if volume is None:
            refusals.add(
                f"volumeMounts names the volume {name}, but the pod has no volume of this name",
                f"Add it to the pod's volumes, which are: {', '.join(volumes) or 'none'}.",
                "volumeMounts",
                entry.line,
            )
            volume = Volume(f"volume {name}")
        mount = _mount(volume, entry, path, variables)
        readable = pod.may_read(container, volume.mode)
        mounted[path] = mount if readable else replace(mount, mode=volume.mode)
    return (*_injected(pod), *mounted.values())


def _injected(pod: Pod) -> Iterator[Mount]:
    """Where Vault's agent puts secrets, which no volume of the manifest tells.

    vault-k8s ``agent-inject/agent/annotations.go``.
    """
    prefix = "vault.hashicorp.com"
    if text_at(pod.annotations, f"{prefix}/agent-inject").lower() in {"true", "1", "t"}:
        path = text_at(pod.annotations, f"{prefix}/secret-volume-path") or "/vault/secrets"
        yield Mount(PurePosixPath(path), "Vault's agent")


def _mount(volume: Volume, entry: Block, path: str, variables: Mapping[str, EnvValue]) -> Mount:
    target = PurePosixPath(posixpath.normpath(posixpath.join("/", path)))
    below: str | None = text_at(entry, "subPath")
    if expression := text_at(entry, "subPathExpr"):
        below = expanded(expression, variables)
    if below is None:
        return Mount(target, volume.origin)
    below = posixpath.normpath(below) if below else ""
    origin = f"{volume.origin} {below}".rstrip()
    return Mount(target, origin, files=_below(volume.files, below))


def _below(files: Files | None, path: str) -> Files | None:
    """The files below a path of a volume; of a file, itself.

    What the volume does not have becomes an empty directory, as the kubelet makes it.
    """
    if files is None or path in {"", "."}:
        return files
    if path in files:
        return {"": files[path]}
    return {
        name.removeprefix(f"{path}/"): content
        for name, content in files.items()
        if name.startswith(f"{path}/")
    }


def _volumes(pod: Pod, container: Block, refusals: Refusals) -> dict[str, Volume]:
    volumes = {name: Volume(f"the claim {name}") for name in pod.claims}
    for entry in blocks_at(pod.spec, "volumes"):
        name = text_at(entry, "name")
        if name in volumes and name not in pod.claims:
            refusals.add(
                f"two volumes have the name {name}",
                "Remove one of them, or give it another name.",
                "volumes",
                entry.line,
            )
        volumes[name] = _volume(pod, container, name, entry, refusals)
    return volumes


def _volume(pod: Pod, container: Block, name: str, entry: Block, refusals: Refusals) -> Volume:
    source = block_at(entry, next((key for key in _WITH_MODE if key in entry), ""))
    mode = number(source.get("defaultMode"))
    mode = _DEFAULT_MODE if mode is None else mode
    if "secret" in entry:
        return replace(_stored(pod, "Secret", source, "secretName", refusals), mode=mode)
    if "configMap" in entry:
        return replace(_stored(pod, "ConfigMap", source, "name", refusals), mode=mode)
    if "projected" in entry:
        return replace(_projected(pod, name, source, refusals), mode=mode)
    if "downwardAPI" in entry:
        return Volume(f"volume {name}", _downward(block_at(entry, "downwardAPI")))
    if "emptyDir" in entry and not _is_filled(pod, container, name):
        return Volume(f"the empty volume {name}", {})
    kind = next((key for key in entry if key != "name"), "")
    return Volume(f"{kind} volume {name}".strip())


def _stored(pod: Pod, kind: str, block: Block, key: str, refusals: Refusals) -> Volume:
    name = text_at(block, key)
    store = pod.store(kind, name, refusals)
    if store is None:
        return Volume(f"{kind} {name}")
    items = blocks_at(block, "items")
    if not items:
        return Volume(store.label, {key: stored.content for key, stored in store.values.items()})
    files: dict[str, bytes | None] = {}
    for item in items:
        key = text_at(item, "key")
        if key in store.values:
            files[posixpath.normpath(text_at(item, "path"))] = store.values[key].content
        elif boolean(block.get("optional")) is not True:
            refusals.add(
                f"a volume uses the key {key} of {store.label}, which does not have that key",
                f"Name one of its keys: {', '.join(store.values) or 'it has none'}.",
                "items",
                item.line,
            )
    return Volume(store.label, files)


def _projected(pod: Pod, name: str, block: Block, refusals: Refusals) -> Volume:
    """Several sources in one directory; the later ones are laid over the earlier."""
    files: dict[str, bytes | None] = {}
    labels: list[str] = []
    readers: Mapping[str, Callable[[Block], Volume]] = {
        "secret": lambda source: _stored(pod, "Secret", source, "name", refusals),
        "configMap": lambda source: _stored(pod, "ConfigMap", source, "name", refusals),
        "downwardAPI": lambda source: Volume("", _downward(source)),
    }
    unknown = False
    for source in blocks_at(block, "sources"):
        for kind in source:
            below = block_at(source, kind)
            if kind in readers:
                volume = readers[kind](below)
                files |= volume.files or {}
                unknown = unknown or volume.files is None
                labels += [volume.origin] if volume.origin else []
            elif kind in _ONE_FILE:
                files |= dict.fromkeys(_written_paths(below))
    origin = " and ".join(labels) or f"volume {name}"
    return Volume(origin, None if unknown else files)


def _written_paths(block: Block) -> Iterator[str]:
    for key in ("path", "keyPath", "certificateChainPath", "credentialBundlePath"):
        if path := text_at(block, key):
            yield posixpath.normpath(path)


def _downward(block: Block) -> Files:
    return {posixpath.normpath(text_at(item, "path")): None for item in blocks_at(block, "items")}


def _is_filled(pod: Pod, container: Block, name: str) -> bool:
    """Whether another container of the pod mounts a volume, and so may write into it."""
    containers = [*blocks_at(pod.spec, "initContainers"), *blocks_at(pod.spec, "containers")]
    return any(
        text_at(entry, "name") == name
        for sibling in containers
        if sibling is not container
        for entry in blocks_at(sibling, "volumeMounts")
    )
