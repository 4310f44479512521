"""Which files make a Compose project, and the variables in its ``.env`` and ``env_file``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..yaml.reading import STANDARD_INPUT, read_text
from .dotenv import DotenvError, parse_dotenv, parse_raw
from .refusal import ComposeRefusedError

COMPOSE_FILES: Final = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
)
"""What Compose looks for itself, the first one first (compose-go ``cli/options.go``)."""

_OVERRIDE_FILES: Final = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


def default_variables(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the ``.env`` in a directory; empty without one."""
    file = directory / ".env"
    try:
        if not file.is_file():
            return {}
    except OSError:
        return {}
    return read_env_file(file, environ)


def read_env_file(file: Path, environ: Mapping[str, str], *, raw: bool = False) -> dict[str, str]:
    """The variables of a ``.env`` or ``env_file``.

    Args:
        file: Where it is.
        environ: What fills in its variables.
        raw: Whether nothing in it is a quote or a variable (``format: raw``).

    Raises:
        ComposeRefusedError: If a line is none.
        MilvusSecureError: If it cannot be read.
    """
    try:
        text = read_text(file)
        return parse_raw(text, environ) if raw else parse_dotenv(text, environ)
    except DotenvError as error:
        raise ComposeRefusedError(
            f"{file.name}, line {error.line}: {error}, so Compose refuses the file.",
            "Write NAME=value in that line.",
            f"{file.name}:{error.line}",
        ) from None


def files_of(path: Path, variables: Mapping[str, str]) -> list[Path]:
    """The files that Compose merges if it is started without naming any.

    They are those of ``COMPOSE_FILE``, or the first of the usual names with its override file
    (compose-go ``cli/options.go``). A file that is not among them is used by itself.
    """
    if path == STANDARD_INPUT:
        return [path]
    listed = variables.get("COMPOSE_FILE")
    if listed:
        names = listed.split(variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep)
        files = [path if name == path.name else path.parent / name for name in names]
        return files if path in files else [path]
    default = next((name for name in COMPOSE_FILES if path.with_name(name).is_file()), None)
    if path.name != default:
        return [path]
    overrides = map(path.with_name, _OVERRIDE_FILES)
    return [path, *[file for file in overrides if file.is_file()][:1]]


def text_of(file: Path) -> str:
    """The text of a file of ``COMPOSE_FILE``.

    Raises:
        ComposeRefusedError: If it does not exist.
        MilvusSecureError: If it cannot be read.
    """
    if not file.is_file():
        raise ComposeRefusedError(
            f"Compose refuses the project, because {file.name} in COMPOSE_FILE does not exist.",
            "Write it, or correct COMPOSE_FILE in .env.",
            ".env",
        )
    return read_text(file)
