"""Values that no template of the Milvus chart reads, each with its right place.

The chart passes on ``extraConfigFiles."user.yaml"``, volumes, volumeMounts and the extraEnv of a
component; keys of milvus.yaml in the values themselves are rendered nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ....reporting.report import Finding, Severity, finding
from ...milvus_keys import format_key
from ..kubernetes.objects import block_at, blocks_at, text_at
from ..yaml.go_scalars import boolean
from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null

USER_YAML: Final = 'extraConfigFiles."user.yaml"'

_VOLUMES: Final = "volumes at the top level"
_MOUNTS: Final = "volumeMounts at the top level"
_ENVIRONMENT: Final = ("extraEnv", "env", "envs", "extraEnvVars", "environment", "envFrom")
_OF_MILVUS: Final = (
    "common",
    "security",
    "tls",
    "tlsMode",
    "internaltls",
    "internalTLS",
    "user.yaml",
    "milvus.yaml",
    "config",
    "extraConfig",
    "milvus",
)
_OF_COMPONENT: Final = ("common", "security", "tlsMode", "config", "extraConfigFiles")
# Of proxy.tls, what proxy-tls-secret.yaml reads.
_TLS_SECRET: Final = frozenset({"enabled", "secretName", "crt", "key"})
_DOTTED: Final = frozenset(
    {
        "cluster",
        "proxy",
        "standalone",
        "extraConfigFiles",
        "common",
        "tls",
        "internaltls",
        "image",
        "security",
    }
)


def ignored_keys(values: Block, file: str, *, cluster: bool) -> Iterator[Finding]:
    """Findings about values that have no effect on the proxy's TLS.

    Args:
        values: The values.
        file: Their file's name.
        cluster: Whether the chart makes a cluster.
    """
    for setting, line, place in _ignored(values, cluster=cluster):
        yield finding(
            "server-key-ignored",
            f"The Milvus chart does not read {setting}, so it has no effect.",
            f"Move it to {place}.",
            severity=Severity.WARNING,  # the rendered manifests tell whether TLS is on
            setting=setting,
            source=f"{file}:{line}" if line else file,
            origin=f"file:{file}",
        )


def _ignored(values: Block, *, cluster: bool) -> Iterator[tuple[str, int, str]]:
    role, idle_role = ("proxy", "standalone") if cluster else ("standalone", "proxy")
    places = {
        **dict.fromkeys(_OF_MILVUS, USER_YAML),
        **dict.fromkeys(_ENVIRONMENT, f"{role}.extraEnv"),
        "extraVolumes": _VOLUMES,
        "extraVolumeMounts": _MOUNTS,
    }
    yield from _named(values, "", places)
    yield from _dotted(values)
    yield from _config_files(values)
    for name in (role, idle_role):
        yield from _component(block_at(values, name), name, role, cluster=cluster)
    yield from _idle(block_at(values, idle_role), idle_role, role)


def _named(block: Block, above: str, places: dict[str, str]) -> Iterator[tuple[str, int, str]]:
    for key, place in places.items():
        if _is_set(block.get(key)):
            yield f"{above}{key}", block.lines[key], place


def _component(
    block: Block, name: str, role: str, *, cluster: bool
) -> Iterator[tuple[str, int, str]]:
    """Keys under ``proxy`` or ``standalone`` that no template reads."""
    places = {
        **dict.fromkeys(_OF_COMPONENT, USER_YAML),
        **dict.fromkeys(_ENVIRONMENT[1:], f"{role}.extraEnv"),
        "extraVolumes": f"{role}.volumes" if cluster else _VOLUMES,
        "extraVolumeMounts": f"{role}.volumeMounts" if cluster else _MOUNTS,
    }
    if name == "standalone":
        places |= {"tls": USER_YAML, "volumes": _VOLUMES, "volumeMounts": _MOUNTS}
    yield from _named(block, f"{name}.", places)
    http = block_at(block, "http")
    for key, value in http.items():
        # The chart's own values have proxy.http.enabled: true and debugMode.
        usual = key == "debugMode" or (key == "enabled" and boolean(value) is not False)
        if not usual and _is_set(value):
            yield f"{name}.http.{key}", http.lines[key], f"{USER_YAML}, as proxy.http.{key}"
    if name == "proxy":
        tls = block_at(block, "tls")
        for key in tls:
            if key not in _TLS_SECRET:
                yield f"proxy.tls.{key}", tls.lines[key], USER_YAML


def _idle(block: Block, name: str, role: str) -> Iterator[tuple[str, int, str]]:
    """Keys under the component that the chart does not make in this mode."""
    if name == "proxy":
        yield from _named(block, "proxy.", {"volumes": _VOLUMES, "volumeMounts": _MOUNTS})
    variables = [text_at(entry, "name") for entry in blocks_at(block, "extraEnv")]
    if any("tls" in format_key(variable) for variable in variables):
        yield f"{name}.extraEnv", block.lines["extraEnv"], f"{role}.extraEnv"


def _dotted(values: Block) -> Iterator[tuple[str, int, str]]:
    """Keys in the style of ``--set``, whose dots mean nothing in a file."""
    for key, line in values.lines.items():
        first, dot, rest = key.partition(".")
        if dot and first in _DOTTED:
            in_milvus = first in {"common", "tls", "internaltls", "security"}
            place = USER_YAML if in_milvus else f"{rest} below {first}, without the dot"
            yield key, line, place


def _config_files(values: Block) -> Iterator[tuple[str, int, str]]:
    files = block_at(values, "extraConfigFiles")
    custom = text_at(values, "customConfigMap")
    mounted = {
        text_at(entry, "subPath")
        for block in (values, block_at(values, "proxy"))
        for entry in blocks_at(block, "volumeMounts")
        if text_at(entry, "name") == "milvus-config"
    }
    for key in files:
        setting, line = f'extraConfigFiles."{key}"', files.lines[key]
        if custom and _is_set(files[key]):
            yield setting, line, f"the ConfigMap {custom}, which customConfigMap names"
        elif key not in {"user.yaml", "default.yaml", *mounted} and "" not in mounted:
            yield setting, line, USER_YAML


def _is_set(value: Tree | None) -> bool:
    """Whether there is anything in a value; the chart's own values have empty ones."""
    if isinstance(value, Block | Items):
        return len(value) > 0
    return isinstance(value, Scalar) and not is_null(value) and value != ""
