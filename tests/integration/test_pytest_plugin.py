"""The pytest plugin as users run it: without a conftest, in a separate pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

USER_TESTS = """
from pymilvus import MilvusClient


def test_insert_and_search(milvus_tls_client):
    milvus_tls_client.create_collection("books", dimension=2)
    milvus_tls_client.insert("books", [{"id": 1, "vector": [0.1, 0.9]}])
    [hits] = milvus_tls_client.search("books", data=[[0.1, 0.9]], limit=1)
    assert hits[0]["id"] == 1


def test_collections_of_another_test_are_gone(milvus_tls_client):
    assert milvus_tls_client.list_collections() == []


def test_a_closed_client_is_no_problem(milvus_tls_client):
    milvus_tls_client.create_collection("left", dimension=2)
    milvus_tls_client.close()


def test_another_client(milvus_tls):
    client = MilvusClient(**milvus_tls.client_kwargs())
    assert client.list_collections() == []
    client.close()
    assert milvus_tls.uri == milvus_tls.settings.uri
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_a_user_needs_no_conftest(tmp_path):
    (tmp_path / "test_mine.py").write_text(USER_TESTS)
    completed = run_pytest(tmp_path)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "4 passed" in completed.stdout


def test_the_fixtures_are_listed_with_their_meaning(tmp_path):
    listing = run_pytest(tmp_path, "--fixtures").stdout
    assert "A Milvus Lite server over mutual TLS" in listing
    assert "connected to `milvus_tls`" in listing


def test_a_run_that_does_not_use_them_loads_nothing(tmp_path):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_nothing_is_loaded():\n"
        "    assert not {'grpc', 'pymilvus', 'cryptography', 'pydantic'} & set(sys.modules)\n"
    )
    completed = run_pytest(tmp_path)
    assert completed.returncode == 0, completed.stdout
