"""Values files of Helm charts: several marks decide for which chart they are."""

from __future__ import annotations

import re
import shlex
from enum import Enum
from pathlib import Path
from typing import Final

from ..kubernetes.objects import block_at
from ..milvus.container import Deployment, NotJudged
from ..yaml.tree_text import as_text
from ..yaml.yaml_tree import Block
from .chart_values import read_values

_PRINTED: Final = frozenset({"USER-SUPPLIED VALUES", "COMPUTED VALUES"})
"""The first line of what ``helm get values`` prints."""

_ENOUGH: Final = 2
"""Marks that together identify a chart; one key alone never does."""

# What zilliztech/milvus-helm alone has, with the weight of a mark: of these, one alone could stand
# in another file, two could not. Keys of milvus.yaml (rootCoord, dataNode, tls, ...) are no marks.
_CHART_MARKS: Final = {
    "extraConfigFiles": 2,
    "customConfigMap": 2,
    "image.all": 2,
    "cluster.enabled": 2,
    "standalone.messageQueue": 1,
    "proxy.tls.secretName": 1,
    "proxy.tls.crt": 1,
    "attu": 1,
    "pulsarv3": 1,
    "mixCoordinator": 1,
    "rootCoordinator": 1,
    "queryCoordinator": 1,
    "dataCoordinator": 1,
    "indexCoordinator": 1,
    "standalone": 1,
    "heaptrack": 1,
    "replicaResourceGroups": 1,
}
_COMPONENT_KEYS: Final = frozenset(
    {"volumes", "volumeMounts", "extraEnv", "heaptrack", "profiling", "hpa"}
)
# Keys of milvus.yaml that people put into values.
_MILVUS_PATHS: Final = ("common.security", "tls.serverPemPath", "tls.tlsMode", "tls.caPemPath")
_MILVUS_KEYS: Final = frozenset({"common", "tls", "internaltls", "proxy", "etcd", "minio", "log"})

_BITNAMI_MARKS: Final = (
    "initJob",
    "diagnosticMode",
    "usePasswordFiles",
    "milvus.auth",
    "milvus.defaultConfig",
    "milvus.extraConfig",
    "milvus.existingConfigMap",
    "milvus.image.repository",
    "milvus.image.registry",
    "externalEtcd.servers",
)
_BITNAMI_COMPONENT: Final = frozenset(
    {
        "extraEnvVars",
        "extraEnvVarsCM",
        "extraEnvVarsSecret",
        "extraVolumes",
        "extraVolumeMounts",
        "existingConfigMap",
        "replicaCount",
        "resourcesPreset",
        "podSecurityContext",
        "networkPolicy",
    }
)
_BITNAMI_TLS: Final = frozenset({"mode", "existingSecret", "cert", "caCert", "keyPassword"})
_COMPONENTS: Final = (
    "proxy",
    "rootCoord",
    "queryCoord",
    "dataCoord",
    "indexCoord",
    "queryNode",
    "dataNode",
    "indexNode",
)

# What any chart may have and no milvus.yaml has.
_ANY_CHART: Final = frozenset(
    {
        "image",
        "service",
        "ingress",
        "serviceAccount",
        "nodeSelector",
        "tolerations",
        "affinity",
        "volumes",
        "volumeMounts",
        "fullnameOverride",
        "nameOverride",
        "livenessProbe",
        "readinessProbe",
        "replicaCount",
        "podAnnotations",
        "extraEnv",
        "securityContext",
        "podSecurityContext",
        "imagePullSecrets",
        "autoscaling",
        "resources",
    }
)


class Chart(Enum):
    """Whose chart values are for; the value is the object of "it holds"."""

    MILVUS = "values of Milvus's chart"
    BITNAMI = "values of Bitnami's chart"
    ABOVE = "values of a chart that contains Milvus's chart"
    OTHER = "values of a chart that is not Milvus's"


def chart_of(values: Block, name: str) -> Chart | None:
    """The chart that a document is for, or None if it is no values file.

    Args:
        values: The document.
        name: The file's name; one such as values-prod.yaml belongs to no milvus.yaml.
    """
    called_values = "values" in re.split(r"[-_.]", name.lower()) or not _PRINTED.isdisjoint(values)
    ours, theirs = _chart_marks(values), _bitnami_marks(values)
    if theirs > ours:
        return Chart.BITNAMI
    below = block_at(values, "milvus")
    if ours < _ENOUGH and _chart_marks(below) + _bitnami_marks(below) >= _ENOUGH:
        return Chart.ABOVE
    generic = len(_ANY_CHART & set(values))
    if called_values or generic:
        ours += any(_at(values, dotted) for dotted in _MILVUS_PATHS)
    if ours >= _ENOUGH or (ours and (called_values or generic)):
        return Chart.MILVUS
    if called_values and not generic and _MILVUS_KEYS & {key.partition(".")[0] for key in values}:
        return Chart.MILVUS
    return Chart.OTHER if called_values or generic >= _ENOUGH else None


def read_helm(values: Block, path: Path, name: str, text: str) -> Deployment:
    """The proxy that a values file describes; values of other charts are not judged.

    Args:
        values: The document.
        path: The file, or ``-``.
        name: How a report calls the file.
        text: Its text.
    """
    chart = chart_of(values, name)
    if chart is Chart.MILVUS:
        return read_values(values, path, name, text)
    return Deployment(
        not_judged=(
            NotJudged(
                name,
                f"it contains {(chart or Chart.OTHER).value}",
                f"Render it with its chart: helm template NAME CHART -f {shlex.quote(str(path))} "
                "| milvus-secure server check -",
                name,
            ),
        )
    )


def _chart_marks(values: Block) -> int:
    """The weight of the marks of values for zilliztech/milvus-helm."""
    of_components = {*block_at(values, "proxy"), *block_at(values, "standalone")}
    marks = sum(weight for dotted, weight in _CHART_MARKS.items() if _at(values, dotted))
    return marks + len(_COMPONENT_KEYS & of_components)


def _bitnami_marks(values: Block) -> int:
    """The weight of the marks of values for Bitnami's chart."""
    components = {key for name in _COMPONENTS for key in block_at(values, name)}
    return (
        2 * sum(_at(values, dotted) for dotted in _BITNAMI_MARKS)
        + len(_BITNAMI_COMPONENT & components)
        + len(_BITNAMI_TLS & set(block_at(values, "proxy", "tls")))
        + 2 * ("/opt/bitnami/" in as_text(values))
    )


def _at(values: Block, dotted: str) -> bool:
    *above, last = dotted.split(".")
    return last in block_at(values, *above)
