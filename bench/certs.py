"""The time to make a certificate set, compared with the guide's gen.sh."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

from milvus_secure.certs import CertificateSet

from .table import Row, medians, show, timed

ROUNDS = 15
GUIDE = Path(__file__).parent.parent / "tests" / "support" / "guide"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, number = Path(name), count()

        def gen_sh() -> None:
            made = folder / f"guide-{next(number)}"
            made.mkdir()
            for file in ("gen.sh", "openssl.cnf"):
                (made / file).write_bytes((GUIDE / file).read_bytes())
            subprocess.run(["sh", "gen.sh"], cwd=made, check=True, capture_output=True, timeout=120)

        def in_process(key_type: str) -> None:
            CertificateSet.create(folder / f"set-{next(number)}", key_type=key_type)

        def command(*options: str) -> None:
            made = folder / f"set-{next(number)}"
            subprocess.run(
                [sys.executable, "-m", "milvus_secure", "certs", "init", made, *options],
                check=True,
                capture_output=True,
                timeout=120,
            )

        guide, default, described, rsa = medians(
            ROUNDS,
            timed(gen_sh),
            timed(lambda: in_process("p256")),
            timed(command),
            timed(lambda: command("--key-type", "rsa2048")),
        )
    rows = [
        Row(
            f"{label} / gen.sh",
            seconds / guide,
            goal,
            "x",
            f"{seconds * 1e3:.1f} ms / {guide * 1e3:.0f} ms",
        )
        for label, seconds, goal in (
            ("default set, in process", default, 0.05),
            ("certs init", described, 0.55),
            ("certs init --key-type rsa2048", rsa, 1.2),
        )
    ]
    show("Certificate sets", rows)


if __name__ == "__main__":
    main()
