"""The three ways a Milvus endpoint can be reached, numbered as ``common.security.tlsMode``."""

from __future__ import annotations

from enum import Enum


class TLSMode(str, Enum):
    """The mode that the user requires, or that follows from the material.

    ``AUTO`` occurs in a setting only; a report names one of the other three.
    """

    AUTO = "auto"
    PLAINTEXT = "plaintext"
    ONE_WAY = "one-way"
    MUTUAL = "mutual"

    def __str__(self) -> str:
        return self.value

    @property
    def number(self) -> int:
        """The value ``common.security.tlsMode`` has in milvus.yaml for this mode.

        Raises:
            ValueError: For ``AUTO``, which a server does not know.
        """
        if self is TLSMode.AUTO:
            raise ValueError("auto is not a mode of a server")
        return _NUMBERED.index(self)

    @classmethod
    def parse(cls, value: object) -> TLSMode:
        """Read a mode by its name, or by its number in milvus.yaml.

        Args:
            value: A ``TLSMode``, one of its names in any case, or 0, 1 or 2 (also as text).

        Raises:
            ValueError: If the value names no mode.
        """
        text = str(value).strip().lower().replace("_", "-")
        if text in {"0", "1", "2"} and not isinstance(value, bool):
            return _NUMBERED[int(text)]
        try:
            return cls(text)
        except ValueError:
            raise ValueError("use auto, plaintext, one-way or mutual (or 0, 1, 2)") from None


_NUMBERED = (TLSMode.PLAINTEXT, TLSMode.ONE_WAY, TLSMode.MUTUAL)
