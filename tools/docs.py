"""Writes the generated part of docs/reference/settings.md from the declarations in the code.

`python tools/docs.py` rewrites them; `--check` only says whether they are current.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from milvus_secure.settings.model import declarations

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"


def settings_table() -> str:
    """The settings, one row each, as a Markdown table."""
    rows = ["| setting | variable | type | default | meaning |", "|---|---|---|---|---|"]
    for row in declarations():
        aliases = "".join(f", `{alias}`" for alias in row.aliases)
        default = f"`{row.default}`" if row.default else ""
        rows.append(
            f"| `{row.name}` | `{row.variable}`{aliases} | {row.type} | {default} | {row.meaning} |"
        )
    return "\n".join(rows)


PARTS = {"settings": settings_table}


def regenerated(text: str) -> str:
    """The page with every generated part replaced."""
    for name, make in PARTS.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"the page must hold the part {name!r} once")
        head, _, rest = text.partition(begin)
        text = f"{head}{begin}\n{make()}\n{end}{rest.partition(end)[2]}"
    return text


def main() -> int:
    """Rewrite or check the page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    before = PAGE.read_text("utf-8")
    after = regenerated(before)
    if check and after != before:
        sys.stderr.write("docs/reference/settings.md is out of date; run `make docs`\n")
        return 1
    if after != before:
        PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
