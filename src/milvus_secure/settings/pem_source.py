"""Where the settings say that a piece of PEM material is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..pem.slots import SYSTEM, Slot


@dataclass(frozen=True, slots=True)
class PemSource:
    """One piece of PEM material: a path or a text, and the setting that gives it.

    Attributes:
        slot: Which piece it is.
        setting: The setting that counts; of a text and a path it is the text.
        source: Where that setting's value came from, such as ``env MILVUS_CA_PEM``.
        path: The file, absolute; None for text and for the public roots.
        text: PEM, or base64 of the file; None for a path. Never shown: it may be a key.
    """

    slot: Slot
    setting: str
    source: str
    path: Path | None = None
    text: str | None = field(default=None, repr=False)

    @property
    def is_public_roots(self) -> bool:
        """True for ``ca_pem_path=system``."""
        return self.path is None and self.text is None

    @classmethod
    def of(cls, slot: Slot, source: str, value: str | Path) -> PemSource:
        """The source of a path setting, or of the public roots."""
        path = value if isinstance(value, Path) else None if value == SYSTEM else Path(value)
        return cls(slot, slot.path_setting, source, path=path)
