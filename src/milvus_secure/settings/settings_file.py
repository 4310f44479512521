"""Reads a TOML, YAML or JSON settings file into a plain table, quoting none of its values."""

from __future__ import annotations

import io
import json
import re
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 20
_TWICE = "it contains a key twice"


def read_settings_text(path: Path) -> str:
    """Read a small text file in UTF-8, with or without a byte order mark.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no regular file, larger than 1 MiB, or not UTF-8.
    """
    if not path.is_file():
        raise ValueError("it is not a regular file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("it is larger than 1 MiB")
    data = path.read_bytes()
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise ValueError("it is UTF-16 text; save it as UTF-8")
    return io.TextIOWrapper(io.BytesIO(data), "utf-8-sig").read()  # with universal newlines


def read_settings_file(path: Path) -> dict[str, Any]:
    """Parse a settings file by its suffix; anything but ``.yaml``, ``.yml``, ``.json`` is TOML.

    Args:
        path: A file of at most 1 MiB.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is too large, not UTF-8, not well-formed, or not a table. The message
            gives line and column where the parser knows them and never a value.
    """
    text = read_settings_text(path)
    parse = {".yaml": _yaml, ".yml": _yaml, ".json": _json}.get(path.suffix.lower(), _toml)
    try:
        table = parse(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise ValueError("its top level is not a table of settings")  # noqa: TRY004 - as documented
    return table


def _toml(text: str) -> Any:  # noqa: ANN401 - any content of the file
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - only the parser that is needed
    else:
        import tomli as tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number with too many digits
        # tomllib ends its message with the place; the part before it may quote the text.
        place = re.search(r"\(at ([a-z0-9 ,]+)\)$", str(error))
        twice = re.match("Cannot (?:overwrite a value|declare .* twice)", str(error))
        fault = _TWICE if twice else "it is not TOML"
        raise ValueError(f"{fault} ({_at(place[1] if place else '')})") from None


def _json(text: str) -> Any:  # noqa: ANN401
    twice = False

    def table_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        table = dict(pairs)
        twice = twice or len(table) < len(pairs)
        return table

    try:
        table = json.loads(text, object_pairs_hook=table_of)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"it is not JSON ({_at(place)})") from None
    except ValueError:
        raise ValueError("it contains a number with too many digits") from None
    if twice:
        raise ValueError(_TWICE)
    return table


def _yaml(text: str) -> Any:  # noqa: ANN401
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.constructor import DuplicateKeyError  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415
    from ruamel.yaml.events import AliasEvent  # noqa: PLC0415

    try:
        # Settings need no aliases, and refusing them keeps an entity bomb from growing.
        aliased = any(isinstance(e, AliasEvent) for e in YAML(typ="safe", pure=True).parse(text))
        table = None if aliased else YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        fault = _TWICE if isinstance(error, DuplicateKeyError) else "it is not YAML"
        if "single document" in str(error.context):
            fault = "it contains more than one YAML document"
        elif "'\\t'" in str(error.problem):
            fault = "it is indented with a tab, which YAML does not allow"
        raise ValueError(f"{fault} ({_at(place)})") from None
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 - ruamel.yaml fails on odd scalars in many ways
        raise ValueError("it is not YAML") from None
    if aliased:
        raise ValueError("YAML aliases (*name) are not supported in a settings file")
    return table


def _at(place: str) -> str:
    return f"at {place}" if place else "somewhere"
