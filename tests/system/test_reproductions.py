"""The reproductions of the explanations, run as they are printed.

Those that dial or serve use fixed ports, so each gets a network of its own (unshare, Linux only).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from milvus_secure.diagnosis.explain import explanations
from milvus_secure.reporting.catalogue import CATALOGUE

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not installed"
)

NETWORK = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
# What people wait for in seconds is waited for here until something listens.
PRELUDE = """
ip link set lo up
sleep() { until grep -q ' 0A ' /proc/net/tcp /proc/net/tcp6; do command sleep 0.1; done; }
"""
# They tell in words what no few commands can set up.
IN_WORDS = {
    "internal-error",
    "known-public-key",
    "not-milvus",
    "front-end-answered",
    "backend-closed",
    "server-not-ready",
    "database-missing",
}


def shell(text: str) -> str:
    """The commands of a part: what is indented, without its four blanks."""
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


def dials(code: str) -> bool:
    """True if a reproduction opens a socket."""
    text = explanations()[code].reproduce
    return "--offline" not in text and "server check" not in text


def serves(code: str) -> bool:
    """True if a reproduction starts an embedded Milvus, which takes seconds each time."""
    return "milvus-secure serve" in explanations()[code].reproduce


def reproducible() -> list[object]:
    marks = {
        "file-unreadable": pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file"),
        "certificate-not-yet-valid": pytest.mark.skipif(
            not _openssl_sets_dates(), reason="openssl x509 -not_before needs OpenSSL 3.4"
        ),
    }
    isolated = pytest.mark.skipif(
        not _unshares(), reason="no network namespace may be made here (unshare --net)"
    )
    return [
        pytest.param(
            code,
            marks=[
                *([isolated] if dials(code) else []),
                *([pytest.mark.thorough] if serves(code) else []),
                *([marks[code]] if code in marks else []),
            ],
        )
        for code in CATALOGUE
        if code not in IN_WORDS
    ]


def _openssl_sets_dates() -> bool:
    if shutil.which("openssl") is None:
        return False
    told = subprocess.run(
        ["openssl", "x509", "-help"], capture_output=True, text=True, check=False, timeout=120
    )
    return "-not_before" in told.stderr + told.stdout


@cache
def _unshares() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    tried = subprocess.run(
        [*NETWORK, "ip", "link", "set", "lo", "up"], capture_output=True, check=False, timeout=120
    )
    return tried.returncode == 0


@pytest.mark.parametrize("code", reproducible())
def test_a_reproduction_shows_its_finding(code, tmp_path):
    """The text's own commands, run in an empty folder, lead to the code they explain."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
    script = shell(explanations()[code].reproduce)
    command = ["bash", "-c", script]
    if dials(code):
        command = [*NETWORK, "bash", "-c", PRELUDE + script]
    ran = subprocess.run(
        command,
        env={**clean, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = ran.stdout + ran.stderr
    assert re.search(rf"^(error|warning|info): {code}:", told, re.MULTILINE), told
    assert "Traceback" not in ran.stderr


def test_every_reproduction_is_commands_alone():
    words = {
        code: [
            line
            for line in explanations()[code].reproduce.strip("\n").splitlines()
            if not line.startswith("    ")
        ]
        for code in set(CATALOGUE) - IN_WORDS
    }
    assert {code: lines for code, lines in words.items() if lines} == {}
