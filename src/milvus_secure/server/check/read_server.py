"""From a file to what Milvus runs with: tells the kind of the file and calls its reader."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import MilvusSecureError
from ...reporting.report import Finding
from .compose import COMPOSE_FILES, read_compose
from .container import Deployment, Mount, NotJudged, ProxyContainer
from .container_files import ContainerFiles
from .file_kind import FileKind, kind_of
from .helm_kinds import read_helm
from .kubernetes import read_kubernetes
from .milvus_config import CONFIG_FILES, WORKING_DIRECTORY, MilvusConfig, config_of, config_of_file
from .reading import STANDARD_INPUT, read_input, read_text
from .yaml_tree import Block, Tree, documents


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


def read_server(path: Path, mounts: Sequence[tuple[Path, PurePosixPath]] = ()) -> ServerFile:
    """Read a server's configuration of any known kind.

    Args:
        path: The file, or ``-`` for standard input. Files that it refers to are read from this
            machine. Of a milvus.yaml that a Compose file beside it mounts, the Compose file is
            read: it alone tells where the container's paths are here.
        mounts: For a milvus.yaml, what is mounted into its container (Docker's ``-v``).

    Raises:
        MilvusSecureError: If it cannot be read, is not YAML, or is no configuration of Milvus;
            with the line where the parser knows it.
    """
    text = read_input(path)
    name = "standard input" if path == STANDARD_INPUT else path.name
    trees = documents(text, name)
    kind = kind_of(trees, name)
    if kind is FileKind.MILVUS:
        beside = None if mounts or path == STANDARD_INPUT else _compose_beside(path)
        return beside or ServerFile(path, kind, (_milvus_yaml(path, text, name, mounts),))
    if kind is FileKind.UNKNOWN:
        raise MilvusSecureError(
            f"{name} is no configuration of Milvus: it has no tls or common part, no services, no "
            "extraConfigFiles and no Kubernetes resource. Fix: name such a file."
        )
    deployment = _deployment(kind, trees, path, name, text)
    return ServerFile(
        path,
        kind,
        tuple(map(config_of, deployment.containers)),
        deployment.findings,
        deployment.not_judged,
    )


def _deployment(kind: FileKind, trees: list[Tree], path: Path, name: str, text: str) -> Deployment:
    if kind is FileKind.COMPOSE:
        return read_compose(trees[0], path)
    values = trees[0]
    if kind is FileKind.VALUES and isinstance(values, Block):
        return read_helm(values, path, name, text)
    return read_kubernetes(trees, path, name)


def _milvus_yaml(
    path: Path, text: str, name: str, mounts: Sequence[tuple[Path, PurePosixPath]]
) -> MilvusConfig:
    if mounts:
        return config_of(_container(path, mounts))
    here = path.absolute().parent
    outside = (here.parent, here) if here.name == "configs" else (here,)
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
    here = path.absolute()
    for name in COMPOSE_FILES:
        beside = path.with_name(name)
        if beside == path or not beside.is_file():
            continue
        with suppress(MilvusSecureError):  # nobody asked for that file
            trees = documents(read_text(beside), name)
            if kind_of(trees, name) is not FileKind.COMPOSE:
                continue
            deployment = read_compose(trees[0], beside)
            configs = tuple(map(config_of, deployment.containers))
            if any(_reads(config, here) for config in configs):
                return ServerFile(
                    beside, FileKind.COMPOSE, configs, deployment.findings, deployment.not_judged
                )
    return None


def _reads(config: MilvusConfig, file: Path) -> bool:
    directory = config.config_directory
    paths = [config.files.find(directory / name).path for name in CONFIG_FILES if directory]
    return file in [path.absolute() for path in paths if path is not None]
