"""Rules for the tests and for names, so that the tests end and code reads unambiguously."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("rules")  # so that each file is parsed once

ROOT = Path(__file__).resolve().parents[2]
STARTERS = {"run", "call", "check_call", "check_output"}
CONNECTORS = {"create_connection", "urlopen", "HTTPConnection", "HTTPSConnection"}
POLLERS = {"load_collection"}  # of pymilvus, which asks again and again
WAITERS = {"acquire", "communicate", "get", "join", "result", "wait"}
# They say in which state a value is, not what it is: a certificate, a finding, a path.
NO_NOUNS = {"found", "given", "held", "one", "own", "seen", "told"}


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def nodes_of(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node of the syntax of these folders, and its file."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            for node in nodes(path):
                yield file, node


def waits_without_a_limit(call: ast.Call, file: str) -> bool:
    """Whether a call may wait without a limit for a process, a thread, a queue or a peer."""
    name = ast.unparse(call.func)
    options = {keyword.arg for keyword in call.keywords}
    if name in {f"subprocess.{starter}" for starter in STARTERS}:
        return "timeout" not in options
    if name.endswith("Popen"):  # these two end their program when the time is up
        return file not in {"tests/support/processes.py", "tools/frameworks.py"}
    if name.rpartition(".")[2] in POLLERS:
        return "timeout" not in options
    if name.rpartition(".")[2] in CONNECTORS:
        return "timeout" not in options and len(call.args) < 2
    if name == "select.select":
        return len(call.args) < 4
    is_method = isinstance(call.func, ast.Attribute)
    return is_method and call.func.attr in WAITERS and not call.args and not options


def test_no_call_waits_without_a_limit():
    endless = [
        f"{file}:{node.lineno}: {ast.unparse(node.func)}"
        for file, node in nodes_of("tests", "bench", "tools", "examples")
        if isinstance(node, ast.Call) and waits_without_a_limit(node, file)
    ]
    assert endless == []


def test_fixtures_of_one_name_mean_one_thing():
    places = defaultdict(list)
    for file, node in nodes_of("tests"):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            "fixture" in ast.unparse(decorator) for decorator in node.decorator_list
        ):
            places[node.name].append(f"{file}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_unit_tests_start_no_server():
    servers = {"EmbeddedMilvus", "impostors", "milvus_endpoint", "peers", "real_milvus"}
    fixtures = {"one_way", "mutual", "milvus_program"}
    users = {
        file
        for file, node in nodes_of("tests/unit")
        if (isinstance(node, ast.alias) and node.name in servers)
        or (isinstance(node, ast.ImportFrom) and node.module in servers)
        or (isinstance(node, ast.arg) and node.arg in fixtures)
    }
    assert users == set()


def test_unit_tests_start_no_process_and_open_no_socket():
    modules = {"multiprocessing", "processes", "socket", "subprocess", "warm_python"}
    calls = {"os.fork", "os.system"}
    askers = {"gen_sh", "judge", "openssl"}  # fixtures that run OpenSSL, or handshakes
    users = {
        file
        for file, node in nodes_of("tests/unit")
        if (isinstance(node, ast.alias) and node.name.partition(".")[0] in modules)
        or (isinstance(node, ast.ImportFrom) and node.module in {*modules, "grpc_peer"})
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in calls)
        or (isinstance(node, ast.FunctionDef) and {a.arg for a in node.args.args} & askers)
    }
    assert users == set()


def bound_name(node: ast.AST) -> str:
    """The name that a node gives to a variable, an argument, a function or a class."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Store) else ""
    if isinstance(node, ast.arg):
        return node.arg
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return node.name if is_definition else ""


def test_a_name_is_a_noun_for_its_value():
    named = [
        f"{file}:{node.lineno}: {bound_name(node)}"
        for file, node in nodes_of("src", "tests", "bench", "tools", "examples")
        if bound_name(node).strip("_").lower() in NO_NOUNS
    ]
    assert named == []
