"""The reproductions of the explanations that need no server, run as they are printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from milvus_secure.catalogue import CATALOGUE
from milvus_secure.explanations import explanations

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not installed"
)


def shell(text: str) -> str:
    """The commands of a part: what is indented, without its four blanks."""
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


def self_contained(code: str) -> bool:
    """True if a reproduction is commands alone and needs no server."""
    lines = explanations()[code].reproduce.strip("\n").splitlines()
    return "--offline" in "\n".join(lines) and all(line.startswith("    ") for line in lines)


def reproducible() -> list[object]:
    marks = {
        "file-unreadable": pytest.mark.skipif(
            os.geteuid() == 0, reason="root may read every file"
        ),
        "certificate-not-yet-valid": pytest.mark.skipif(
            not _openssl_sets_dates(), reason="openssl x509 -not_before needs OpenSSL 3.4"
        ),
    }  # fmt: skip
    return [
        pytest.param(code, marks=marks.get(code, ()))
        for code in CATALOGUE
        if self_contained(code)
    ]  # fmt: skip


def _openssl_sets_dates() -> bool:
    if shutil.which("openssl") is None:
        return False
    told = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True, check=False)
    return "-not_before" in told.stderr + told.stdout


@pytest.mark.parametrize("code", reproducible())
def test_a_reproduction_shows_its_finding(code, tmp_path):
    """The text's own commands, run in an empty folder, lead to the code they explain."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
    ran = subprocess.run(
        ["bash", "-c", shell(explanations()[code].reproduce)],
        env={**clean, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    told = ran.stdout + ran.stderr
    assert re.search(rf"^(error|warning|info): {code}:", told, re.MULTILINE), told
    assert "Traceback" not in ran.stderr
