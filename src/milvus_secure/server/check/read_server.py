"""From a file to Milvus's configuration: recognizes the kind of file and calls its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ...errors import MilvusSecureError
from ...reporting.report import Finding
from .compose import COMPOSE_FILES, read_compose
from .file_kind import FileKind, kind_of
from .helm.chart_kinds import read_helm
from .kubernetes import read_kubernetes
from .milvus.config_layers import CONFIG_FILES, WORKING_DIRECTORY, config_of, config_of_file
from .milvus.container import Deployment, Mount, NotJudged, ProxyContainer
from .milvus.container_files import ContainerFiles
from .milvus.milvus_config import MilvusConfig
from .yaml.reading import STANDARD_INPUT, read_input, read_text, shown_path
from .yaml.yaml_tree import Block, Tree, documents


@dataclass(frozen=True)
class ServerFile:
    """What a file says about servers.

    Attributes:
        path: The file; ``-`` for standard input.
        kind: What kind of file it is.
        configs: What each Milvus runs with that the file starts; empty if none can be judged.
        findings: What its reader found.
        not_judged: What could not be resolved.
    """

    path: Path
    kind: FileKind
    configs: tuple[MilvusConfig, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()


@dataclass(frozen=True)
class _Input:
    """A file that was read.

    Attributes:
        path: The file; ``-`` for standard input.
        name: How a report calls it.
        text: Its text.
        trees: Its documents.
        kind: What they are.
    """

    path: Path
    name: str
    text: str = field(repr=False)
    trees: list[Tree] = field(repr=False)
    kind: FileKind


def read_servers(
    paths: Sequence[Path], mounts: Sequence[tuple[Path, PurePosixPath]] = ()
) -> list[ServerFile]:
    """Read servers' configurations of any known kind; Kubernetes manifests count as one input.

    Args:
        paths: Files, or ``-`` for standard input. Files that they refer to are read from this
            machine. Of a milvus.yaml that a Compose file beside it mounts, the Compose file is
            read: it alone tells where the container's paths are here.
        mounts: For a milvus.yaml, what is mounted into its container (Docker's ``-v``).

    Raises:
        MilvusSecureError: If one cannot be read, is not YAML, or is no configuration of Milvus;
            with the line where the parser knows it.
    """
    inputs = [_read(path) for path in paths]
    manifests = [item for item in inputs if item.kind is FileKind.MANIFESTS]
    files: list[ServerFile] = []
    for item in inputs:
        if item.kind is not FileKind.MANIFESTS:
            files.append(_server_file(item, mounts))
        elif item is manifests[0]:
            documents_of = [(file.name, tree) for file in manifests for tree in file.trees]
            files.append(_deployed(item, read_kubernetes(documents_of, item.path)))
    paths_of = {f"file:{item.name}": f"file:{item.path}" for item in inputs}
    return [_with_paths(file, paths_of) for file in files]


def _with_paths(file: ServerFile, paths: Mapping[str, str]) -> ServerFile:
    """The file with whole paths as the origins of its readers' findings."""
    findings = (
        replace(item, origin=paths.get(item.origin or "", item.origin)) for item in file.findings
    )
    return replace(file, findings=tuple(findings))


def _read(path: Path) -> _Input:
    text = read_input(path)
    name = shown_path(path) if path == STANDARD_INPUT else path.name
    try:
        trees = documents(text, name)
    except MilvusSecureError as error:
        raise _template_error(text, name) or error from None
    return _Input(path, name, text, trees, kind_of(trees, name))


def _template_error(text: str, name: str) -> MilvusSecureError | None:
    """The message for a template of Helm, gomplate or Ansible, which is not yet YAML."""
    braces = text.find("{{")
    if braces < 0:
        return None
    line = text.count("\n", 0, braces) + 1
    return MilvusSecureError(
        f"{name} is a template: {{{{ in line {line} is to be filled in before it is YAML.",
        "Give what its tool makes of it.",
        "helm template NAME CHART | milvus-secure server check -",
    )


def _server_file(item: _Input, mounts: Sequence[tuple[Path, PurePosixPath]]) -> ServerFile:
    path, name, first = item.path, item.name, next(iter(item.trees), None)
    if item.kind is FileKind.MILVUS:
        beside = None if mounts or path == STANDARD_INPUT else _compose_beside(path)
        if beside is not None:
            return beside
        return ServerFile(path, item.kind, (_milvus_yaml(path, item.text, name, mounts),))
    if item.kind is FileKind.COMPOSE and first is not None:
        return _deployed(item, read_compose(first, path))
    if item.kind is FileKind.VALUES and isinstance(first, Block):
        return _deployed(item, read_helm(first, path, name, item.text))
    raise MilvusSecureError(
        f"{name} is not a configuration of Milvus: it has no tls or common part, no services, no "
        "extraConfigFiles and no Kubernetes resource.",
        "Name a file of one of these kinds.",
    )


def _deployed(item: _Input, deployment: Deployment) -> ServerFile:
    return ServerFile(
        item.path,
        item.kind,
        tuple(map(config_of, deployment.containers)),
        deployment.findings,
        deployment.not_judged,
    )


def _milvus_yaml(
    path: Path, text: str, name: str, mounts: Sequence[tuple[Path, PurePosixPath]]
) -> MilvusConfig:
    if mounts:
        return config_of(_container(path, mounts))
    directory = path.absolute().parent
    outside = (directory.parent, directory) if directory.name == "configs" else (directory,)
    files = ContainerFiles((), PurePosixPath("/"), outside=outside)
    return config_of_file(path, text, name, files)


def _container(path: Path, mounts: Sequence[tuple[Path, PurePosixPath]]) -> ProxyContainer:
    """The container of a milvus.yaml whose other mounts are named."""
    name = path.name if path.name in CONFIG_FILES else CONFIG_FILES[0]
    config = Mount(WORKING_DIRECTORY / "configs" / name, str(path), path)
    named = [Mount(target, str(source), source) for source, target in mounts]
    return ProxyContainer("", "milvus.yaml", path, mounts=(config, *named))


def _compose_beside(path: Path) -> ServerFile | None:
    """The Compose file in the same directory that mounts this milvus.yaml, if there is one."""
    absolute = path.absolute()
    for name in COMPOSE_FILES:
        beside = path.with_name(name)
        if beside == path or not beside.is_file():
            continue
        with suppress(MilvusSecureError):  # the user did not name that file
            trees = documents(read_text(beside), name)
            if kind_of(trees, name) is not FileKind.COMPOSE:
                continue
            deployment = read_compose(trees[0], beside)
            configs = tuple(map(config_of, deployment.containers))
            if any(_reads(config, absolute) for config in configs):
                return ServerFile(
                    beside, FileKind.COMPOSE, configs, deployment.findings, deployment.not_judged
                )
    return None


def _reads(config: MilvusConfig, file: Path) -> bool:
    directory = config.config_directory
    paths = [config.files.find(directory / name).path for name in CONFIG_FILES if directory]
    return file in [path.absolute() for path in paths if path is not None]
