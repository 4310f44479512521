"""Every example runs as its docstring says, in a process and an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from milvus_secure import EmbeddedMilvus
from warm_python import run_python

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
TOKEN = "root:ex4mple-s3cret"


@pytest.fixture
def run_example(tmp_path):
    """Run an example with these variables and no others of Milvus or gRPC."""

    def run_example(name, **variables):
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
        return run_python(EXAMPLES / name, folder=tmp_path, environ={**kept, **variables})

    return run_example


@pytest.fixture(scope="module")
def pems(trio, tmp_path_factory) -> Path:
    return trio.write(tmp_path_factory.mktemp("examples") / "certs")


@pytest.fixture(scope="module")
def one_way_variables(pems):
    with EmbeddedMilvus(
        server_pem_path=pems / "server.pem", server_key_path=pems / "server.key"
    ) as server:
        yield {"MILVUS_URI": server.uri, "MILVUS_CA_PEM_PATH": str(pems / "ca.pem")}


@pytest.fixture(scope="module")
def mutual_uri(pems):
    """The URI of a server that requires a client certificate and a token."""
    with EmbeddedMilvus(
        server_pem_path=pems / "server.pem",
        server_key_path=pems / "server.key",
        ca_pem_path=pems / "ca.pem",
        token=TOKEN,
    ) as server:
        yield server.uri


class TestQuickstart:
    def test_finds_the_nearest_point(self, run_example, one_way_variables):
        completed = run_example("quickstart.py", **one_way_variables)
        assert (completed.returncode, completed.stdout) == (
            0,
            "nearest to (0.9, 0.2) is point 1\n",
        ), completed.stderr

    def test_names_the_cause_of_a_failure_in_one_line(self, run_example, one_way_variables):
        completed = run_example(
            "quickstart.py", **one_way_variables, MILVUS_SERVER_NAME="other.example"
        )
        assert completed.returncode == 1
        assert completed.stderr.startswith("quickstart: name-mismatch:")
        assert completed.stderr.count("\n") == 1


class TestService:
    def test_serves_until_it_is_shut_down(self, run_example, one_way_variables):
        completed = run_example("service.py", **one_way_variables)
        assert (completed.returncode, completed.stdout) == (0, "served [1, 5, 8]\n"), (
            completed.stderr
        )

    def test_refuses_to_start_with_the_report(self, run_example, one_way_variables):
        completed = run_example(
            "service.py", **one_way_variables, MILVUS_SERVER_NAME="other.example"
        )
        assert (completed.returncode, completed.stdout) == (1, "")
        assert "name-mismatch" in completed.stderr


class TestEnvOnly:
    def test_connects_mutually_with_pem_text_from_variables(self, run_example, mutual_uri, trio):
        completed = run_example(
            "env_only.py",
            MILVUS_URI=mutual_uri,
            MILVUS_TOKEN=TOKEN,
            MILVUS_CA_PEM=trio.ca.pem.decode(),
            MILVUS_CLIENT_PEM=trio.client.pem.decode(),
            MILVUS_CLIENT_KEY=trio.client.key_pem.decode(),
        )
        assert completed.returncode == 0, completed.stderr
        assert completed.stdout.splitlines() == [
            "mutual TLS from uri, token, ca_pem, client_pem, client_key",
            "collections: []",
        ]

    def test_stops_before_any_socket_at_a_file_that_is_missing(self, run_example, mutual_uri):
        completed = run_example(
            "env_only.py", MILVUS_URI=mutual_uri, MILVUS_CA_PEM_PATH="nowhere.pem"
        )
        assert completed.returncode == 1
        assert "file-missing" in completed.stderr


class TestSecretsDirectory:
    @pytest.fixture
    def mounted(self, tmp_path, pems):
        """Named as in compose.secrets.yaml."""
        folder = tmp_path / "secrets"
        folder.mkdir()
        (folder / "milvus_token").write_text(f"{TOKEN}\n")
        for name in ("ca.pem", "client.pem", "client.key"):
            target = folder / f"milvus_{name.replace('.', '_')}"
            target.write_bytes((pems / name).read_bytes())
        return folder

    def test_connects_and_prints_sources_without_secrets(self, run_example, mutual_uri, mounted):
        completed = run_example(
            "secrets_dir.py", MILVUS_URI=mutual_uri, MILVUS_SECRETS_DIR=str(mounted)
        )
        assert completed.returncode == 0, completed.stderr
        assert f"token = **********  (secret {mounted}/milvus_token)" in completed.stdout
        assert completed.stdout.endswith("connected, collections: []\n")
        assert TOKEN not in completed.stdout + completed.stderr

    def test_says_so_when_the_mount_is_missing(self, run_example, mutual_uri):
        completed = run_example(
            "secrets_dir.py", MILVUS_URI=mutual_uri, MILVUS_SECRETS_DIR="/nowhere"
        )
        assert completed.returncode == 1
        assert completed.stderr.startswith("secrets_dir: config-file-missing:")

    def test_the_compose_file_mounts_the_names_that_are_read(self, mounted):
        compose = YAML(typ="safe").load(EXAMPLES / "compose.secrets.yaml")
        app = compose["services"]["app"]
        assert set(app["secrets"]) == set(compose["secrets"]) == {p.name for p in mounted.iterdir()}


@pytest.mark.parametrize("script", SCRIPTS)
def test_none_ends_in_a_traceback(script, run_example):
    completed = run_example(script, MILVUS_URI="https://127.0.0.1:1", MILVUS_TIMEOUT="soon")
    assert completed.returncode == 1
    assert "value-invalid" in completed.stderr
    assert "Traceback" not in completed.stderr
