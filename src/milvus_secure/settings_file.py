"""Reads a TOML, YAML or JSON settings file into a plain table, quoting none of its values."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 20


def read_settings_file(path: Path) -> dict[str, Any]:
    """Parse a settings file by its suffix; anything but ``.yaml``, ``.yml``, ``.json`` is TOML.

    Args:
        path: An existing file of at most 1 MiB.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is too large, not UTF-8, not well-formed, or not a table. The message
            gives line and column where the parser knows them and never a value.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 MiB")
    text = path.read_text("utf-8-sig")
    parse = {".yaml": _yaml, ".yml": _yaml, ".json": _json}.get(path.suffix.lower(), _toml)
    table = parse(text)
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise ValueError("its top level is not a table of settings")
    return table


def _toml(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only the parser that is needed
    else:
        import tomli as tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # tomllib ends its message with the place; what stands before may quote the text.
        place = re.search(r"\(at (.*)\)$", str(error))
        raise ValueError(f"it is not TOML (at {place[1] if place else 'its end'})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _json(text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (at line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _yaml(text: str) -> Any:  # noqa: ANN401
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    # Settings need no aliases, and refusing them keeps an entity bomb from growing.
    if re.search(r"(^|[\s\[{,:-])[&*][^\s,\]}]", re.sub(r"'[^']*'|\"[^\"]*\"|#.*", "", text)):
        raise ValueError("YAML anchors and aliases are not supported in a settings file")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its end"
        raise ValueError(f"it is not YAML (at {place})") from None
    except (YAMLError, ValueError):
        raise ValueError("it is not YAML") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
