"""Variables that only pymilvus reads wrong are named before it does."""

from __future__ import annotations

import pytest

from milvus_secure.reporting.report import Severity

CODE = "pymilvus-variable"
GOOD = "https://host:19530"


def notes(settings):
    return [note for note in settings.notes if note.code == CODE]


@pytest.mark.trips("pymilvus-variable")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MILVUS_URI", '"https://host:19530"'),
        ("MILVUS_URI", "https://host:19530 "),
        ("MILVUS_URI", "https://[::1]:19530"),
        ("MILVUS_URI", "./milvus.db"),
        ("MILVUS_DEFAULT_CONNECTION", "./milvus.db"),
    ],
)
def test_a_value_that_makes_the_import_fail_is_a_warning(load, variable, value):
    (note,) = notes(load({variable: value}, uri=GOOD))
    assert note.severity is Severity.WARNING
    assert note.source == f"env {variable}"
    assert note.presented == value


def test_the_warning_names_the_value_without_quotes(load):
    (note,) = notes(load({"MILVUS_URI": f'"{GOOD}"'}))
    assert note.expected == GOOD
    assert f"Set it to {GOOD}" in note.remedy


def test_a_timeout_with_a_unit_is_named_where_another_is_used(load):
    (note,) = notes(load({"MILVUS_CONN_TIMEOUT": "10s", "MILVUS_TIMEOUT": "5"}))
    assert note.setting == "timeout"


def test_a_value_in_the_env_file_is_named_with_its_line(load, tmp_path):
    (tmp_path / ".env").write_text("MILVUS_DEFAULT_CONNECTION=./milvus.db\n", encoding="utf-8")
    (note,) = notes(load(env_file=".env"))
    assert note.source == ".env:1"


def test_credentials_are_not_shown(load):
    made = load({"MILVUS_URI": '"https://root:canary@host:19530"'})
    assert notes(made)
    assert "canary" not in str(made.notes)


@pytest.mark.passes("pymilvus-variable")
@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"MILVUS_URI": GOOD},
        {"MILVUS_URI": ""},
        {"MILVUS_CONN_TIMEOUT": "10"},
        {"MILVUS_URI": GOOD, "MILVUS_DEFAULT_CONNECTION": "./not-read-beside-MILVUS_URI.db"},
    ],
)
def test_anything_else_is_no_finding(load, environ):
    assert notes(load(environ, uri=GOOD)) == []
