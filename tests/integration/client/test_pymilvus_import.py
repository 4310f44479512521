"""connect_secure can import pymilvus with any values of pymilvus's variables."""

from __future__ import annotations

import os
from pathlib import Path

from warm_python import run_python

BROKEN = [
    {"MILVUS_URI": '"https://host:19530"'},
    {"MILVUS_URI": "https://host:19530 "},
    {"MILVUS_URI": "./milvus.db"},
    {"MILVUS_DEFAULT_CONNECTION": "./milvus.db"},
    {"MILVUS_CONN_TIMEOUT": "10s"},
    {"MILVUS_CONN_TIMEOUT": ""},
    {"MILVUS_URI": "https://[::1]:1", "MILVUS_CONN_TIMEOUT": "soon"},
]

CONNECT = """
import sys
from milvus_secure import connect_secure
uri, ca = sys.argv[1:]
connect_secure(uri=uri, ca_pem_path=ca, timeout=20).close()
"""


def run(script: str, *arguments: object, folder: Path, **environ: str):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILVUS_")}
    return run_python(script, *arguments, folder=folder, environ={**kept, **environ})


def failures(script: str, *arguments: object, folder: Path) -> list[dict[str, str]]:
    """In which environments of `BROKEN` a script fails, each in a process of its own."""
    return [
        environ
        for environ in BROKEN
        if run(script, *arguments, folder=folder, **environ).returncode != 0
    ]


def test_no_variable_that_pymilvus_cannot_read_stops_it(one_way, certs, tmp_path):
    assert failures(CONNECT, one_way.uri, certs / "ca.pem", folder=tmp_path) == []


def test_the_same_in_an_env_file(one_way, certs, tmp_path):
    text = "MILVUS_URI=./milvus.db\nMILVUS_CONN_TIMEOUT=10s\n"
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    completed = run(CONNECT, one_way.uri, certs / "ca.pem", folder=tmp_path)
    assert completed.returncode == 0, completed.stderr


IMPORT = """
from milvus_secure.client.pymilvus_import import import_pymilvus
import_pymilvus()
import pymilvus
"""


def test_pymilvus_by_itself_fails_on_each(tmp_path):
    """Otherwise the code that protects the import would be unnecessary."""
    assert failures("import pymilvus", folder=tmp_path) == BROKEN


def test_an_env_file_that_is_no_text_does_not_stop_it(tmp_path):
    (tmp_path / ".env").write_bytes(b"MILVUS_URI=\xff\xfe")
    assert run("import pymilvus", folder=tmp_path).returncode == 1
    completed = run(IMPORT, folder=tmp_path)
    assert completed.returncode == 0, completed.stderr


def test_what_pymilvus_can_read_reaches_it(tmp_path):
    script = IMPORT + "from pymilvus.settings import Config; print(Config.MILVUS_URI)"
    uri = "https://host:19530"
    for value in (uri, f"{uri} ", f'"{uri}"'):
        completed = run(script, folder=tmp_path, MILVUS_URI=value)
        assert completed.stdout.strip() == uri, completed.stderr


def test_the_environment_and_the_functions_that_read_it_stay_as_they_are(tmp_path):
    script = (
        """
import os
before = os.getenv, dict(os.environ)
"""
        + IMPORT
        + """
import dotenv
assert (os.getenv, dict(os.environ)) == before
assert dotenv.load_dotenv.__module__ == "dotenv.main"
assert os.getenv("MILVUS_URI") == "./milvus.db"
"""
    )
    completed = run(script, folder=tmp_path, MILVUS_URI="./milvus.db", MILVUS_CONN_TIMEOUT="10s")
    assert completed.returncode == 0, completed.stderr


def test_threads_that_connect_first_at_once_all_succeed(tmp_path):
    script = """
import threading
from milvus_secure.client.pymilvus_import import import_pymilvus
errors = []
def work():
    try:
        import_pymilvus()
        from pymilvus import MilvusClient
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(60)
assert not errors, errors
"""
    completed = run(script, folder=tmp_path, MILVUS_URI="./milvus.db")
    assert completed.returncode == 0, completed.stderr
