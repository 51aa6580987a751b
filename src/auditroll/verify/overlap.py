"""Where a stream's sealed records and its journalled ones meet.

A journal file stays until every record in it is sealed, so sealed records may stand in the
journal too. A seed is 16 random octets and stands once, so one record that is in both says which
index the journal begins with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auditroll.tlog.hashing import ZERO_HASH

__all__ = ["Overlap", "Rows"]

SEED_DIGITS: Final = 32


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
        journalled: Seeds of the stream's journalled records, one after the other, 32 hex digits
            each.
        start: Index that the journal begins with, once it is found.
        seeds: Of the records from `start` on; None where no row tells.
        received: Of the last record before the journal, TIME text.
        first_received: Of the first journalled record, if it is sealed.
        last_hash: Of the last sealed row, 64 hex digits.
        end: Index after the last sealed row.
        lost: Whether the last rows cannot be read.
    """

    journalled: bytes | bytearray
    start: int | None = None
    seeds: list[bytes | None] = field(default_factory=list[bytes | None])
    received: str = ""
    first_received: str = ""
    last_hash: str = ZERO_HASH.hex()
    end: int = 0
    lost: bool = False

    def see(self, rows: Rows) -> None:
        """Take over rows in the order of the stream."""
        self.end = rows.first + len(rows.hashes)
        self.last_hash = rows.hashes[-1].hex()
        self.lost = False
        seeds: list[bytes | None] = rows.seeds.to_pylist() if self.journalled else []
        if self.start is None:
            self._seek(rows, seeds)
        else:
            self.seeds += [None] * (rows.first - self.start - len(self.seeds))
            self.seeds += seeds

    def lose(self, end: int) -> None:
        """Note that the rows up to `end` cannot be read."""
        self.lost = True
        self.end = max(self.end, end)

    def skip(self, end: int, last_leaf_hash: str, received: str) -> None:
        """Note that the rows up to `end` were deleted; their seal tells what follows."""
        self.lost = False
        self.end = max(self.end, end)
        self.last_hash, self.received = last_leaf_hash, received

    def begin(self) -> int | None:
        """Return the index of the first journalled record; None if it cannot be known."""
        if self.lost:
            return None
        if self.start is None:
            self.start = self.end
        return self.start

    def _seek(self, rows: Rows, seeds: list[bytes | None]) -> None:
        """Look for the journal's first record among the rows, and for the first row in it."""
        first = bytes.fromhex(self.journalled[:SEED_DIGITS].decode())
        place = seeds.index(first) if first in seeds else None
        if place is not None:
            self.start = rows.first + place
            self.seeds = seeds[place:]
            self.first_received = rows.received[place]
            if place:
                self.received = rows.received[place - 1]
            return
        place = self._place_of(next((seed for seed in seeds if seed is not None), None))
        if place is None:
            self.received = rows.received[-1]
            return
        known = next(at for at, seed in enumerate(seeds) if seed is not None)
        self.start = rows.first + known - place
        self.seeds = [*[None] * (rows.first - self.start), *seeds]

    def _place_of(self, seed: bytes | None) -> int | None:
        """Return which of the journalled records has this seed."""
        if seed is None:
            return None
        digits = seed.hex().encode()
        at = self.journalled.find(digits)
        while at >= 0 and at % SEED_DIGITS:
            at = self.journalled.find(digits, at + 1)
        return at // SEED_DIGITS if at >= 0 else None
