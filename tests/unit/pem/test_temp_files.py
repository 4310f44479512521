"""Paths for material given as text."""

from __future__ import annotations

import gc
import os
import stat
import sys
from pathlib import Path

import pytest

from milvus_secure.pem.temp_files import Spool


@pytest.fixture(params=["in memory", "on disk"])
def keep(request):
    """A spool and the way it stores bytes; the second is what other systems than Linux use."""
    spool = Spool()
    if request.param == "in memory":
        if not hasattr(os, "memfd_create"):
            pytest.skip("files in memory need Linux")
        return spool, spool._in_memory
    return spool, spool._on_disk


def test_a_path_can_be_read_again_and_again(keep):
    _, store = keep
    path = Path(store(b"PEM" * 100_000))
    assert path.read_bytes() == path.read_bytes() == b"PEM" * 100_000


def test_a_closed_spool_leaves_nothing(keep):
    spool, store = keep
    path = Path(store(b"PEM"))
    spool.close()
    assert not path.exists()


@pytest.mark.parametrize("store", [Spool._in_memory, Spool._on_disk])
def test_paths_end_with_their_spool(store):
    if store is Spool._in_memory and not hasattr(os, "memfd_create"):
        pytest.skip("files in memory need Linux")
    spool = Spool()
    path = Path(store(spool, b"PEM"))
    del spool
    gc.collect()
    assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
def test_nobody_else_can_read_a_file_on_disk():
    spool = Spool()
    path = Path(spool._on_disk(b"PEM"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_bytes_share_one_path():
    spool = Spool()
    assert spool.path_for(b"a") == spool.path_for(b"a") != spool.path_for(b"b")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_forked_child_leaves_its_parents_files_alone():
    spool = Spool()
    path = Path(spool._on_disk(b"PEM"))
    child = os.fork()
    if child == 0:
        spool.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert path.read_bytes() == b"PEM"
