"""The environment of a container of a pod, as the kubelet makes it.

Kubernetes ``pkg/kubelet/kubelet_pods.go``, makeEnvironmentVariables: service links, then
``envFrom`` in its order, then ``env`` in its order, each over the ones before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ..milvus.container import EnvValue, NotJudged
from ..yaml.go_scalars import boolean, is_text
from ..yaml.yaml_tree import Block, Items, Scalar, is_null
from .objects import block_at, blocks_at, text_at
from .pod import Pod
from .refusals import Refusals
from .stores import StoredValue

_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")
_VARIABLE: Final = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
# Where a variable may come from (Kubernetes API reference, EnvVarSource and EnvFromSource).
_KEY_REFS: Final = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_FROM_REFS: Final = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


def environment(
    pod: Pod, container: Block, refusals: Refusals, not_judged: list[NotJudged]
) -> dict[str, EnvValue]:
    """The variables of a container.

    Args:
        pod: Its pod.
        container: Its entry in the pod's ``containers``.
        refusals: Takes what the cluster would refuse.
        not_judged: Takes the sources that are not in the file.
    """
    variables = dict(_service_links(pod))
    for source in blocks_at(container, "envFrom"):
        variables |= _from(pod, source, refusals, not_judged)
    for number, entry in enumerate(blocks_at(container, "env")):
        name = text_at(entry, "name")
        if name:
            value = _value(pod, name, entry, variables, refusals)
            if value is not None:
                variables[name] = value
        else:
            refusals.add(
                f"env[{number}] has no name",
                "Give every variable a name.",
                f"env[{number}].name",
                entry.line,
            )
    return variables


def expanded(text: str, variables: Mapping[str, EnvValue]) -> str | None:
    """``$(NAME)`` replaced, as the kubelet does it; None if a value is not in the input.

    Kubernetes ``third_party/forked/golang/expansion``: ``$$`` is a dollar, and a reference to
    an unknown variable stays as it is.
    """
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        if match[1] is None:
            return "$"
        variable = variables.get(match[1])
        if variable is None:
            return match[0]
        unknown = unknown or variable.value is None
        return variable.value or ""

    text = _REFERENCE.sub(replace, text)
    return None if unknown else text


def _service_links(pod: Pod) -> Iterator[tuple[str, EnvValue]]:
    """What the kubelet sets for the services of the namespace, unless it is switched off."""
    if boolean(pod.spec.get("enableServiceLinks")) is False:
        return
    for service in pod.services:
        if service.namespace and pod.namespace and service.namespace != pod.namespace:
            continue
        spec = block_at(service.body, "spec")
        address = text_at(spec, "clusterIP")
        if address == "None":
            continue
        ports = blocks_at(spec, "ports")
        port = text_at(ports[0], "port") if ports else ""
        prefix = service.name.upper().replace("-", "_")
        source = f"the service link of {service.label}"
        yield f"{prefix}_SERVICE_PORT", EnvValue(port, source)
        yield f"{prefix}_PORT", EnvValue(f"tcp://{address or '10.0.0.1'}:{port}", source)


def _from(
    pod: Pod, source: Block, refusals: Refusals, not_judged: list[NotJudged]
) -> dict[str, EnvValue]:
    prefix = text_at(source, "prefix")
    variables: dict[str, EnvValue] = {}
    for field, kind in _FROM_REFS.items():
        if field not in source:
            continue
        name = text_at(block_at(source, field), "name")
        store = pod.store(kind, name, refusals)
        if store is None:
            not_judged.append(
                NotJudged(
                    f"the environment from {kind} {name}",
                    f"{kind} {name} is not in this file, and it may set any variable",
                    f"Add it: kubectl get {kind.lower()} {name} -o yaml",
                    pod.at(source.line),
                )
            )
            continue
        for key, stored in store.values.items():
            if _VARIABLE.fullmatch(prefix + key):
                variables[prefix + key] = EnvValue(_decoded(stored), f"{store.label}, key {key}")
    return variables


def _value(
    pod: Pod, name: str, entry: Block, variables: Mapping[str, EnvValue], refusals: Refusals
) -> EnvValue | None:
    """The value of an entry of ``env``, or None if it does not set the variable."""
    value, line = entry.get("value"), entry.lines.get("value", entry.line)
    source = pod.at(line)
    if isinstance(value, Scalar) and not is_null(value):
        if not is_text(value):
            refusals.add(
                f"the value of the variable {name} is {value} without quotes, and the cluster "
                "accepts only text",
                f'Put it in quotes: value: "{value}"',
                name,
                line,
            )
        if value:
            return EnvValue(expanded(value, variables), source)
    elif isinstance(value, Block | Items):
        refusals.add(f"the value of the variable {name} is not text", "Write the text.", name, line)
        return EnvValue(None, source)
    sources = block_at(entry, "valueFrom")
    if not sources:
        return EnvValue("", source)
    for field, kind in _KEY_REFS.items():
        if field in sources:
            return _keyed(pod, name, kind, block_at(sources, field), refusals)
    return EnvValue(None, f"{' and '.join(sources)} at {pod.at(sources.line)}")


def _keyed(pod: Pod, name: str, kind: str, ref: Block, refusals: Refusals) -> EnvValue | None:
    store = pod.store(kind, text_at(ref, "name"), refusals)
    key = text_at(ref, "key")
    if store is None:
        return EnvValue(None, f"{kind} {text_at(ref, 'name')}, key {key}")
    if key in store.values:
        return EnvValue(_decoded(store.values[key]), f"{store.label}, key {key}")
    if boolean(ref.get("optional")) is True:
        return None
    refusals.add(
        f"the variable {name} comes from the key {key}, which {store.label} does not have",
        f"Name one of its keys: {', '.join(store.values) or 'it has none'}.",
        name,
        ref.line,
    )
    return EnvValue(None, f"{store.label}, key {key}")


def _decoded(stored: StoredValue) -> str | None:
    return None if stored.content is None else stored.content.decode("utf-8", "replace")
