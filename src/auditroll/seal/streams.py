"""One stream's state in memory: its edge, and the records that no segment holds yet."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from auditroll.seal.nodes import TILE_HEIGHTS, NodeStore
from auditroll.seal.records import Tail, Unsealed, unpack
from auditroll.tlog import ZERO_HASH, Frontier

__all__ = ["MAX_RECORDS", "MAX_SPAN_MS", "Stream"]

MAX_RECORDS: Final = 65_536
MAX_SPAN_MS: Final = 86_400_000
_BUNDLE: Final = 256


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
        self.sealing = False
        self.listed: tuple[int, bytes] | None = None
        self.tail = Tail()
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

    @property
    def sealed(self) -> int:
        """Number of leaves that stand in segments whose seals are durable."""
        return self.tail.first

    def head(self) -> tuple[int, bytes]:
        """Return size and root."""
        return self.frontier.size, self.frontier.root()

    def head_due(self) -> bool:
        """Tell whether the newest head is not listed yet."""
        return self.listed is None or self.listed[0] != self.frontier.size

    def extend(self, packed: bytes, hashes: Sequence[bytes], now_ms: int) -> None:
        """Append sequenced records.

        Args:
            packed: The records, in the order of the stream.
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
        self.tail.append(len(hashes), packed)
        completed: dict[int, list[bytes]] = {height: [] for height in TILE_HEIGHTS}
        self.frontier.append_many(hashes, completed)
        self.nodes.append(hashes, completed)
        self.last_hash = hashes[-1]

    def note_own_seal(self, index: int) -> None:
        """Remember that the record at `index` is a seal of this stream itself."""
        self._own_seals.append(index)

    def closable(self, now_ms: int, after_ms: int, *, pressed: bool = False) -> int | None:
        """Return the index at which the open segment ends, if it is due.

        Args:
            now_ms: Milliseconds since 1970.
            after_ms: Longest time a record stays unsealed.
            pressed: Room is short: close without waiting.

        Source: format reference, section 10.
        """
        if self.sealing or not self.tail:
            return None
        if self._breaks:
            return min(self._breaks[0], self.sealed + MAX_RECORDS)
        if len(self.tail) >= MAX_RECORDS:
            return self.sealed + MAX_RECORDS
        if pressed:
            return self._rounded()
        due = now_ms - self._times[0][1] >= after_ms
        return self._rounded() if due and not self.only_own_seals else None

    @property
    def only_own_seals(self) -> bool:
        """Whether the tail is nothing but this stream's own seals: sealing it would never end."""
        return len(self._own_seals) == len(self.tail)

    def _rounded(self) -> int:
        rounded = self.size // _BUNDLE * _BUNDLE
        return rounded if rounded > self.sealed else self.size

    def unsealed(self, first: int, end: int | None = None) -> list[Unsealed]:
        """Return the records in [first, end) that no segment holds yet."""
        pieces = self.tail.pieces(first, self.size if end is None else end)
        return [record for piece in pieces for record in unpack(piece)]

    def resume(self, frontier: Frontier, last_hash: bytes) -> None:
        """Start from what a seal says of the records that segments hold."""
        self.frontier, self.last_hash = frontier, last_hash
        self.tail.restart(frontier.size)

    def drop_sealed(self, end: int) -> None:
        """Forget the records below `end`, which a durable segment and its seal hold."""
        self.tail.drop(end)
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
