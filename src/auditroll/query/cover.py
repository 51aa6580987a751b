"""What of a stream can be read: windows on its parts, and the ranges between them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from auditroll.query.model import Range
from auditroll.query.parts import Part
from auditroll.query.sealed import SealedSegments
from auditroll.query.tail import Tails

__all__ = ["Cover", "Window", "cover"]

# A segment may be sealed between the look at the folder and the look at the tail, hardly twice.
ATTEMPTS: Final = 3


class Window(NamedTuple):
    """Rows of one part that count.

    Args:
        part: The part.
        start: First row.
        stop: Row after the last.
    """

    part: Part
    start: int
    stop: int


class Cover(NamedTuple):
    """A stream up to a size.

    Args:
        windows: In the order of the stream, none empty, none overlapping.
        unreadable: The ranges that no window covers.
    """

    windows: list[Window]
    unreadable: list[Range]


def cover(sealed: SealedSegments, tails: Tails, stream: str, size: int) -> Cover:
    """Return what can be read of the first `size` records of a stream."""
    attempt = 1
    while True:
        parts, failed = sealed.parts(stream)
        end = parts[-1].first + parts[-1].rows if parts else 0
        tail = tails.parts(stream, end, size)
        begins = tail[0].first if tail else size
        if begins <= end or end in failed or attempt == ATTEMPTS:
            return _covered(stream, [*parts, *tail], failed, size)
        attempt += 1


def _covered(stream: str, parts: Iterable[Part], failed: Mapping[int, str], size: int) -> Cover:
    windows: list[Window] = []
    unreadable: list[Range] = []
    at = 0
    for part in parts:
        if part.first > at:
            unreadable += _gap(stream, at, min(part.first, size), failed)
            at = part.first
        stop = min(part.first + part.rows, size)
        if stop > at:
            windows.append(Window(part, at - part.first, stop - part.first))
            at = stop
    return Cover(windows, [*unreadable, *_gap(stream, at, size, failed)])


def _gap(stream: str, first: int, end: int, failed: Mapping[int, str]) -> Sequence[Range]:
    """Return the range, cut where segments that failed begin, with each one's reason."""
    starts = [first, *(index for index in sorted(failed) if first < index < end), end]
    return [
        Range(stream, start, stop, failed.get(start, "absent"))
        for start, stop in pairwise(starts)
        if start < stop
    ]
