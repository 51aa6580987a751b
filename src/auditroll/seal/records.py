"""Sequenced records as octets: many of them in one object, so that a long tail stays small.

A packed record is `u32 leaf length, u32 slots length, seed, leaf, slots`. Records stay packed from
the moment they are sequenced until their segment is written in another process.
"""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from auditroll.tlog import Line

__all__ = ["PLACE", "Tail", "Unsealed", "unpack"]

PLACE: Final = struct.Struct(">II16s")
"""Lengths of leaf and slots, and the seed: the head of a packed record."""


class Unsealed(NamedTuple):
    """A record of the tail, as octets.

    Args:
        leaf: The hashed octets.
        seed: 16 octets.
        slots: JSON object of the slots that hold fields.
    """

    leaf: bytes
    seed: bytes
    slots: bytes

    def line(self) -> Line:
        """Return the record as a line."""
        slots: dict[str, dict[str, Any]] = orjson.loads(self.slots)
        return Line(leaf=self.leaf, seed=self.seed, slots=slots)


def unpack(octets: bytes) -> Iterator[Unsealed]:
    """Yield the records of packed octets."""
    at = 0
    while at < len(octets):
        leaf, slots, seed = PLACE.unpack_from(octets, at)
        middle = at + PLACE.size + leaf
        yield Unsealed(octets[at + PLACE.size : middle], seed, octets[middle : middle + slots])
        at = middle + slots


def _offset(octets: bytes, count: int) -> int:
    """Return where the record after the first `count` begins."""
    at = 0
    for _ in range(count):
        leaf, slots, _seed = PLACE.unpack_from(octets, at)
        at += PLACE.size + leaf + slots
    return at


class Tail:
    """Consecutive packed records of one stream.

    Invariant: the chunks adjoin and cover exactly [first, end).
    """

    __slots__ = ("_chunks", "end", "first", "octets")

    def __init__(self) -> None:
        self.first = 0
        self.end = 0
        self.octets = 0
        # (index of the first record, number of records, octets): plain tuples of plain values,
        # which the garbage collector leaves alone.
        self._chunks: deque[tuple[int, int, bytes]] = deque()

    def __len__(self) -> int:
        return self.end - self.first

    def restart(self, index: int) -> None:
        """Begin, empty, at `index`."""
        self._chunks.clear()
        self.first = self.end = index
        self.octets = 0

    def append(self, count: int, octets: bytes) -> None:
        """Append `count` packed records."""
        self._chunks.append((self.end, count, octets))
        self.end += count
        self.octets += len(octets)

    def pieces(self, first: int, end: int) -> list[bytes]:
        """Return the packed records in [first, end) that are here; whole chunks are not copied."""
        found: list[bytes] = []
        for start, count, octets in self._chunks:
            low, high = max(first - start, 0), min(end - start, count)
            if low >= high:
                continue
            if (low, high) == (0, count):
                found.append(octets)
            else:
                begin = _offset(octets, low)
                found.append(octets[begin : _offset(octets, high)])
        return found

    def drop(self, end: int) -> None:
        """Forget the records below `end`."""
        while self._chunks and self._chunks[0][0] + self._chunks[0][1] <= end:
            self.octets -= len(self._chunks.popleft()[2])
        if self._chunks and self._chunks[0][0] < end:
            start, count, octets = self._chunks.popleft()
            rest = octets[_offset(octets, end - start) :]
            self.octets -= len(octets) - len(rest)
            self._chunks.appendleft((end, start + count - end, rest))
        self.first = max(self.first, end)
