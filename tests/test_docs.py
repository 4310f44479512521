"""What the documentation states is what the code declares."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from milvus_secure.catalogue import CATALOGUE
from milvus_secure.cli import parser

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_settings_table_is_the_declarations():
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs.py", "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_every_code_the_readme_names_exists():
    section = README.partition("## What goes wrong")[2].partition("\n## ")[0]
    rows = [
        line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")
    ][1:]
    named = {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row[1])}
    assert named
    assert named <= set(CATALOGUE)


def test_every_command_the_readme_names_exists():
    named = set(re.findall(r"[`\n]milvus-secure ([a-z]+)", README))
    assert named
    assert named <= set(parser()._subparsers._group_actions[0].choices)
