"""Unreadable input ends in a finding or one error with file and line; nothing is written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from milvus_secure import MilvusSecureError
from milvus_secure.server.check import check_server

SERVICE = "services:\n  standalone:\n    image: milvusdb/milvus:v2.6.15\n"
COMMAND = "    command: [milvus, run, standalone]\n"

NOT_MILVUS = {
    "a Compose file without Milvus": "services:\n  web:\n    image: nginx\n",
    "other YAML": "a: 1\n",
    "an empty file": "",
    "a tab": "tls:\n\tserverPemPath: x\n",
    "a list": "- tls\n",
    "binary": "\x00\x01\x02",
    "a bomb": "a: &a [x]\n"
    + "".join(f"{key}: &{key} [{', '.join([f'*{chr(ord(key) - 1)}'] * 9)}]\n" for key in "bcdefg")
    + "tls: *g\n",
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\x02\x01\0\0", "NUL"),
        (b"tls:\n  a: \xff\xfe\n", "line 2"),
        (b"tls: [\n", "line 2"),
        (b"tls:\n\tserverPemPath: a\n", "line 2"),
        (b"{" * 500, "nested|not YAML|line 1"),
        (b"a: &a [x]\nb: &b [*a, *b]\ntls: *b\n", "itself|not YAML|alias|levels"),
        (b"# nothing\n", "not a configuration of Milvus"),
        (b"just words\n", "not a configuration of Milvus"),
        (b"tls: 1\n" + b"#" * (2 << 20), "larger than"),
    ],
    ids=["binary", "no UTF-8", "unfinished", "tab", "deep", "recursive", "empty", "text", "huge"],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: bytes, words):
    path = tmp_path / "milvus.yaml"
    path.write_bytes(content)
    with pytest.raises(MilvusSecureError, match=words) as raised:
        check_server(path)
    assert "milvus.yaml" in str(raised.value)


def test_an_alias_bomb_is_refused_before_it_expands(tmp_path: Path):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for letter, above in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{above}'] * 9)}]")
    path = tmp_path / "milvus.yaml"
    path.write_text("\n".join([*lines, "tls: *i"]))
    with pytest.raises(MilvusSecureError, match=r"milvus\.yaml, line \d+"):
        check_server(path)


def test_a_directory_and_a_missing_file_are_named(tmp_path: Path):
    for path in (tmp_path, tmp_path / "missing.yaml"):
        with pytest.raises(MilvusSecureError, match=path.name):
            check_server(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(MilvusSecureError, match="regular file"):
        check_server(tmp_path / "pipe.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_named(tmp_path: Path):
    path = tmp_path / "milvus.yaml"
    path.write_text("tls: {}\n")
    path.chmod(0)
    with pytest.raises(MilvusSecureError, match="cannot be read"):
        check_server(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{SERVICE}    env_file: missing.env\n{COMMAND}", "missing.env"),
        (f"{SERVICE}    container_name: ${{NAME:?set it}}\n{COMMAND}", "NAME"),
        (f"{SERVICE}    extends: {{file: docker-compose.yml, service: standalone}}\n", "extends"),
        (f"{SERVICE}    configs: [nowhere]\n{COMMAND}", "nowhere"),
        (f"{SERVICE}    volumes: ['certs:/certs']\n{COMMAND}", "certs"),
    ],
    ids=["env_file", "required variable", "cyclic extends", "config", "volume"],
)
def test_what_compose_refuses_is_a_finding_with_its_line(tmp_path: Path, text: str, words: str):
    path = tmp_path / "docker-compose.yml"
    path.write_text(text)
    report = check_server(path)
    [finding] = report.errors
    assert finding.code == "server-file-refused"
    assert words in finding.message
    assert finding.source
    assert "docker-compose.yml" in finding.source


@pytest.mark.parametrize("text", NOT_MILVUS.values(), ids=NOT_MILVUS.keys())
def test_what_is_no_configuration_is_named(tmp_path: Path, text: str):
    path = tmp_path / "milvus.yaml"
    path.write_text(text)
    with pytest.raises(MilvusSecureError, match=r"milvus\.yaml"):
        check_server(path)


def test_a_client_s_configuration_is_not_one_of_a_server(tmp_path: Path):
    """milvus-backup's backup.yaml has minio, log and a tlsMode of its own."""
    path = tmp_path / "backup.yaml"
    path.write_text("log: {level: info}\nmilvus: {address: localhost, tlsMode: 1}\nminio: {}\n")
    with pytest.raises(MilvusSecureError, match="not a configuration of Milvus"):
        check_server(path)


def test_a_template_is_to_be_filled_in_first(tmp_path: Path):
    path = tmp_path / "milvus.yaml"
    path.write_text('common: {}\ntls:\n  serverPemPath: {{ getenv "CERTS" }}/tls.crt\n')
    with pytest.raises(MilvusSecureError, match=r"milvus\.yaml is a template: \{\{ in line 3"):
        check_server(path)


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path):
    path = tmp_path / "milvus.yaml"
    path.write_bytes(b"tls:\n  a: \xff\n")
    with pytest.raises(MilvusSecureError, match="line 2"):
        check_server(path)


@pytest.mark.parametrize("value", ["5", "[]", "text", "{}"])
@pytest.mark.parametrize("key", ["services", "extraConfigFiles", "tls", "common"])
def test_a_part_of_the_wrong_type_never_raises_anything_else(tmp_path: Path, key: str, value: str):
    path = tmp_path / "file.yaml"
    path.write_text(f"{key}: {value}\nproxy:\n  http: 3\nvolumes: 4\nvolumeMounts: 5\n")
    with suppress(MilvusSecureError):
        check_server(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", ["1" * 500_000, "1." * 250_000, ":" * 500_000, "1s" * 250_000])
def test_a_long_text_of_a_port_or_a_duration_takes_no_time(tmp_path: Path, text: str):
    path = tmp_path / "docker-compose.yml"
    path.write_text(f"{SERVICE}{COMMAND}    stop_grace_period: 1 x\n    ports: ['{text}']\n")
    assert "server-file-refused" in {item.code for item in check_server(path).errors}
    path.write_text(f"{SERVICE}{COMMAND}    stop_grace_period: '{text}x'\n")
    check_server(path)
