"""Which releases of pymilvus, grpcio and others are installed, without importing them."""

from __future__ import annotations

import os
import re
import sys
from functools import cache


@cache
def installed_version(name: str) -> str:
    """The release of an installed distribution, such as ``3.0.2``.

    ``importlib.metadata``, which takes longer to import than all that ``--version`` does, is asked
    only if there is no ``.dist-info`` in a directory of ``sys.path``.

    Args:
        name: In lower case, of letters and digits alone.

    Raises:
        importlib.metadata.PackageNotFoundError: If it is not installed.
    """
    for directory in sys.path:
        version = _version_in(directory or os.curdir, f"{name}-")
        if version:
            return version
    from importlib.metadata import version as metadata_version  # noqa: PLC0415 - see above

    return metadata_version(name)


def installed_pymilvus() -> tuple[int, ...]:
    """Release of the installed pymilvus, as ``(major, minor, patch)``."""
    return _numbers("pymilvus")[:3]


def installed_grpc() -> tuple[int, int]:
    """Release of the installed grpcio, as ``(major, minor)``."""
    major, minor, *_ = _numbers("grpcio")
    return major, minor


@cache
def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", installed_version(name)))


def _version_in(directory: str, start: str) -> str:
    """The version in the ``.dist-info`` of a name; empty if there is none."""
    try:
        entries = os.listdir(directory)  # noqa: PTH208 - in one call
    except OSError:  # a zip archive, or nothing
        return ""
    for entry in entries:
        if entry.endswith(".dist-info") and entry.lower().startswith(start):
            version = _stated_in(os.path.join(directory, entry, "METADATA"))  # noqa: PTH118 - pathlib takes long to import
            if version:
                return version
    return ""


def _stated_in(path: str) -> str:
    """The ``Version`` header of core metadata; empty if there is none."""
    try:
        with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - see above
            header = next((line for line in lines if line.startswith("Version:")), "")
    except (OSError, UnicodeError):
        return ""
    return header.partition(":")[2].strip()
