"""The services of a Compose project that run Milvus's proxy, as containers."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from ..milvus.container import EnvValue, Mount, NotJudged, ProxyContainer
from ..milvus.milvus_command import runs_proxy
from ..yaml.go_scalars import compose_text
from ..yaml.yaml_tree import Block, Items, Scalar, Tree, is_null
from .files import read_env_file
from .merge import as_environment
from .project import Project
from .refusal import ComposeRefusedError, ComposeUnresolvedError
from .volumes import is_windows_path

PIPE: Final = "docker compose{flags} config | milvus-secure server check -"

# Milvus's image or a mirror of it; not attu, milvus-backup, birdwatcher and similar images.
_IMAGE: Final = re.compile(r"(\A|/)milvus([:@]|\Z)|(\A|/)milvusdb/milvus(-\w+)?([:@]|\Z)")


def words_of(value: Tree | None) -> tuple[str, ...]:
    """A command in either form, as words."""
    if isinstance(value, Items):
        return tuple(str(item) for item in value)
    if isinstance(value, Scalar) and not is_null(value):
        try:
            return tuple(shlex.split(value))
        except ValueError:
            return tuple(value.split())
    return ()


def command_of(service: Block) -> tuple[str, ...]:
    """Entry point and command of a service, as words."""
    return (*words_of(service.get("entrypoint")), *words_of(service.get("command")))


def milvus_role(service: Block) -> bool | None:
    """Whether a service runs Milvus's proxy: True, False for another role, None for no Milvus."""
    by_command = runs_proxy(command_of(service))
    if by_command is not None:
        return by_command
    image = service.get("image")
    return True if isinstance(image, Scalar) and _IMAGE.search(image) else None


def container_of(project: Project, name: str, service: Block) -> ProxyContainer:
    """A service as a container.

    Raises:
        ComposeRefusedError: If Compose refuses something of it.
        MilvusSecureError: If an ``env_file`` cannot be read.
    """
    image, working = service.get("image"), service.get("working_dir")
    directory = PurePosixPath(working) if isinstance(working, Scalar) and working else None
    return ProxyContainer(
        f"service {name}",
        "Compose file",
        project.path,
        image=str(image) if isinstance(image, Scalar) and not is_null(image) else None,
        built="build" in service,
        working_directory=directory,
        environment=dict(_environment(project, service)),
        mounts=tuple(_mounts(project, name, service)),
        user=_user(service.get("user")),
    )


def _user(value: Tree | None) -> int | None:
    """The user's number; a name is the image's own affair."""
    number = str(value).partition(":")[0] if isinstance(value, Scalar) else ""
    return int(number) if number.isdecimal() and int(number) else None


def _environment(project: Project, service: Block) -> Iterator[tuple[str, EnvValue]]:
    declared = {
        name: value for name, value in _own_environment(project, service) if value is not None
    }
    # What fills in an env_file (compose-go types/project.go, WithServicesEnvironmentResolved).
    variables = {
        **{name: str(value.value) for name, value in declared.items()},
        **project.variables,
    }
    values: dict[str, EnvValue] = {}
    for file, required, raw in _env_files(service.get("env_file")):
        path = Path(file)
        if not path.is_file():
            if not required:
                continue
            raise ComposeRefusedError(
                f"Compose refuses the file, because the env_file {file} does not exist.",
                "Write it, or correct its name.",
                project.place(file),
            )
        read = read_env_file(path, variables, raw=raw)
        values |= {name: EnvValue(value, path.name) for name, value in read.items()}
    for name, value in _own_environment(project, service):
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    yield from values.items()


def _own_environment(project: Project, service: Block) -> Iterator[tuple[str, EnvValue | None]]:
    """What ``environment`` sets; None for a bare variable that nothing sets."""
    for name, text, node in as_environment(service.get("environment")):
        place = project.place(node)
        if text is not None:
            yield name, EnvValue(compose_text(text), place)
        elif name in project.variables:
            yield name, EnvValue(project.variables[name], f"the environment ({place})")
        else:
            yield name, None


def _env_files(value: Tree | None) -> Iterator[tuple[Scalar, bool, bool]]:
    """Each file with whether it must exist and whether its values are taken raw."""
    for item in value if isinstance(value, Items) else (value,):
        if isinstance(item, Block):
            path, raw = item.get("path"), item.get("format") == "raw"
            if isinstance(path, Scalar):
                yield path, item.get("required", "true") != "false", raw
        elif isinstance(item, Scalar) and not is_null(item):
            yield item, True, False


def _mounts(project: Project, name: str, service: Block, depth: int = 0) -> Iterator[Mount]:
    sources = service.get("volumes_from")
    for item in sources if isinstance(sources, Items) else ():
        yield from _mounts_from(project, str(item), item, depth)
    targets: set[PurePosixPath] = set()
    for mount in _own_mounts(project, name, service):
        if mount.target in targets:
            raise ComposeUnresolvedError(
                f"service {name}",
                f"it mounts two things at {mount.target}, which Compose refuses or replaces "
                "depending on how they are written",
                project.place(service),
            )
        targets.add(mount.target)
        yield mount


