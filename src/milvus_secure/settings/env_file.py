"""Reads a ``.env`` file with the line of every variable, by the rules of python-dotenv."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from .provenance import Sourced
from .settings_file import read_settings_text
from .source_errors import malformed, read_or_raise


def read_env_file(path: Path, environ: Mapping[str, str], prefix: str) -> dict[str, Sourced]:
    """The variables of a file, each with its line.

    ``${NAME}`` is filled in as ``load_dotenv()`` does, which pymilvus calls when it is imported.

    Args:
        path: An existing file.
        environ: Goes before the file's own variables where a ``${NAME}`` is filled in.
        prefix: A line that is not ``NAME=value`` is an error if this occurs in it.

    Raises:
        SettingsError: If the file cannot be read or parsed.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only where there is a file
    from dotenv.variables import Variable, parse_variables  # noqa: PLC0415

    text = read_or_raise("env_file", path.name, path, lambda: read_settings_text(path))
    variables: dict[str, Sourced] = {}
    last = ""
    for binding in parse_stream(StringIO(text)):
        where = f"{path.name}:{_line(binding.original)}"
        if last.upper().startswith(prefix) and _continues_pem(
            binding.original.string, variables.get(last)
        ):
            _raise_multi_line(path, variables[last], last)
        if binding.error and prefix and prefix in binding.original.string.upper():
            malformed("env_file", where, path, "it has a line that is not NAME=value")
        if binding.key and binding.value:
            known = {**{name: value.value for name, value in variables.items()}, **environ}
            parts = list(parse_variables(binding.value))
            variables[binding.key] = Sourced(
                "".join(part.resolve(known) for part in parts),
                where,
                path.parent,
                comment_cut=_has_comment(binding.original.string),
                unset_variable=any(
                    isinstance(part, Variable) and part.default is None and part.name not in known
                    for part in parts
                ),
            )
            last = binding.key
    return variables


def _raise_multi_line(path: Path, value: Sourced, variable: str) -> None:
    """Refuse the rest of a PEM text that stands on the lines after its variable."""
    malformed(
        "env_file",
        value.source,
        path,
        f"the value of {variable} continues in the next line, but it has no quotes",
        f'Put the whole text between double quotes: {variable}="-----BEGIN ... END ...-----".',
    )


def _continues_pem(text: str, value: Sourced | None) -> bool:
    """True for a line after an unquoted ``NAME=-----BEGIN ...-----``."""
    return (
        value is not None
        and re.fullmatch(r"-----BEGIN [^\n]*-----", value.value) is not None
        and re.fullmatch(r"[A-Za-z0-9+/=\s]{4,}|\s*-----END [^\n]*\s*", text) is not None
    )


def _has_comment(assignment: str) -> bool:
    """True if python-dotenv ends an unquoted value at a blank and ``#`` (its ``parse_value``)."""
    value = assignment.partition("=")[2].lstrip(" \t")
    line = value.partition("\n")[0]
    return line[:1] not in {"'", '"'} and re.search(r"\s#", line) is not None


def _line(original: Any) -> int:  # noqa: ANN401 - python-dotenv's Original
    """The line of the assignment itself: python-dotenv counts leading blank lines into it."""
    text: str = original.string
    return int(original.line) + len(text[: len(text) - len(text.lstrip())].splitlines())
