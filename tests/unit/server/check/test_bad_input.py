"""Unreadable input ends in a finding or one error with file and line; nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from milvus_secure import MilvusSecureError
from milvus_secure.server.check import check_server

SERVICE = "services:\n  standalone:\n    image: milvusdb/milvus:v2.6.15\n"
COMMAND = "    command: [milvus, run, standalone]\n"


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
