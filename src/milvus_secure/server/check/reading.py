"""Finds the TLS part of milvus.yaml, a Compose file, Helm values or an Operator resource."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import MilvusSecureError
from ..config.server_plan import USER_YAML_SINCE, image_version
from ..config.yaml_text import parsed
from .model import Located, Mount, ServerSide

MAX_BYTES = 4 << 20
_CONFIGS = PurePosixPath("/milvus/configs")
# In the order Milvus lays them over each other (pkg/util/paramtable/base_table.go).
_CONFIG_FILES = ("milvus.yaml", "default.yaml", "user.yaml")
_TOP_LEVEL = ("tls", "common", "proxy", "internaltls", "internalTLS")
# What Docker Compose looks for itself (Compose specification, Compose file).
_COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


def read_server(path: Path) -> ServerSide:
    """Read a server configuration of any known kind.

    Args:
        path: The file; what it refers to (a mounted milvus.yaml) is read from this machine. Of a
            milvus.yaml that a Compose file beside it mounts, the Compose file is read: it alone
            tells where the container's paths lie here.

    Raises:
        MilvusSecureError: If it cannot be read, is not YAML, or is no configuration of Milvus;
            with the line where the parser knows it.
    """
    documents = [one for one in parsed(read_text(path), path.name) if isinstance(one, Mapping)]
    for document in documents:
        if document.get("kind") == "Milvus" and "spec" in document:
            return _operator(path, document)
        if isinstance(document.get("services"), Mapping):
            return _compose(path, document)
        if {"extraConfigFiles", "customConfigMap"} & set(document):
            return _helm(path, document)
        if any(key in document for key in _TOP_LEVEL):
            alone = ServerSide(path, "milvus.yaml", dict(_flat(document, path)))
            return _mounted_beside(path) or alone
    raise MilvusSecureError(
        f"{path} is no configuration of Milvus: it has no tls or common part, no services, no "
        "extraConfigFiles and no resource of kind Milvus. Fix: name such a file."
    )


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        MilvusSecureError: If it is missing, too large or not UTF-8.
    """
    try:
        if not path.is_file():
            raise MilvusSecureError(f"{path} is not a file. Fix: name the server's configuration.")
        if path.stat().st_size > MAX_BYTES:
            raise MilvusSecureError(f"{path} is larger than 4 MiB. Fix: name a configuration file.")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise MilvusSecureError(
            f"{path.name}, line {line}: it is not UTF-8 text. Fix: save it as UTF-8."
        ) from None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise MilvusSecureError(
            f"{path} cannot be read: {why}. Fix: let this user read it; "
            f"see: ls -ld {shlex.quote(str(path))}"
        ) from None


def _mounted_beside(path: Path) -> ServerSide | None:
    """The Compose file in the same folder that mounts this milvus.yaml, if there is one."""
    here = path.absolute()
    for name in _COMPOSE_FILES:
        beside = path.with_name(name)
        with suppress(MilvusSecureError):  # none, or none of Milvus: nobody asked for it
            for one in parsed(read_text(beside), name):
                if not isinstance(one, Mapping) or not isinstance(one.get("services"), Mapping):
                    continue
                side = _compose(beside, one)
                sources = [
                    mount.source.absolute()
                    for mount in side.mounts or ()
                    if mount.source and mount.target.is_relative_to(_CONFIGS)
                ]
                if here in sources or here.parent in sources:
                    return side
    return None


def _flat(
    node: Mapping[str, Any], path: Path, above: str = "", *, lines: bool = True
) -> Iterator[tuple[str, tuple[Located, Path]]]:
    """Dotted keys in lower case, as Milvus's parameter table knows them."""
    for key, value in node.items():
        dotted = f"{above}{key}".lower()
        if isinstance(value, Mapping):
            yield from _flat(value, path, f"{dotted}.", lines=lines)
        else:
            yield dotted, (Located(value, _line(node, key) if lines else 0), path)


def _line(node: Any, key: str) -> int:  # noqa: ANN401 - ruamel's map tells, a plain one does not
    try:
        return int(node.lc.key(key)[0]) + 1
    except (AttributeError, KeyError, TypeError):
        return 0


