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
        prev_hashes: `prev_hash` of each, 64 hex digits.
        received: `received_at` of each, TIME texts.
        seeds: Column of seeds; null where a slot is hidden.
    """

    first: int
    hashes: Sequence[bytes]
    prev_hashes: Sequence[str]
    received: Sequence[str]
    seeds: Any


@dataclass(slots=True)
class Overlap:
    """Finds and keeps what the journal repeats of one stream.

    Args:
        seed: Of the stream's first journalled record; None if there is none.
        start: Index that the journal begins with, once it is found.
        prev_hash: What the first journalled record follows, 64 hex digits.
        received: Of the last record before the journal, TIME text.
        first_received: Of the first journalled record, if it is sealed.
        hashes: Leaf hashes of the sealed rows from `start` on.
        end: Index after the last sealed row.
        lost: Whether rows that may matter cannot be read.
    """

    seed: bytes | None
    start: int | None = None
    prev_hash: str = ZERO_HASH.hex()
    received: str = ""
    first_received: str = ""
    hashes: list[bytes] = field(default_factory=list[bytes])
    end: int = 0
    lost: bool = False

    def see(self, rows: Rows) -> None:
        """Take over rows in the order of the stream."""
        place = 0 if self.start is not None else self._sought(rows)
        if place is None:
            self.received = rows.received[-1]
            self.prev_hash = rows.hashes[-1].hex()
        else:
            if self.start is None:
                self._begin(rows, place)
            self.hashes += rows.hashes[place:]
        self.end = rows.first + len(rows.hashes)

    def lose(self, end: int) -> None:
        """Note that the rows up to `end` cannot be read."""
        self.lost = True
        self.end = max(self.end, end)

    def skip(self, end: int, last_leaf_hash: str, received: str) -> None:
        """Note that the rows up to `end` were deleted; they are no longer in the journal."""
        self.end = max(self.end, end)
        self.prev_hash, self.received = last_leaf_hash, received

    def begin(self) -> int | None:
        """Return the index of the first journalled record; None if it cannot be known."""
        if self.start is None and not self.lost:
            self.start = self.end
        return self.start

    def _sought(self, rows: Rows) -> int | None:
        if self.seed is None:
            return None
        seeds = rows.seeds.to_pylist()
        return seeds.index(self.seed) if self.seed in seeds else None

    def _begin(self, rows: Rows, place: int) -> None:
        # Rows that were lost before this one no longer matter.
        self.lost = False
        self.start = rows.first + place
        self.prev_hash = rows.prev_hashes[place]
        self.first_received = rows.received[place]
        if place:
            self.received = rows.received[place - 1]
