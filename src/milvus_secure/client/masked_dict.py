"""A dict that does not show its secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

_MASK = "**********"


class MaskedDict(dict[str, Any]):
    """A plain dict in every way but its repr, which ends in logs and tracebacks.

    It unpacks, compares, copies, pickles and serialises as a dict of its values.

    Args:
        values: What it holds.
        masked: The keys whose values the repr hides.
    """

    def __init__(self, values: Mapping[str, Any], masked: Collection[str] = ()) -> None:
        super().__init__(values)
        self._masked = frozenset(masked)

    def __repr__(self) -> str:
        return repr(dict(self.__rich_repr__()))

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        """What rich shows, in the tracebacks that it prints with local variables above all."""
        for name, value in self.items():
            yield name, _MASK if name in self._masked else value

    def copy(self) -> MaskedDict:
        """A shallow copy that hides the same."""
        return MaskedDict(self, self._masked)

    def __or__(self, other: Mapping[str, Any]) -> MaskedDict:  # type: ignore[override]
        return MaskedDict({**self, **other}, self._masked)

    def __reduce__(self) -> tuple[type[MaskedDict], tuple[dict[str, Any], frozenset[str]]]:
        return MaskedDict, (dict(self), self._masked)
