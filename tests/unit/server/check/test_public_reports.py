"""Server configurations shaped after public reports, each with the verdict that is right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import minting
from milvus_secure._common.text import printable
from milvus_secure.reporting.report import Severity
from milvus_secure.server.check import check_server

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

CASES = Path(__file__).parents[3] / "data" / "server-cases"
SEVERITIES = ("info", "warning", "error")


def cases() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = tomllib.loads((CASES / "cases.toml").read_text("utf-8"))["case"]
    return listed


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_a_public_report_gets_the_verdict_that_is_right(
    case: dict[str, Any], tmp_path: Path, trio: minting.Trio
):
    folder = Path(shutil.copytree(CASES / case["id"], tmp_path / case["id"]))
    for marker in folder.rglob(".certificates"):
        trio.write(marker.parent)
        shutil.copy(marker.parent / "server.pem", marker.parent / "server.crt")
    report = check_server(folder / case["file"])
    text = printable(str(report.findings))
    if "ok" in case:
        assert report.ok is case["ok"], text
    if "mode" in case:
        assert report.mode.value == case["mode"]
    if "least" in case:
        ranks = [SEVERITIES.index(Severity(item.severity).value) for item in report.findings]
        assert max(ranks) >= SEVERITIES.index(case["least"])
    for pattern in case.get("says", []):
        assert re.search(pattern, text)
    for pattern in case.get("never", []):
        assert not re.search(pattern, text)
