"""Sets of sequence numbers, kept as their ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Self

__all__ = ["IntervalSet", "Range"]

# Both ends belong to it.
Range = tuple[int, int]


class IntervalSet:
    """A set of integers >= 0 as disjoint ranges that do not adjoin, in order."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.ranges() == other.ranges()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IntervalSet({self.ranges()})"

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, first: int, last: int) -> None:
        """Add every integer of [first, last]."""
        if self._lasts and first == self._lasts[-1] + 1:
            self._lasts[-1] = last
            return
        # Ranges low..high-1 overlap or adjoin the new one and become part of it.
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def covers(self, first: int, last: int) -> bool:
        """Tell whether every integer of [first, last] is in the set."""
        at = bisect_right(self._firsts, first) - 1
        return at >= 0 and last <= self._lasts[at]

    def meets(self, first: int, last: int) -> bool:
        """Tell whether any integer of [first, last] is in the set."""
        at = bisect_left(self._lasts, first)
        return at < len(self._firsts) and self._firsts[at] <= last

    def missing(self, first: int, last: int) -> list[Range]:
        """Return the parts of [first, last] that are not in the set, in order."""
        gaps: list[Range] = []
        at = bisect_left(self._lasts, first)
        while first <= last:
            until = self._firsts[at] if at < len(self._firsts) else last + 1
            if first < until:
                gaps.append((first, min(until - 1, last)))
            if at == len(self._firsts):
                break
            first = max(first, self._lasts[at] + 1)
            at += 1
        return gaps

    def through(self) -> int:
        """Return the greatest n with all of [0, n] in the set, -1 if 0 is not."""
        return self._lasts[0] if self._firsts and self._firsts[0] == 0 else -1

    def highest(self) -> int:
        """Return the greatest integer in the set, -1 if it is empty."""
        return self._lasts[-1] if self._lasts else -1

    def holes(self) -> list[Range]:
        """Return the ranges below `highest` that are not in the set."""
        return self.missing(0, self.highest())

    def ranges(self) -> list[Range]:
        """Return the ranges in order."""
        return list(zip(self._firsts, self._lasts, strict=True))

    def copy(self) -> Self:
        """Return a set of its own with the same integers."""
        return type(self)(self.ranges())
