"""The time and memory to import the library and to run an offline check."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from milvus_secure import MilvusSettings, check
from milvus_secure.certs import CertificateSet
from processes import started

from .table import Row, medians, show, timed

ROUNDS = 9


def import_seconds(module: str) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, timeout=120
        ).stdout
    )


def process(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak MiB of a Python process."""
    start = time.perf_counter()
    with started([sys.executable, *arguments], stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        certs = CertificateSet.create(Path(folder, "certs"))
        trio = {
            "ca_pem_path": certs.ca_pem,
            "client_pem_path": certs.client_pem,
            "client_key_path": certs.client_key,
        }
        flags = [f"--{name.replace('_', '-')}={path}" for name, path in trio.items()]
        offline = ("-m", "milvus_secure", "check", "--offline", *flags)
        raw = ("-c", "import pymilvus")

        ours, theirs = medians(
            ROUNDS,
            lambda: import_seconds("milvus_secure"),
            lambda: import_seconds("pymilvus"),
        )
        rows = [
            Row(
                "import milvus_secure / import pymilvus",
                ours / theirs,
                0.1,
                "x",
                f"{ours * 1e3:.1f} ms / {theirs * 1e3:.0f} ms",
            )
        ]
        runs = [(process(*offline), process(*raw)) for _ in range(ROUNDS)]
        for index, measure, unit, goal in ((0, "wall", "s", 0.45), (1, "peak memory", "MiB", 0.5)):
            ours, theirs = (
                sorted(run[side][index] for run in runs)[ROUNDS // 2] for side in (0, 1)
            )
            rows.append(
                Row(
                    f"check --offline / import pymilvus, {measure}",
                    ours / theirs,
                    goal,
                    "x",
                    f"{ours:.3g} {unit} / {theirs:.3g} {unit}",
                )
            )
        shown = [
            (process("-m", "milvus_secure", "--version"), process("-m", "milvus_secure", "explain"))
            for _ in range(ROUNDS)
        ]
        ours, theirs = (sorted(run[side][0] for run in shown)[ROUNDS // 2] for side in (0, 1))
        detail = f"{ours:.3g} s / {theirs:.3g} s"
        rows.append(Row("--version / explain, wall", ours / theirs, 1, "x", detail))
        settings = MilvusSettings.from_arguments(**trio)
        check(settings, online=False)
        [seconds] = medians(101, timed(lambda: check(settings, online=False)))
        rows.append(Row("offline check of a mutual set-up, imported", seconds * 1e3, 2, "ms"))
    show("Start-up and offline checks", rows)


if __name__ == "__main__":
    main()