def _compose(path: Path, document: Mapping[str, Any]) -> ServerSide:
    service = _milvus_service(document["services"])
    if service is None:
        raise MilvusSecureError(
            f"{path} has no Milvus: no service runs an image named milvus. "
            "Fix: name the Compose file that does."
        )
    mounts = tuple(_compose_mounts(service.get("volumes") or (), path.parent))
    version = image_version(service.get("image"))
    old = version is not None and version < USER_YAML_SINCE
    keys: dict[str, tuple[Located, Path]] = {}
    absent: list[Path] = []
    for name in _CONFIG_FILES[:-1] if old else _CONFIG_FILES:
        for mount in mounts:
            if mount.source is None or not (_CONFIGS / name).is_relative_to(mount.target):
                continue
            file = mount.source / (_CONFIGS / name).relative_to(mount.target)
            if file.is_file():
                for one in parsed(read_text(file), file.name):
                    if isinstance(one, Mapping):
                        keys.update(_flat(one, file))
            elif mount.target == _CONFIGS / name:
                absent.append(mount.source)
    return ServerSide(
        path,
        "Compose file",
        keys,
        mounts,
        dict(_environment(service)),
        version=version,
        absent=tuple(absent),
        user=_user(service.get("user")),
    )


def _milvus_service(services: Mapping[str, Any]) -> Mapping[str, Any] | None:
    candidates = [one for one in services.values() if isinstance(one, Mapping)]
    for service in candidates:
        image = str(service.get("image", "")).rpartition("/")[2]
        command = service.get("command") or ""
        words = list(map(str, command)) if isinstance(command, list) else str(command).split()
        if re.match(r"milvus([:@-]|$)", image) or words[:2] == ["milvus", "run"]:
            return service
    return None


def _compose_mounts(volumes: Any, folder: Path) -> Iterator[Mount]:  # noqa: ANN401
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, Mapping):
            source, target = str(volume.get("source") or ""), str(volume.get("target") or "")
            bound = volume.get("type", "volume") == "bind"
        else:
            # ${VAR:-default} holds a colon of its own.
            text = _expanded(str(volume))
            source, _, rest = text.partition(":")
            target = rest.partition(":")[0]
            bound = source.startswith((".", "/", "~"))
        if target.startswith("/"):
            here = folder / os.path.expanduser(_expanded(source)) if bound and source else None  # noqa: PTH111 - keeps an unknown user as text
            yield Mount(PurePosixPath(target), here)


def _expanded(text: str) -> str:
    """``${NAME:-default}`` as Compose interpolates it, from this environment."""
    return re.sub(
        r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)",
        lambda match: os.environ.get(match[1] or match[3]) or match[2] or "",
        text,
    )


def _environment(service: Mapping[str, Any]) -> Iterator[tuple[str, Located]]:
    given = service.get("environment") or {}
    if isinstance(given, Mapping):
        for name, value in given.items():
            yield str(name), Located(value, _line(given, name))
        return
    for entry in given if isinstance(given, list) else ():
        name, _, value = str(entry).partition("=")
        yield name, Located(value)


def _user(given: object) -> int | None:
    """The user's number; a name is the image's own affair."""
    number = str(given if given is not None else "").partition(":")[0]
    return int(number) if number.isdecimal() and int(number) else None


def _helm(path: Path, document: Mapping[str, Any]) -> ServerSide:
    extra = document.get("extraConfigFiles") or {}
    text = extra.get("user.yaml") if isinstance(extra, Mapping) else None
    keys: dict[str, tuple[Located, Path]] = {}
    for one in parsed(str(text or ""), f"{path.name} user.yaml"):
        if isinstance(one, Mapping):
            keys.update(_flat(one, path, lines=False))
    ignored = {
        key: Located(None, _line(document, key)) for key in ("tls", "common") if key in document
    }
    if isinstance(extra, Mapping):
        ignored |= {
            f"extraConfigFiles.{name}": Located(None, _line(extra, name))
            for name in extra
            if name != "user.yaml"
        }
    mounts = tuple(_pod_mounts(document))
    return ServerSide(path, "Helm values", keys, mounts, ignored=ignored)


def _operator(path: Path, document: Mapping[str, Any]) -> ServerSide:
    spec = document.get("spec")
    spec = spec if isinstance(spec, Mapping) else {}
    config, components = spec.get("config") or {}, spec.get("components") or {}
    keys = dict(_flat(config, path)) if isinstance(config, Mapping) else {}
    mounts = tuple(_pod_mounts(components)) if isinstance(components, Mapping) else ()
    ignored = {
        f"spec.{key}": Located(None, _line(spec, key)) for key in ("tls", "common") if key in spec
    }
    image = components.get("image") if isinstance(components, Mapping) else None
    return ServerSide(
        path, "Operator resource", keys, mounts, ignored=ignored, version=image_version(image)
    )


def _pod_mounts(node: Mapping[str, Any]) -> Iterator[Mount]:
    """Mounts that have their volume; what is in a Secret only the cluster knows."""
    volumes = [one.get("name") for one in _mappings(node.get("volumes"))]
    for one in _mappings(node.get("volumeMounts")):
        if one.get("name") in volumes and one.get("mountPath"):
            yield Mount(PurePosixPath(str(one["mountPath"])))


def _mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings of a list; nothing of anything else, which the platform itself refuses."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
