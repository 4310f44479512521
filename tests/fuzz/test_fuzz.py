"""A few mutated inputs of every kind; `python tests/fuzz TARGET SECONDS` runs for longer."""

from __future__ import annotations

import pytest
from fuzz import targets
from fuzz.seeds import CORPUS, seeds
from fuzz.targets import TARGETS
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

QUICK = hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
KEPT = sorted(path.relative_to(CORPUS) for path in CORPUS.glob("*/*"))


@st.composite
def mutated(draw: st.DrawFn, target: str) -> bytes:
    """A seed with some bytes changed, cut out, repeated, or put in from another seed."""
    known = seeds_of(target)
    data = bytearray(draw(st.sampled_from(known)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 16))
        new = draw(
            st.one_of(
                st.binary(max_size=8),
                st.just(bytes(data[start : start + 64])),
                st.just(draw(st.sampled_from(known))[start : start + 64]),
                st.sampled_from([b"\0", b"\x80", b"\xff" * 4, b"\x30\x84\x7f\xff\xff\xff", b"\n"]),
            )
        )
        data[start : start + length] = new
    return bytes(data)


_SEEDS: dict[str, list[bytes]] = {}


def seeds_of(target: str) -> list[bytes]:
    return _SEEDS.setdefault(target, seeds(target))


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_input_ends_in_findings_or_a_typed_error(target):
    @QUICK
    @given(mutated(target))
    def copes(data: bytes) -> None:
        TARGETS[target](data)

    copes()


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_inputs_that_once_failed_pass(kept):
    TARGETS[kept.parent.name]((CORPUS / kept).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_themselves_are_accepted(target):
    for seed in seeds_of(target):
        TARGETS[target](seed)


def test_a_target_with_an_internal_error_fails():
    with pytest.raises(AssertionError, match="control character"):
        targets._printed("\x1b[2J")
