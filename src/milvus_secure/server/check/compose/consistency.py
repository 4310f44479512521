"""What Compose refuses once a project is merged: names that nothing declares.

Follows compose-go ``loader/validate.go``, checkConsistency. Volumes, configs, secrets and
``env_file`` are checked where they are read, in `service`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..yaml.yaml_tree import Block, Items, Scalar, Tree
from .project import Project
from .refusal import ComposeRefusedError
from .service import hidden_by_profiles

_SOURCES = ("file", "environment", "content")


def check_consistency(project: Project) -> None:
    """Refuse a project that Compose refuses.

    Args:
        project: Merged, with nothing left out.

    Raises:
        ComposeRefusedError: With the first reason.
    """
    services = {
        name: service
        for name, service in project.section("services").items()
        if isinstance(service, Block) and not hidden_by_profiles(project, service)
    }
    networks = {"default", *project.section("networks")}
    for name, service in services.items():
        if not {"image", "build", "provider"} & set(service):
            raise _refused(
                project, service, f"service {name} has neither image nor build", "Name its image."
            )
        if "network_mode" in service and "networks" in service:
            why = f"service {name} has both network_mode and networks"
            raise _refused(project, service, why, "Remove one of them.")
        for dependency in _services_named(service):
            if dependency not in services:
                why = (
                    f"service {name} depends on {dependency}, which is not a service that it starts"
                )
                raise _refused(project, service, why, f"Add {dependency}, or remove its name.")
        for network in _names(service.get("networks")):
            if network not in networks:
                why = f"service {name} uses the network {network}, which is not declared"
                raise _refused(project, service, why, f"Add {network} under networks.")
    for section in ("configs", "secrets"):
        for name, entry in project.section(section).items():
            _check_source(project, section, name, entry)


def _check_source(project: Project, section: str, name: str, entry: Tree) -> None:
    if not isinstance(entry, Block) or "external" in entry:
        return
    sources = [key for key in _SOURCES if key in entry]
    if len(sources) == 1 or (section == "secrets" and "driver" in entry):
        return
    why = f"{section}.{name} has {' and '.join(sources) or 'none of ' + ', '.join(_SOURCES)}"
    raise _refused(project, entry, why, "Give it one source.")


def _services_named(service: Block) -> Iterator[str]:
    yield from _names(service.get("depends_on"))
    yield from (link.partition(":")[0] for link in _names(service.get("links")))
    for key in ("network_mode", "ipc", "pid"):
        value = service.get(key)
        if isinstance(value, Scalar) and value.startswith("service:"):
            yield value.partition(":")[2]


def _names(value: Tree | None) -> list[str]:
    """The names of a list, or of a mapping."""
    if isinstance(value, Items):
        return [str(item) for item in value if isinstance(item, Scalar)]
    return list(value) if isinstance(value, Block) else []


def _refused(project: Project, node: Tree, why: str, fix: str) -> ComposeRefusedError:
    return ComposeRefusedError(f"Compose refuses the file: {why}.", fix, project.place(node))
