"""The short syntax of a volume (compose-go ``format/volume.go``)."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a service.

    Attributes:
        target: Path in the container.
        source: A path or a volume's name; empty for an anonymous volume.
        is_bind: True if the source is a path.
    """

    target: str
    source: str = ""
    is_bind: bool = False


def parse_volume(text: str) -> Volume:
    """Read ``[SOURCE:]TARGET[:OPTIONS]``; a Windows drive's colon separates nothing.

    Raises:
        ValueError: If a part is empty, or there are too many.
    """
    parts = re.findall(r"(?:\A|(?<=:))([A-Za-z]:(?=[\\/])[^:]*|[^:]*)(?::|\Z)", text)
    parts = parts if text else []
    if not parts or not all(parts):
        raise ValueError("a volume has an empty part")
    if len(parts) > 3:
        raise ValueError("a volume has too many colons")
    if len(parts) == 1:
        return Volume(parts[0])
    return Volume(parts[1], parts[0], is_path(parts[0]))


def is_path(source: str) -> bool:
    """True for what Compose takes as a path, not as the name of a volume."""
    return source.startswith((".", "/", "~", "\\\\")) or is_windows_path(source)


def is_windows_path(source: str) -> bool:
    """True for a path with a drive letter, or a UNC path."""
    return bool(re.match(r"[A-Za-z]:|\\\\", source))
