"""A long run, guided by coverage: ``.venv/bin/python tests/fuzz TARGET SECONDS``.

Needs atheris (``.venv/bin/python -m pip install atheris``), which is not among the development
dependencies: it has wheels for few platforms. The corpus in ``tests/fuzz/corpus`` is read, never
written; new inputs go to a new directory, which is printed. A failure leaves its input there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("atheris is not installed. Run: .venv/bin/python -m pip install atheris")

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "support")]

with atheris.instrument_imports(include=["milvus_secure", "ruamel", "dotenv", "tomllib"]):
    from fuzz.seeds import seeds
    from fuzz.targets import TARGETS


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: tests/fuzz TARGET SECONDS, with TARGET one of {', '.join(TARGETS)}")
    name, seconds = sys.argv[1:]
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for index, content in enumerate(seeds(name)):
        (corpus / f"seed-{index:03}").write_bytes(content)
    print(f"{name}: new inputs go to {corpus}", flush=True)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=8192",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus}/failed-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