def _own_mounts(project: Project, name: str, service: Block) -> Iterator[Mount]:
    volumes = service.get("volumes")
    for volume in volumes if isinstance(volumes, Items) else ():
        if isinstance(volume, Block):
            yield from _volume(project, name, volume)
    tmpfs = service.get("tmpfs")
    for directory in tmpfs if isinstance(tmpfs, Items) else (tmpfs,):
        if isinstance(directory, Scalar) and directory.startswith("/"):
            yield Mount(_target(directory.partition(":")[0]), "an empty tmpfs", files={})
    yield from _objects(project, service, "configs", "/")
    yield from _objects(project, service, "secrets", "/run/secrets/")


def _mounts_from(project: Project, text: str, item: Tree, depth: int) -> Iterator[Mount]:
    services = project.section("services")
    source = services.get(text.removeprefix("service:").partition(":")[0])
    if isinstance(source, Block) and depth < len(services):
        yield from _mounts(project, text, source, depth + 1)
    elif not text.startswith("container:"):
        raise ComposeRefusedError(
            f"volumes_from names {text}, which is not a service.",
            "Correct the name.",
            project.place(item),
        )


def _volume(project: Project, name: str, volume: Block) -> Iterator[Mount]:
    target = volume.get("target")
    source = volume.get("source")
    if not isinstance(target, Scalar):
        return
    where, kind = _target(target), str(volume.get("type", "volume"))
    if kind == "tmpfs":
        yield Mount(where, "an empty tmpfs", files={})
    elif not isinstance(source, Scalar) or not source:
        yield Mount(where, "an anonymous volume")
    elif kind == "bind":
        yield _bind(where, source)
    elif kind == "volume":
        yield _named(project, name, where, source, volume)
    else:
        yield Mount(where, f"a mount of type {kind}")


def _bind(target: PurePosixPath, source: Scalar) -> Mount:
    if is_windows_path(source):
        return Mount(target, f"{source} of a Windows machine")
    return Mount(target, str(source), Path(source))


def _named(
    project: Project, name: str, target: PurePosixPath, source: Scalar, volume: Block
) -> Mount:
    volumes = project.section("volumes")
    if source not in volumes:
        raise ComposeRefusedError(
            f"Compose refuses the file: service {name} mounts the volume {source}, which is not "
            "under the top-level volumes.",
            f"Declare it, or write ./{source} if it is a directory next to the file.",
            project.place(volume),
        )
    declared = volumes[source]
    options = declared.get("driver_opts") if isinstance(declared, Block) else None
    if isinstance(options, Block) and "bind" in str(options.get("o", "")).split(","):
        device = options.get("device")
        if isinstance(device, Scalar):
            return _bind(target, Scalar.of(str(project.directory / device)))
    return Mount(target, f"the volume {source}")


def _target(path: str) -> PurePosixPath:
    return PurePosixPath(posixpath.normpath(posixpath.join("/", path)))


def _objects(project: Project, service: Block, section: str, folder: str) -> Iterator[Mount]:
    """What a service takes from the top-level ``configs`` or ``secrets``, as files."""
    entries = service.get(section)
    declared = project.section(section)
    for item in entries if isinstance(entries, Items) else ():
        source = item.get("source") if isinstance(item, Block) else item
        target = item.get("target") if isinstance(item, Block) else None
        if not isinstance(source, Scalar):
            continue
        if source not in declared:
            raise ComposeRefusedError(
                f"Compose refuses the file: {source} is not under the top-level {section}.",
                "Declare it there.",
                project.place(item),
            )
        named = target if isinstance(target, Scalar) and target else source
        where = _target(posixpath.join(folder, named))
        yield _object(project, where, f"{section.removesuffix('s')} {source}", declared[source])


def _object(project: Project, target: PurePosixPath, origin: str, declared: Tree) -> Mount:
    entry = declared if isinstance(declared, Block) else Block()
    file, content, variable = (entry.get(key) for key in ("file", "content", "environment"))
    if isinstance(file, Scalar):
        return _bind(target, file)
    if isinstance(content, Scalar):
        return Mount(target, origin, files={"": content.encode()})
    if isinstance(variable, Scalar) and variable in project.variables:
        value = project.variables[variable].encode("utf-8", "surrogateescape")
        return Mount(target, origin, files={"": value})
    return Mount(target, origin, files={"": None})


def hidden_by_profiles(project: Project, service: Block) -> tuple[str, ...]:
    """The profiles of a service, if none of them is active (``COMPOSE_PROFILES``)."""
    profiles = words_of(service.get("profiles"))
    active = {item.strip() for item in project.variables.get("COMPOSE_PROFILES", "").split(",")}
    return () if "*" in active or active & set(profiles) else profiles


def not_judged_profile(project: Project, name: str, service: Block, profile: str) -> NotJudged:
    """What to say of a service that Compose does not start."""
    return NotJudged(
        f"service {name}",
        f"Compose starts it with the profile {profile} alone",
        PIPE.format(flags=f" --profile {profile}"),
        project.place(service),
    )
