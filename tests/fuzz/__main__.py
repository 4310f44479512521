"""A long run, guided by coverage: ``PYTHONPATH=tests python -m fuzz TARGET SECONDS``.

Needs atheris (``pip install atheris``), which is not among the development dependencies: it has
wheels for few platforms. The corpus in ``tests/fuzz/corpus`` is read, never written; what the run
finds new goes to a directory of its own, which is printed. A failure leaves its input there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["milvus_secure", "ruamel", "dotenv", "tomllib"]):
    from fuzz.targets import TARGETS

from fuzz.seeds import seeds


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2]
    found = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for index, one in enumerate(seeds(name)):
        (found / f"seed-{index:03}").write_bytes(one)
    print(f"{name}: new inputs go to {found}", flush=True)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=8192",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/failed-",
    ]
    atheris.Setup([sys.argv[0], *options, str(found)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
