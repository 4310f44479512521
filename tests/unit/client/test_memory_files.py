"""Files in memory that exist as long as their client."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from milvus_secure.client.memory_files import MemoryFiles


@pytest.fixture(params=["anonymous", "named"])
def memory_files(request, monkeypatch):
    """The second kind is what systems without `memfd_create` have."""
    if request.param == "anonymous" and not hasattr(os, "memfd_create"):
        pytest.skip("anonymous files in memory need Linux")
    if request.param == "named":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    return MemoryFiles()


def test_a_path_can_be_read_again_and_again(memory_files):
    path = Path(memory_files.path_for(b"PEM" * 100_000))
    assert path.read_bytes() == path.read_bytes() == b"PEM" * 100_000


def test_the_same_bytes_share_one_path(memory_files):
    assert memory_files.path_for(b"a") == memory_files.path_for(b"a") != memory_files.path_for(b"b")


def test_closing_removes_everything(memory_files):
    path = Path(memory_files.path_for(b"PEM"))
    memory_files.close()
    assert not path.exists()


def test_garbage_collection_removes_everything(monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    memory_files = MemoryFiles()
    path = Path(memory_files.path_for(b"PEM"))
    del memory_files
    gc.collect()
    assert not path.exists()


def test_a_named_file_is_used_where_memory_has_no_anonymous_ones(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    key = tmp_path / "key"
    key.write_bytes(b"PEM")
    assert MemoryFiles().path_for(b"PEM", on_disk=str(key)) == str(key)


@pytest.mark.parametrize("renewed", [b"another", b"", None])
def test_a_named_file_is_used_only_as_long_as_it_holds_the_same(renewed, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    key = tmp_path / "key"
    key.write_bytes(b"PEM")
    memory_files = MemoryFiles()
    assert memory_files.path_for(b"PEM", on_disk=str(key)) == str(key)
    if renewed is None:
        key.unlink()
    else:
        key.write_bytes(renewed)
    assert Path(memory_files.path_for(b"PEM", on_disk=str(key))).read_bytes() == b"PEM"
