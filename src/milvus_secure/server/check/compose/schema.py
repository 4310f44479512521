"""What Compose's schema refuses: unknown keys, and values of the wrong kind.

Follows ``schema/compose-spec.json`` of compose-go for what the reader uses: the keys of the file
and of each service, and everything about environment, files and mounts. What is inside of
``build``, ``deploy``, ``healthcheck`` and the like is not looked at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from ..yaml_tree import Block, Items, Scalar, Tree, is_null
from .refusal import ComposeRefusedError, ComposeUnresolvedError
from .scalars import typed_scalar

TOP_LEVEL: Final = frozenset(
    {
        "version",
        "name",
        "include",
        "services",
        "models",
        "networks",
        "volumes",
        "secrets",
        "configs",
    }
)
"""The keys of a file; all others begin with ``x-``."""

_RELEASE: Final = "2.40"

_TEXT, _NUMBER, _FLAG, _NULL = "text", "a number", "a boolean", "empty"
_LIST, _MAPPING, _DATE = "a list", "a mapping", "a date"


def _keys(names: str, *kinds: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names.split(), kinds)


_SERVICE: Final[Mapping[str, tuple[str, ...]]] = {
    **_keys("develop deploy", _MAPPING, _NULL),
    **_keys("annotations depends_on environment extra_hosts labels", _MAPPING, _LIST),
    **_keys("models networks sysctls", _MAPPING, _LIST),
    **_keys("attach init oom_kill_disable privileged read_only stdin_open tty", _FLAG, _TEXT),
    **_keys("use_api_socket", _FLAG, _TEXT),
    **_keys("build extends", _MAPPING, _TEXT),
    **_keys("blkio_config credential_spec provider healthcheck", _MAPPING),
    **_keys("logging storage_opt ulimits", _MAPPING),
    **_keys("cap_add cap_drop configs device_cgroup_rules devices dns_opt expose", _LIST),
    **_keys("external_links group_add links ports post_start pre_stop profiles", _LIST),
    **_keys("secrets security_opt volumes volumes_from", _LIST),
    **_keys("cgroup cgroup_parent container_name cpuset domainname hostname image ipc", _TEXT),
    **_keys("isolation mac_address network_mode platform pull_policy", _TEXT),
    **_keys("pull_refresh_after restart runtime stop_grace_period stop_signal", _TEXT),
    **_keys("user userns_mode uts working_dir", _TEXT),
    **_keys("command entrypoint", _LIST, _TEXT, _NULL),
    **_keys("cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period", _NUMBER, _TEXT),
    **_keys("cpu_rt_runtime cpu_shares cpus mem_limit mem_reservation", _NUMBER, _TEXT),
    **_keys("mem_swappiness memswap_limit oom_score_adj pids_limit", _NUMBER, _TEXT),
    **_keys("scale shm_size", _NUMBER, _TEXT),
    **_keys("dns dns_search env_file gpus label_file tmpfs", _LIST, _TEXT),
    **_keys("pid", _TEXT, _NULL),
}
_VOLUME: Final = {
    **_keys("type source target consistency", _TEXT),
    **_keys("read_only", _FLAG, _TEXT),
    **_keys("bind volume tmpfs image", _MAPPING),
}
_VOLUME_TYPES: Final = ("bind", "volume", "tmpfs", "cluster", "npipe", "image")
_ENV_FILE: Final = {**_keys("path format", _TEXT), **_keys("required", _FLAG, _TEXT)}
_REFERENCE: Final = {**_keys("source target uid gid", _TEXT), **_keys("mode", _NUMBER, _TEXT)}
_EXTENDS: Final = _keys("service file", _TEXT)
_EXTERNAL: Final = {
    **_keys("name", _TEXT),
    **_keys("external", _FLAG, _TEXT, _MAPPING),
    **_keys("labels", _MAPPING, _LIST),
}
_DECLARED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "configs": {**_EXTERNAL, **_keys("content environment file template_driver", _TEXT)},
    "secrets": {
        **_EXTERNAL,
        **_keys("environment file driver template_driver", _TEXT),
        **_keys("driver_opts", _MAPPING),
    },
    "volumes": {**_EXTERNAL, **_keys("driver", _TEXT), **_keys("driver_opts", _MAPPING)},
}
_VALUES: Final = (_TEXT, _NUMBER, _FLAG, _NULL)
# gopkg.in/yaml.v3, resolve.go: a plain date is a time.Time, which the schema has no type for.
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d.*)?", re.ASCII
)


def check_schema(document: Block, file: str) -> None:
    """Refuse what Compose's schema refuses.

    Args:
        document: A file with its variables filled in, nothing resolved yet.
        file: Its name.

    Raises:
        ComposeRefusedError: With the first reason.
        ComposeUnresolvedError: If a service has a key that only a later release can know.
    """
    _Schema(file).document(document)


class _Schema:
    def __init__(self, file: str) -> None:
        self.file = file

    def refuse(self, where: str, why: str, fix: str, line: int) -> ComposeRefusedError:
        source = f"{self.file}:{line}" if line else self.file
        place = f"{where} " if where else ""
        return ComposeRefusedError(f"Compose refuses {self.file}: {place}{why}.", fix, source)

    def document(self, document: Block) -> None:
        self.repeats(document, "")
        self.names(document, TOP_LEVEL, "the top level")
        self.kind(document, "version", "", (_TEXT,))
        self.kind(document, "name", "", (_TEXT,))
        for section in ("services", "networks", *_DECLARED):
            self.kind(document, section, "", (_MAPPING,))
        services = _section(document, "services")
        for name, service in services.items():
            where = f"services.{name}"
            if re.fullmatch(r"[a-zA-Z0-9._-]+", name, re.ASCII) is None:
                fix, line = (
                    "Use letters, digits, dots, dashes and underscores.",
                    services.lines[name],
                )
                raise self.refuse(where, "has a name that is not allowed", fix, line)
            self.kind(services, name, "services.", (_MAPPING,))
            if isinstance(service, Block):
                self.service(service, where)
        for section, shape in _DECLARED.items():
            declared = _section(document, section)
            kinds = (_MAPPING, _NULL) if section == "volumes" else (_MAPPING,)
            for name, entry in declared.items():
                self.kind(declared, name, f"{section}.", kinds)
                if isinstance(entry, Block):
                    self.shape(entry, shape, f"{section}.{name}")

    def service(self, service: Block, where: str) -> None:
        self.shape(service, _SERVICE, where)
        environment = service.get("environment")
        if isinstance(environment, Block):
            for name in environment:
                self.kind(environment, name, f"{where}.environment.", _VALUES)
        self.items(service, "environment", where, None)
        for key in ("command", "entrypoint", "profiles", "volumes_from"):
            self.items(service, key, where, None)
        for key, shape in (
            ("env_file", _ENV_FILE),
            ("configs", _REFERENCE),
            ("secrets", _REFERENCE),
            ("volumes", _VOLUME),
        ):
            self.items(service, key, where, shape)
        extends = service.get("extends")
        if isinstance(extends, Block):
            self.shape(extends, _EXTENDS, f"{where}.extends")
        for volume in _blocks(service.get("volumes")):
            self.volume(volume, f"{where}.volumes")
        for name, text in _texts(environment):
            if name != name.rstrip():
                fix = "Remove the blank before the equals sign."
                why = f"sets {name.strip()} with a blank after its name"
                raise self.refuse(f"{where}.environment", why, fix, text.line)

    def volume(self, volume: Block, where: str) -> None:
        kind = volume.get("type")
        if kind not in _VOLUME_TYPES:
            known = ", ".join(_VOLUME_TYPES)
            why = "has a volume without a type" if kind is None else f"has a volume of type {kind}"
            raise self.refuse(where, why, f"Set its type to one of {known}.", volume.line)
        if not volume.get("target"):
            fix = "Set target to a path in the container."
            raise self.refuse(where, "has a volume without a target", fix, volume.line)

    def items(
        self, block: Block, key: str, where: str, shape: Mapping[str, tuple[str, ...]] | None
    ) -> None:
        """Each element of a list: a text, or a mapping where one has a shape."""
        items = block.get(key)
        for item in items if isinstance(items, Items) else ():
            if isinstance(item, Block) and shape is not None:
                self.shape(item, shape, f"{where}.{key}")
            elif _kind(item) != _TEXT:
                line = getattr(item, "line", 0) or block.lines[key]
                fix = (
                    "Write each entry as NAME=value."
                    if key == "environment"
                    else "Put the entry in quotes, or write it in the form that the key has."
                )
                raise self.refuse(
                    f"{where}.{key}", f"has an entry that is {_kind(item)}", fix, line
                )

    def shape(self, block: Block, shape: Mapping[str, tuple[str, ...]], where: str) -> None:
        self.names(block, shape, where)
        for key, kinds in shape.items():
            self.kind(block, key, f"{where}.", kinds)

    def names(self, block: Block, known: Collection[str], where: str) -> None:
        for key, line in block.lines.items():
            if key in block and key not in known and not key.startswith("x-"):
                near = difflib.get_close_matches(key, known, 1, 0.75)
                if not near and known is _SERVICE:  # a later Compose may know it
                    raise ComposeUnresolvedError(
                        f"{self.file}",
                        f"Compose {_RELEASE} refuses it, because {where} has the unknown key {key}",
                        f"{self.file}:{line}" if line else self.file,
                    )
                fix = f"Write {near[0]}." if near else "Remove it, or correct its name."
                raise self.refuse(where, f"has the unknown key {key}", fix, line)

    def kind(self, block: Block, key: str, above: str, kinds: Collection[str]) -> None:
        if key not in block or key in block.tags:
            return
        actual = _kind(block[key])
        if actual in kinds:
            return
        wanted = " or ".join(kinds)
        quoted = actual in {_NUMBER, _FLAG, _DATE} and _TEXT in kinds
        fix = "Put the value in quotes." if quoted else f"Write {wanted}, or remove {key}."
        raise self.refuse(
            f"{above}{key}", f"is {actual}, and must be {wanted}", fix, block.lines[key]
        )

    def repeats(self, tree: Tree, above: str) -> None:
        if isinstance(tree, Block):
            for repeat in tree.repeats:
                why = f"appears again in line {repeat.later}"
                fix = f"Put everything under one {repeat.key}."
                raise self.refuse(f"{above}{repeat.key}", why, fix, repeat.later)
            for key, value in tree.items():
                self.repeats(value, f"{above}{key}.")
        elif isinstance(tree, Items):
            for item in tree:
                self.repeats(item, above)


def _kind(value: Tree) -> str:
    if not isinstance(value, Scalar):
        return _MAPPING if isinstance(value, Block) else _LIST
    if not value.plain:
        return _TEXT
    if is_null(value):
        return _NULL
    if _TIMESTAMP.fullmatch(value):
        return _DATE
    typed = typed_scalar(value)
    if isinstance(typed, str):
        return _TEXT
    return _FLAG if isinstance(typed, bool) else _NUMBER


def _section(document: Block, name: str) -> Block:
    section = document.get(name)
    return section if isinstance(section, Block) else Block()


def _blocks(value: Tree | None) -> Iterable[Block]:
    return [item for item in value if isinstance(item, Block)] if isinstance(value, Items) else ()


def _texts(value: Tree | None) -> Iterator[tuple[str, Scalar]]:
    """The entries of a list of variables, with their names as they are written."""
    for item in value if isinstance(value, Items) else ():
        if isinstance(item, Scalar) and "=" in item:
            yield item.partition("=")[0], item
