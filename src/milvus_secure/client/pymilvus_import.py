"""Imports pymilvus with any values of its variables in the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any

from ..settings.pymilvus_variables import VARIABLES, readable

_IMPORT = Lock()
_READER = "pymilvus.settings"
"""The module that reads the environment."""


def import_pymilvus() -> None:
    """Import pymilvus if it is not imported yet.

    Its import reads variables that may have quotes around them or mean something else, and a
    ``.env`` file somewhere above its own directory, which may be unreadable: each raises, although
    the client is told where to connect. Here it gets the values it can read, and no file that it
    cannot. The environment itself is not changed: other threads read it.

    Raises:
        ImportError: If pymilvus is not installed.
    """
    if _READER in sys.modules and "pymilvus" in sys.modules:
        return  # or it is just being imported, which import statements wait for
    with _IMPORT, _replaced(os, "getenv", _getenv):
        try:
            import_module("pymilvus")
        except (OSError, UnicodeError):  # what reading a file raises
            import dotenv  # noqa: PLC0415 - pymilvus has imported it

            with _replaced(dotenv, "load_dotenv", _load_dotenv):
                import_module("pymilvus")


@contextmanager
def _replaced(
    module: Any,  # noqa: ANN401 - any module
    name: str,
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, wrap(original))
    try:
        yield
    finally:
        setattr(module, name, original)


def _getenv(original: Callable[..., Any]) -> Callable[..., Any]:
    def getenv(key: str, default: Any = None) -> Any:  # noqa: ANN401 - as os.getenv
        value = original(key, default)
        if key in VARIABLES and _asked_by_pymilvus() and isinstance(value, str):
            return readable(key, value)
        return value

    return getenv


def _load_dotenv(original: Callable[..., bool]) -> Callable[..., bool]:
    def load_dotenv(*arguments: Any, **options: Any) -> bool:  # noqa: ANN401 - as dotenv's
        return False if _asked_by_pymilvus() else original(*arguments, **options)

    return load_dotenv


def _asked_by_pymilvus() -> bool:
    """Whether the caller of the function that calls this is the module that reads variables."""
    return sys._getframe(2).f_globals.get("__name__") == _READER  # noqa: SLF001 - no other way
