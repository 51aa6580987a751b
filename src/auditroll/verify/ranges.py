"""Sets of indices as sorted ranges [first, end)."""

from collections.abc import Iterable

__all__ = ["Range", "clipped", "merged", "overlaps", "subtracted"]

Range = tuple[int, int]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same indices as sorted ranges, none empty, overlapping or adjoining."""
    found: list[Range] = []
    for first, end in sorted(ranges):
        if end <= first:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((first, end))
    return found


def clipped(ranges: Iterable[Range], first: int, end: int) -> list[Range]:
    """Return the indices that lie in [first, end)."""
    return merged((max(start, first), min(stop, end)) for start, stop in ranges)


def overlaps(ranges: Iterable[Range], first: int, end: int) -> bool:
    """Tell whether an index of [first, end) is in `ranges`."""
    return bool(clipped(ranges, first, end))


def subtracted(ranges: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """Return the indices of `ranges` that are not in `taken`.

    Args:
        ranges: Any.
        taken: Any.
    """
    left: list[Range] = []
    gone = iter(merged(taken))
    current = next(gone, None)
    for first, end in merged(ranges):
        at = first
        while current is not None and current[0] < end:
            if current[0] > at:
                left.append((at, current[0]))
            at = max(at, current[1])
            if current[1] > end:
                break
            current = next(gone, None)
        if at < end:
            left.append((at, end))
    return left
