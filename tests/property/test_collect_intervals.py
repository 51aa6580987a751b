"""The interval set against a plain set of integers."""

from hypothesis import given
from hypothesis import strategies as st

from auditroll.collect.intervals import IntervalSet

RANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))),
    max_size=20,
)
ASKED = st.tuples(st.integers(0, 70), st.integers(0, 12)).map(lambda pair: (pair[0], sum(pair)))


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(RANGES)
def test_it_holds_what_was_added_in_few_ranges(ranges: list[tuple[int, int]]) -> None:
    held, model = IntervalSet(ranges), numbers(ranges)

    assert numbers(held.ranges()) == model
    for (_, last), (first, _) in zip(held.ranges(), held.ranges()[1:], strict=False):
        assert first > last + 1
    assert [number in held for number in range(75)] == [number in model for number in range(75)]
    assert held.highest() == max(model, default=-1)
    assert held.through() == next(n for n in range(-1, 80) if n + 1 not in model)
    assert held.copy() == held


@given(RANGES, ASKED)
def test_missing_is_the_complement(ranges: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    held, model, wanted = IntervalSet(ranges), numbers(ranges), numbers([asked])

    assert numbers(held.missing(*asked)) == wanted - model
    assert held.covers(*asked) == (wanted <= model)
    assert held.meets(*asked) == bool(wanted & model)
    assert numbers(held.holes()) == set(range(held.highest() + 1)) - model


@given(RANGES, st.randoms())
def test_order_does_not_matter(ranges: list[tuple[int, int]], order: object) -> None:
    shuffled = list(ranges)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert IntervalSet(shuffled) == IntervalSet(ranges)
