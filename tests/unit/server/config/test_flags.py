"""What `server config` refuses, or says, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import server_config

MILVUS_YAML = "etcd:\n  endpoints: etcd:2379\n"


@pytest.mark.parametrize("flag", ["--port", "--rest-port"])
@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "x", "1e3"])
def test_a_port_that_cannot_be_dialled_is_refused(certs, tmp_path: Path, capsys, flag, port):
    with pytest.raises(SystemExit) as ended:
        server_config("--certs", certs, f"{flag}={port}", "--out", tmp_path / "out")
    assert ended.value.code == 2
    assert "a number from 1 to 65535" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--port", "8081", "--rest-port", "8081"],
        ["--rest-port", "19530"],
        # The container's port stays 19530, whatever clients dial.
        ["--port", "20000", "--rest-port", "19530"],
    ],
)
def test_the_port_proposed_for_rest_is_a_free_one(certs: Path, capsys, flags):
    assert server_config("--certs", certs, *flags) == 1
    output = capsys.readouterr().err
    assert "cannot share port" in output
    proposed = output.split()[-2:]
    assert proposed[0] == "--rest-port"
    assert server_config("--certs", certs, *flags, *proposed) == 0


def test_rest_gets_a_port_that_grpc_does_not_take(certs: Path, capsys):
    assert server_config("--certs", certs, "--port", "8080") == 0
    assert "port: 8081" in capsys.readouterr().out


def test_a_host_that_the_certificate_lacks_is_reported(certs: Path, capsys):
    assert server_config("--certs", certs, "--host", "other.example.com") == 0
    shown = capsys.readouterr()
    assert "MILVUS_URI=https://other.example.com:19530" in shown.out
    assert shown.err.startswith("warning: name-mismatch: ")
    assert f"milvus-secure certs repair {certs} --name other.example.com" in shown.err


def test_a_host_that_the_certificate_contains_is_not_reported(certs: Path, capsys):
    assert server_config("--certs", certs, "--host", "127.0.0.1") == 0
    assert not capsys.readouterr().err


def test_a_target_without_client_settings_accepts_any_host(certs: Path, capsys):
    assert (
        server_config("--certs", certs, "--host", "other.example.com", "--target", "kubernetes")
        == 0
    )
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("services:\n  standalone: {image: milvusdb/milvus}\n", "a Compose file"),
        ("extraConfigFiles: {}\n", "values of the Helm chart"),
        ("apiVersion: milvus.io/v1beta1\nkind: Milvus\nspec: {}\n", "a Kubernetes resource"),
    ],
)
def test_another_kind_of_file_is_not_patched(certs: Path, tmp_path: Path, capsys, text, kind):
    path = tmp_path / "other.yaml"
    path.write_text(text)
    assert server_config("--certs", certs, "--patch", path) == 1
    assert f"other.yaml is {kind}, not a milvus.yaml." in capsys.readouterr().err


def test_a_broken_file_is_called_by_its_own_name(certs: Path, tmp_path: Path, capsys):
    path = tmp_path / "tab.yaml"
    path.write_text("tls:\n\tserverPemPath: x\n")
    assert server_config("--certs", certs, "--patch", path) == 1
    output = capsys.readouterr().err
    assert output.startswith("error: tab.yaml, line 2, column 1")
    assert "milvus.yaml" not in output


def test_a_milvus_yaml_of_any_name_is_patched(certs: Path, tmp_path: Path, capsys):
    path = tmp_path / "any.yaml"
    path.write_text(MILVUS_YAML)
    assert server_config("--certs", certs, "--patch", path) == 0
    assert "endpoints: etcd:2379" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["compose", "helm", "operator", "kubernetes", "cert-manager"])
def test_comments_keep_within_80_columns(certs: Path, capsys, target: str):
    assert (
        server_config("--certs", certs, "--target", target, "--tls-mode", 2, "--authorization") == 0
    )
    comments = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ")]
    assert comments
    assert max(map(len, comments)) <= 80
