"""Where a stream's sealed records and its journalled ones meet.

A journal file stays until every record in it is sealed, so sealed records may stand in the
journal too. A seed is 16 random octets and stands once: the first journalled seed, sought among
the sealed rows, says which index the journal begins with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from auditroll.tlog.hashing import ZERO_HASH

__all__ = ["Overlap", "Rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Adjoining sealed rows.

    Args:
        first: Index of the first.
        hashes: Leaf hashes.
        received: `received_at` of each, TIME texts.
        seeds: Column of seeds; null where a slot is hidden.
    """

    first: int
    hashes: Sequence[bytes]
    received: Sequence[str]
    seeds: Any


@dataclass(slots=True)
class Overlap:
    """Finds and keeps what the journal repeats of one stream.

    Args:
        seed: Of the stream's first journalled record; None if there is none.
        start: Index that the journal begins with, once it is found.
        last_hash: Of the last sealed row, 64 hex digits.
        received: Of the last record before the journal, TIME text.
        first_received: Of the first journalled record, if it is sealed.
        seeds: Of the sealed rows from `start` on; None where a slot is hidden.
        end: Index after the last sealed row.
        lost: Whether rows that may matter cannot be read.
    """

    seed: bytes | None
    start: int | None = None
    last_hash: str = ZERO_HASH.hex()
    received: str = ""
    first_received: str = ""
    seeds: list[bytes | None] = field(default_factory=list[bytes | None])
    end: int = 0
    lost: bool = False

    def see(self, rows: Rows) -> None:
        """Take over rows in the order of the stream."""
        self.end = rows.first + len(rows.hashes)
        self.last_hash = rows.hashes[-1].hex()
        if self.seed is None:
            self.received = rows.received[-1]
            return
        seeds = rows.seeds.to_pylist()
        if self.start is not None:
            self.seeds += seeds
        elif self.seed in seeds:
            self._begin(rows, seeds)
        else:
            self.received = rows.received[-1]

    def lose(self, end: int) -> None:
        """Note that the rows up to `end` cannot be read."""
        self.lost = True
        self.end = max(self.end, end)

    def skip(self, end: int, last_leaf_hash: str, received: str) -> None:
        """Note that the rows up to `end` were deleted; they are no longer in the journal."""
        self.end = max(self.end, end)
        self.last_hash, self.received = last_leaf_hash, received

    def begin(self) -> int | None:
        """Return the index of the first journalled record; None if it cannot be known."""
        if self.start is None and not self.lost:
            self.start = self.end
        return self.start

    def _begin(self, rows: Rows, seeds: Sequence[bytes | None]) -> None:
        place = seeds.index(self.seed)
        # Rows that were lost before this one no longer matter.
        self.lost = False
        self.start = rows.first + place
        self.seeds += seeds[place:]
        self.first_received = rows.received[place]
        if place:
            self.received = rows.received[place - 1]
