"""One stream's state in memory: its edge, and the records that no segment holds yet."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from auditroll.seal.nodes import NodeStore
from auditroll.tlog import ZERO_HASH, Frontier, Line

__all__ = ["MAX_RECORDS", "MAX_SPAN_MS", "Stream", "Unsealed"]

MAX_RECORDS: Final = 65_536
MAX_SPAN_MS: Final = 86_400_000
_BUNDLE: Final = 256


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


class Stream:
    """A stream's chain, tree and open tail.

    Invariants: `size` leaves were applied; those from index `sealed` on are in `tail`; `listed`
    is a head that a persisted root group holds.

    Args:
        stream: Stream id.
        kind: `root`, `ledger` or `data`.
        tenant: Empty for the root.
        data_class: Only of `data`.
        nodes: Hashes for proofs.
    """

    def __init__(
        self, stream: str, kind: str, tenant: str, data_class: str, nodes: NodeStore
    ) -> None:
        self.stream = stream
        self.kind = kind
        self.tenant = tenant
        self.data_class = data_class
        self.nodes = nodes
        self.frontier = Frontier()
        self.last_hash = ZERO_HASH
        self.sealed = 0
        self.sealing = False
        self.listed: tuple[int, bytes] | None = None
        self.tail_octets = 0
        self.tail: deque[Unsealed] = deque()
        # (index, time of receipt) where the time changes; the first covers index `sealed`.
        self._times: deque[tuple[int, int]] = deque()
        # Where a segment has to end, because the next leaf came a day after its first.
        self._breaks: deque[int] = deque()
        self._segment_start_ms = 0
        # Indices of the stream's own `ledger.seal` records in the tail.
        self._own_seals: deque[int] = deque()

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self.frontier.size

    def head(self) -> tuple[int, bytes]:
        """Return size and root."""
        return self.frontier.size, self.frontier.root()

    def head_due(self) -> bool:
        """Tell whether the newest head is not listed yet."""
        return self.listed is None or self.listed[0] != self.size

    def extend(self, records: Sequence[Unsealed], hashes: Sequence[bytes], now_ms: int) -> None:
        """Append sequenced records.

        Args:
            records: In the order of the stream.
            hashes: Their leaf hashes.
            now_ms: Effective time of receipt of all of them.
        """
        if not self._times or self._times[-1][1] != now_ms:
            self._times.append((self.size, now_ms))
        if not self.tail:
            self._segment_start_ms = now_ms
        elif now_ms >= self._segment_start_ms + MAX_SPAN_MS:
            self._breaks.append(self.size)
            self._segment_start_ms = now_ms
        self.tail.extend(records)
        self.tail_octets += sum(len(record.leaf) + len(record.slots) for record in records)
        self.frontier.append_many(hashes)
        self.nodes.append(hashes)
        self.last_hash = hashes[-1]

    def note_own_seal(self, index: int) -> None:
        """Remember that the record at `index` is a seal of this stream itself."""
        self._own_seals.append(index)

    def closable(self, now_ms: int, after_ms: int, *, pressed: bool = False) -> int | None:
        """Return the index at which the open segment ends, if it is due.

        Args:
            now_ms: Milliseconds since 1970.
            after_ms: Longest time a record stays unsealed.
            pressed: Memory is short: close without waiting.

        Source: format reference, section 10.
        """
        if self.sealing or not self.tail:
            return None
        if self._breaks:
            return min(self._breaks[0], self.sealed + MAX_RECORDS)
        if len(self.tail) >= MAX_RECORDS:
            return self.sealed + MAX_RECORDS
        due = pressed or now_ms - self._times[0][1] >= after_ms
        if not due or len(self._own_seals) == len(self.tail):
            return None
        rounded = self.size // _BUNDLE * _BUNDLE
        return rounded if rounded > self.sealed else self.size

    def unsealed(self, first: int, end: int | None = None) -> Iterator[Unsealed]:
        """Yield the records of the tail from index `first` on, up to `end`."""
        start = max(first - self.sealed, 0)
        return islice(self.tail, start, None if end is None else max(end - self.sealed, start))

    def resume(self, size: int, frontier: Frontier, last_hash: bytes) -> None:
        """Start from what a seal says of the first `size` records."""
        self.frontier, self.last_hash, self.sealed = frontier, last_hash, size

    def drop_sealed(self, end: int) -> None:
        """Forget the records below `end`, which a durable segment and its seal hold."""
        for _ in range(end - self.sealed):
            record = self.tail.popleft()
            self.tail_octets -= len(record.leaf) + len(record.slots)
        self.sealed = end
        while self._breaks and self._breaks[0] <= end:
            self._breaks.popleft()
        while self._own_seals and self._own_seals[0] < end:
            self._own_seals.popleft()
        while len(self._times) > 1 and self._times[1][0] <= end:
            self._times.popleft()
        if not self.tail:
            self._times.clear()
        elif not self._breaks:
            self._segment_start_ms = self._times[0][1]
