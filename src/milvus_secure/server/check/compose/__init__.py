"""Compose files: a reader that starts nothing and fetches nothing.

`project` loads and merges as Compose does, `service` finds the services that run Milvus's proxy.
What cannot be resolved here is reported as not judged, with the output of the real Compose as
the way to judge it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ....errors import MilvusSecureError
from ....reporting.report import Finding, finding
from ..milvus.container import Deployment, NotJudged, ProxyContainer
from ..milvus.milvus_command import changes_configuration
from ..yaml.yaml_tree import Block, Tree
from .consistency import check_consistency
from .files import COMPOSE_FILES
from .project import Project, load_project
from .refusal import ComposeRefusedError, ComposeUnresolvedError
from .service import (
    PIPE,
    command_of,
    container_of,
    hidden_by_profiles,
    milvus_role,
    not_judged_profile,
)

__all__ = ["COMPOSE_FILES", "read_compose"]


def read_compose(document: Tree, path: Path) -> Deployment:
    """The containers of a Compose file that run Milvus's proxy.

    Args:
        document: The file, read.
        path: Where it was read; ``-`` for standard input.

    Raises:
        MilvusSecureError: If no service runs Milvus, or a file cannot be read.
    """
    try:
        project = load_project(document, path)
        return _deployment(project)
    except ComposeRefusedError as refusal:
        return Deployment(findings=(_refused(refusal, path),))
    except ComposeUnresolvedError as unresolved:
        return Deployment(not_judged=(_unresolved(unresolved),))


def _refused(refusal: ComposeRefusedError, path: Path) -> Finding:
    return finding(
        "server-file-refused",
        refusal.cause,
        refusal.fix,
        setting=path.name,
        source=refusal.source,
        origin=f"file:{path}",
    )


def _unresolved(unresolved: ComposeUnresolvedError) -> NotJudged:
    return NotJudged(unresolved.what, unresolved.why, PIPE.format(flags=""), unresolved.source)


def _deployment(project: Project) -> Deployment:
    if not project.unresolved:
        check_consistency(project)
    containers: list[ProxyContainer] = []
    skipped = [_unresolved(unresolved) for unresolved in project.unresolved]
    other_services: list[str] = []
    for name, service in project.section("services").items():
        if not isinstance(service, Block):
            continue
        role = milvus_role(service)
        if role is not True:
            other_services += [name] if role is False else []
            _check_other(project, name, service)
            continue
        reason = _reason_not_to_judge(project, name, service)
        if reason is not None:
            skipped.append(reason)
            continue
        try:
            containers.append(container_of(project, name, service))
        except ComposeUnresolvedError as unresolved:
            skipped.append(_unresolved(unresolved))
    if not containers and not skipped:
        if other_services:
            return Deployment(not_judged=(_no_proxy(project, other_services),))
        raise MilvusSecureError(
            f"{project.path} has no Milvus: no service runs `milvus run`, and no image is named "
            "milvus.",
            "Name the Compose file that starts Milvus.",
        )
    return Deployment(tuple(containers), tuple(_unset(project)), tuple(skipped))


def _check_other(project: Project, name: str, service: Block) -> None:
    """Raise for what Compose refuses of a service that is not Milvus's proxy."""
    if not hidden_by_profiles(project, service):
        with suppress(ComposeUnresolvedError):  # its mounts are not needed
            container_of(project, name, service)


def _reason_not_to_judge(project: Project, name: str, service: Block) -> NotJudged | None:
    image, place = str(service.get("image", "")), project.place(service)
    if "bitnami" in image:
        return NotJudged(
            f"service {name}",
            f"{image} is Bitnami's image, which keeps its configuration in /opt/bitnami/milvus",
            "Check the milvus.yaml that it makes: `milvus-secure server check milvus.yaml`",
            place,
        )
    change = changes_configuration(command_of(service))
    if change is not None:
        running = "Check the running server instead: `milvus-secure check HOST:PORT`"
        return NotJudged(f"service {name}", change, running, place)
    profiles = hidden_by_profiles(project, service)
    return not_judged_profile(project, name, service, profiles[0]) if profiles else None


def _no_proxy(project: Project, other_services: list[str]) -> NotJudged:
    return NotJudged(
        f"{project.path.name}",
        f"its Milvus services ({', '.join(other_services)}) run other roles, and only the proxy "
        "opens the port that clients connect to",
        "Name the Compose file that starts the proxy.",
    )


def _unset(project: Project) -> list[Finding]:
    return [
        finding(
            "server-variable-unset",
            f"The variable {name} has no value, so Compose replaces it with nothing.",
            f"Set {name} in the .env next to the file, or give it a default: ${{{name}:-VALUE}}.",
            setting=name,
            source=place,
            origin=f"file:{project.path}",
        )
        for name, place in project.unset.items()
    ]
