"""Values of the Milvus Helm chart, read as the chart reads them.

zilliztech/milvus-helm 5.0 ``charts/milvus/templates``: ``proxy-deployment.yaml``,
``standalone-deployment.yaml``, ``configmap.yaml``, ``proxy-tls-secret.yaml``. In cluster mode the
proxy's pod gets ``proxy.volumes``, ``proxy.volumeMounts`` and ``proxy.extraEnv`` beside the
top-level ``volumes`` and ``volumeMounts``; the standalone pod gets the top-level ones and
``standalone.extraEnv`` alone. ``extraConfigFiles`` becomes a ConfigMap of texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from ...._common.tls_mode import TLSMode
from ....reporting.report import Finding, Severity, finding
from ...config.server_plan import USER_YAML_SINCE, image_version
from ..kubernetes.manifests import read_pod
from ..kubernetes.objects import KubernetesObject, block_at, blocks_at, text_at
from ..kubernetes.pod import Pod
from ..kubernetes.refusals import Refusals
from ..kubernetes.stores import Stores
from ..milvus.config_layers import config_of
from ..milvus.container import Deployment, Mount, NotJudged, ProxyContainer
from ..milvus.milvus_config import MODE
from ..yaml.go_scalars import boolean, is_text, number
from ..yaml.tree_text import as_text, block_of
from ..yaml.yaml_tree import Block, Scalar, Tree, is_null
from .ignored_values import ignored_keys

KIND: Final = "Helm values"
PLACE: Final = 'extraConfigFiles."user.yaml"'
_VOLUMES: Final = ("volumes", "volumeMounts")
_CONFIG: Final = "milvus-config"
_CONFIG_MAP: Final = "milvus"
_CONFIG_FILES: Final = ("default.yaml", "user.yaml")
_USER_YAML: Final = PurePosixPath("/milvus/configs/user.yaml")
_SECRET_FILES: Final = {"crt": "tls.crt", "key": "tls.key"}
# values.yaml and config.tpl of the chart, as far as they concern the proxy's listeners.
_IMAGE: Final = ("milvusdb/milvus", "v2.6.15")
_DEFAULT_FILES: Final = {
    "default.yaml": Scalar.of("proxy:\n  port: 19530\n  internalPort: 19529\n"),
    "user.yaml": Scalar.of("# comments alone\n"),
}
_YES: Final = Scalar.of("true", plain=True)


def read_values(values: Block, path: Path, name: str, text: str) -> Deployment:
    """The pod that the chart makes for the proxy.

    Args:
        values: The values, without the chart's defaults.
        path: The file, or ``-``.
        name: How a report calls the file.
        text: The file's text, which shows how a value is written.
    """
    return _Rendering(values, path, name, text).deployment()


def truthy(value: Tree | None) -> bool:
    """A value in a condition of a Go template: false, 0, null and what is empty are false."""
    if not isinstance(value, Scalar):
        return bool(value)
    if not value.plain:
        return bool(value)
    return not is_null(value) and boolean(value) is not False and number(value) != 0


class _Rendering:
    """One rendering of the chart."""

    def __init__(self, values: Block, path: Path, name: str, text: str) -> None:
        self.values = values
        self.path = path
        self.file = name
        self.lines = text.splitlines()
        self.refusals = Refusals("the values", self.file, "The chart")
        self.cluster = truthy(block_at(values, "cluster").get("enabled", _YES))
        self.role = "proxy" if self.cluster else "standalone"
        self.component = block_at(values, self.role)
        # In cluster mode the proxy's own entries come before the common ones.
        self.sources = [self.component, values] if self.cluster else [values]

    def deployment(self) -> Deployment:
        if self.cluster and not truthy(self.component.get("enabled", _YES)):
            return Deployment(not_judged=(self._without_proxy(),))
        self.refusals.other_than_lists(self.values, _VOLUMES)
        keys = ("extraEnv", *_VOLUMES)
        self.refusals.other_than_lists(self.component, keys, f"{self.role}.")
        objects = [*self._config_map(), *self._tls_secret()]
        pod = Pod(
            f"Deployment {self.role}",
            "",
            self._pod_spec(),
            self.file,
            Stores(objects),
            annotations=self._annotations(),
        )
        deployment = read_pod(pod, self.path, KIND, PLACE)
        containers = tuple(map(self._with_lines, deployment.containers))
        findings = (
            *self.refusals.findings,
            *deployment.findings,
            *ignored_keys(self.values, self.file, cluster=self.cluster),
            *(item for container in containers for item in self._secret_alone(container)),
        )
        return Deployment(containers, findings, deployment.not_judged)

    def _secret_alone(self, container: ProxyContainer) -> Iterator[Finding]:
        """``proxy.tls`` is on, and no tlsMode: the chart makes a Secret, and Milvus no TLS."""
        tls = block_at(self.values, "proxy", "tls")
        if truthy(tls.get("enabled")) and config_of(container).tls_mode is TLSMode.PLAINTEXT:
            yield finding(
                "server-key-ignored",
                "proxy.tls.enabled only makes a Secret: Milvus runs in plaintext.",
                f"Set {MODE}, tls.serverPemPath and tls.serverKeyPath in {PLACE} too.",
                severity=Severity.WARNING,
                setting="proxy.tls.enabled",
                source=f"{self.file}:{tls.lines['enabled']}",
                origin=f"file:{self.file}",
            )

    def _without_proxy(self) -> NotJudged:
        return NotJudged(
            f"the proxy in {self.file}",
            "proxy.enabled is false, so the chart makes no proxy",
            "Set proxy.enabled to true, or check the file that makes the proxy.",
            f"{self.file}:{self.component.lines['enabled']}",
        )

    def _pod_spec(self) -> Block:
        custom = text_at(self.values, "customConfigMap")
        files = {"user.yaml": "milvus.yaml"} if custom else {name: name for name in _CONFIG_FILES}
        own_mounts = [
            {"name": _CONFIG, "mountPath": f"/milvus/configs/{name}", "subPath": key}
            for name, key in files.items()
        ]
        container = {
            "name": self.role,
            "image": self._image(),
            "args": [*self._start_script(), "milvus", "run", self.role],
            "env": blocks_at(self.component, "extraEnv"),
            "volumeMounts": [*own_mounts, *self._entries("volumeMounts")],
            "securityContext": self._own_or_common("containerSecurityContext"),
        }
        return block_of(
            {
                "containers": [container],
                "volumes": [
                    {"name": _CONFIG, "configMap": {"name": custom or _CONFIG_MAP}},
                    *({"name": name} for name in self._own_volumes()),
                    *self._entries("volumes"),
                ],
                "securityContext": self._own_or_common("securityContext"),
            }
        )

    def _start_script(self) -> list[str]:
        """Charts before 4.2, for releases before 2.4, merged user.yaml by a script."""
        release = image_version(self._image())
        old = release is not None and release < USER_YAML_SINCE
        return ["/milvus/tools/run-helm.sh"] if old else []

    def _annotations(self) -> Block:
        """Those of all pods, and in a cluster those of the proxy."""
        common = block_at(self.values, "annotations")
        return block_of({**common, **(block_at(self.component, "annotations"))})

    def _entries(self, key: str) -> list[Block]:
        return [entry for source in self.sources for entry in blocks_at(source, key)]

    def _own_or_common(self, key: str) -> Block:
        return block_at(self.component, key) or block_at(self.values, key)

    def _own_volumes(self) -> Iterator[str]:
        """The chart's other volumes; nothing that the user knows is in them."""
        yield "tools"
        if truthy(block_at(self.values, "log", "persistence").get("enabled")):
            yield "milvus-logs-disk"
        if not self.cluster:
            yield "milvus-data-disk"
            yield "disk"

    def _image(self) -> str:
        image = block_at(self.values, "image", "all")
        repository, tag = _IMAGE
        return f"{text_at(image, 'repository') or repository}:{text_at(image, 'tag') or tag}"

    def _config_map(self) -> Iterator[KubernetesObject]:
        """``extraConfigFiles`` as the texts of a ConfigMap, unless ``customConfigMap`` is set."""
        if truthy(self.values.get("customConfigMap")):
            return
        files = self.values.get("extraConfigFiles")
        texts: dict[str, Scalar] = dict(_DEFAULT_FILES)
        if isinstance(files, Block):
            for key, value in files.items():
                if is_null(value):
                    texts.pop(key, None)
                else:
                    texts[key] = self._config_text(key, value, files.lines[key])
        elif not is_null(files):
            self.refusals.add(
                "extraConfigFiles is not a mapping of file names and texts",
                'Write "user.yaml: |" below extraConfigFiles, and the text below that.',
                "extraConfigFiles",
                self.values.lines["extraConfigFiles"],
            )
        body = block_of({"kind": "ConfigMap", "data": texts})
        yield KubernetesObject("", "ConfigMap", _CONFIG_MAP, "", body, self.file)

    def _config_text(self, key: str, value: Tree, line: int) -> Scalar:
        if isinstance(value, Scalar) and is_text(value):
            return value
        kind = "a number or a boolean"
        if not isinstance(value, Scalar):
            kind = "a mapping" if isinstance(value, Block) else "a list"
        remedy = f'Write "{key}: |" with the vertical bar, so that the lines below it are text.'
        if key == "user" and isinstance(value, Block) and "yaml" in value:
            remedy = 'Write "user.yaml" as one key. With --set, put a backslash before its dot.'
        self.refusals.add(
            f'extraConfigFiles."{key}" is {kind}, and it takes text',
            remedy,
            f'extraConfigFiles."{key}"',
            line,
        )
        return Scalar.of(as_text(value) if isinstance(value, Block) else "", line)

    def _tls_secret(self) -> Iterator[KubernetesObject]:
        """The Secret that ``proxy.tls`` makes; TLS is not switched on by it."""
        tls = block_at(self.values, "proxy", "tls")
        if not all(truthy(tls.get(key)) for key in ("enabled", "crt", "key")):
            return
        name = text_at(tls, "secretName")
        if not name:
            self.refusals.add(
                "proxy.tls.secretName is not set, so the Secret has no name",
                "Set proxy.tls.secretName to the name that the volume has.",
                "proxy.tls.secretName",
                tls.line,
            )
        data = {file: self._base64(tls, key) for key, file in _SECRET_FILES.items()}
        body = block_of({"kind": "Secret", "data": data})
        yield KubernetesObject("", "Secret", name, "", body, self.file)

    def _base64(self, tls: Block, key: str) -> Scalar:
        """A value as the template puts it behind its key, where it ends at a line break."""
        text = text_at(tls, key).rstrip()
        line = tls.lines[key]
        if "\n" in text:
            self.refusals.add(
                f"proxy.tls.{key} has line breaks, but it must be one line of base64",
                f"Write base64 on one line: base64 -w0 {_SECRET_FILES[key]}",
                f"proxy.tls.{key}",
                line,
            )
            text = ""
        return Scalar.of(text, line)

    def _with_lines(self, container: ProxyContainer) -> ProxyContainer:
        """The mount of user.yaml with a text whose lines are those of the values.

        Blank lines in front move it there, so that a report names the line in the file. What
        the chart refuses, a mapping, is judged as the text that was meant.
        """
        user = block_at(self.values, "extraConfigFiles").get("user.yaml")
        readable = isinstance(user, Block) or (isinstance(user, Scalar) and is_text(user))
        if user is None or not readable or truthy(self.values.get("customConfigMap")):
            return container
        origin, text = self.file, as_text(user)
        if isinstance(user, Scalar):
            above = self.lines[user.line - 1] if user.line <= len(self.lines) else ""
            literal = re.search(r"\|[-+0-9]*\s*(#.*)?$", above) is not None
            text = "\n" * user.line * literal + user
            origin = self.file if literal else f"{self.file} user.yaml"
        mount = Mount(_USER_YAML, origin, files={"": text.encode()})
        return replace(
            container,
            mounts=tuple(
                mount
                if existing.target == mount.target and "" in (existing.files or ())
                else existing
                for existing in container.mounts
            ),
        )
