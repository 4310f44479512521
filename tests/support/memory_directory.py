"""A file system in memory of a test's own; a pytest plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from milvus_secure.pem import temp_files


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that counts as a file system in memory, and no file from other tests."""
    directory = tmp_path / "memory"
    directory.mkdir()
    monkeypatch.setattr(temp_files, "memory_directories", lambda: iter([str(directory)]))
    monkeypatch.setattr(temp_files, "_current", temp_files._ProcessFiles())
    return directory
