"""The reproductions of the explanations, run as they are printed.

Those that dial or serve use fixed ports, so each gets a network of its own (unshare, Linux only).
For the others, bash runs the preparation, and the check of the finding runs in this process.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import run_main
from milvus_secure.diagnosis.explain import explanations
from milvus_secure.reporting.catalogue import CATALOGUE
from namespaces import NETWORK, has_own_network

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not installed"
)

# A reproduction says how many seconds to wait; here the test waits until something listens.
PRELUDE = """
ip link set lo up
sleep() { until grep -q ' 0A ' /proc/net/tcp /proc/net/tcp6; do command sleep 0.1; done; }
"""
CHECKS_IN_THIS_PROCESS = """
milvus-secure() {
    case "$1 $2" in
        'check --offline' | 'server check')
            printf '%s\\0' "$@" >&3
            for name in ${!MILVUS_@}; do printf '%s\\0' "$name=${!name}" >&4; done ;;
        *) command milvus-secure "$@" ;;
    esac
}
"""
# Their texts describe in words what a few commands cannot set up.
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


def takes_long(code: str) -> bool:
    """True if a reproduction opens a socket, or starts this program before the check."""
    return dials(code) or "certs init" in explanations()[code].reproduce


def reproducible() -> list[object]:
    marks = {
        "file-unreadable": pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file"),
        "certificate-not-yet-valid": pytest.mark.skipif(
            not _openssl_sets_dates(), reason="openssl x509 -not_before needs OpenSSL 3.4"
        ),
    }
    isolated = pytest.mark.skipif(
        not has_own_network(), reason="no network namespace may be made here (unshare --net)"
    )
    return [
        pytest.param(
            code,
            marks=[
                *([isolated] if dials(code) else []),
                *([pytest.mark.thorough] if takes_long(code) else []),
                *([marks[code]] if code in marks else []),
            ],
        )
        for code in CATALOGUE
        if code not in IN_WORDS
    ]


def _openssl_sets_dates() -> bool:
    if shutil.which("openssl") is None:
        return False
    completed = subprocess.run(
        ["openssl", "x509", "-help"], capture_output=True, text=True, check=False, timeout=120
    )
    return "-not_before" in completed.stderr + completed.stdout


def run_in_bash(script: str, folder: Path, *before: str) -> str:
    """The output of a script that runs in a folder, without Milvus's variables."""
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("MILVUS_", "GRPC_"))}
    completed = subprocess.run(
        [*before, "bash", "-c", script],
        env={**clean, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return completed.stdout + completed.stderr


def check_in_this_process(script: str, folder: Path) -> str:
    """Run a script with bash, and its check of files here: what the check prints."""
    arguments, variables = folder.with_name("arguments"), folder.with_name("variables")
    redirections = f"3> {shlex.quote(str(arguments))} 4> {shlex.quote(str(variables))}"
    printed = run_in_bash(f"{CHECKS_IN_THIS_PROCESS}{{ {script}\n}} {redirections}", folder)
    words = arguments.read_text("utf-8").split("\0")[:-1]
    assert words, printed
    environ = dict(part.split("=", 1) for part in variables.read_text("utf-8").split("\0")[:-1])
    completed = run_main(words, folder, environ)
    return completed.stdout + completed.stderr


@pytest.mark.parametrize("code", reproducible())
def test_a_reproduction_shows_its_finding(code, tmp_path):
    """The commands of the text, run in an empty folder, lead to the code that they explain."""
    script, folder = shell(explanations()[code].reproduce), tmp_path / "empty"
    folder.mkdir()
    if dials(code):
        printed = run_in_bash(PRELUDE + script, folder, *NETWORK)
    else:
        printed = check_in_this_process(script, folder)
    assert re.search(rf"^(error|warning|info): {code}:", printed, re.MULTILINE), printed
    assert "Traceback" not in printed


def test_every_reproduction_consists_of_commands_only():
    words = {
        code: [
            line
            for line in explanations()[code].reproduce.strip("\n").splitlines()
            if not line.startswith("    ")
        ]
        for code in set(CATALOGUE) - IN_WORDS
    }
    assert {code: lines for code, lines in words.items() if lines} == {}
