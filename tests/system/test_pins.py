"""The dependencies of tests and release are pinned with hashes and fit the declared ranges."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, GROUPS = DECLARED["project"], DECLARED["dependency-groups"]
USERS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["embedded"]]
FILES = ("demo", "dev", "release", "oldest")


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those it includes among them."""
    requirements: list[str] = []
    for item in GROUPS[name]:
        requirements += [item] if isinstance(item, str) else group(item["include-group"])
    return requirements


def pins(name: str) -> dict[str, list[Requirement]]:
    """The pins of a file by distribution; several where they differ by Python."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    requirements: dict[str, list[Requirement]] = {}
    for line in re.findall(r"(?m)^[^\s#].*==[^\\\n]*", text):
        requirement = Requirement(line)
        requirements.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return requirements


def release(pin: Requirement) -> str:
    [only] = pin.specifier
    return only.version


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    entries = re.split(r"(?m)^(?=[^\s#])", text.partition("make pins\n")[2])
    bare = [entry for entry in entries if entry.strip() and "--hash=sha256:" not in entry]
    assert bare == []


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("demo", [*USERS, *group("packaging")]),
        ("dev", [*USERS, *group("dev")]),
        ("release", [*PROJECT["dependencies"], *group("release")]),
        ("oldest", [*USERS, *group("test"), *group("packaging")]),
    ],
    ids=FILES,
)
def test_the_pins_are_what_is_declared(name, declared):
    pinned = pins(name)
    for item in map(Requirement, declared):
        pins_of_item = pinned[canonicalize_name(item.name)]
        assert all(pin.specifier and release(pin) in item.specifier for pin in pins_of_item), item


def test_the_oldest_pins_are_the_lowest_that_are_declared():
    pinned = pins("oldest")
    for item in map(Requirement, PROJECT["dependencies"]):
        [lowest] = (spec.version for spec in item.specifier if spec.operator == ">=")
        for pin in pinned[canonicalize_name(item.name)]:
            # requirements/oldest.in says why not 2.4.0.
            expected = "2.4.15" if item.name == "pymilvus" else lowest
            assert Version(release(pin)) == Version(expected), item


def test_make_demo_installs_what_make_test_installs_and_no_tool_of_the_tests():
    demo, dev = pins("demo"), pins("dev")
    assert {name: demo[name] == dev[name] for name in demo} == dict.fromkeys(demo, True)
    tools = {canonicalize_name(Requirement(item).name) for item in group("dev")}
    tools -= {canonicalize_name(Requirement(item).name) for item in group("packaging")}
    assert tools & set(demo) <= {"requests"}  # which pymilvus needs, too


@cache
def imported_packages() -> dict[str, list[str]]:
    """Top-level packages of others that the library imports at run time, and which files do."""
    packages: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for_types = {
            node
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
            for node in ast.walk(branch)
        }
        for node in ast.walk(tree):
            if node in for_types:
                continue
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                # `google` is shared by many distributions; `google.protobuf` is one's own.
                parts = name.split(".")
                top = ".".join(parts[: 2 if parts[0] in {"google", "ruamel"} else 1])
                if top not in sys.stdlib_module_names | {"milvus_secure"}:
                    packages.setdefault(top, []).append(str(path.relative_to(ROOT)))
    return packages


def test_every_distribution_that_is_imported_is_declared():
    distribution_of = {
        "OpenSSL": "pyopenssl",
        "dotenv": "python-dotenv",
        "google.protobuf": "protobuf",
        "grpc": "grpcio",
        "pydantic_settings": "pydantic-settings",
        "milvus_lite": "milvus-lite",
        "ruamel.yaml": "ruamel-yaml",
    }
    declared = {canonicalize_name(Requirement(user).name) for user in USERS}
    # The plug-in for pytest is loaded by pytest alone.
    undeclared = {
        package: files
        for package, files in imported_packages().items()
        if distribution_of.get(package, package) not in declared and package != "pytest"
    }
    assert undeclared == {}
    used = {distribution_of.get(package, package) for package in imported_packages()}
    assert declared - used == set()


def test_nothing_is_installed_without_hashes():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    installs = [line for line in makefile.splitlines() if "(PIP) install" in line]
    assert len(installs) == 4
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert "pip install" not in makefile
