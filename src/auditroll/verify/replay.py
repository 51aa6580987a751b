"""The journal's records in their places: compared with what is sealed, hashed where nothing is.

The same pure function that made the leaves makes them again: format reference, section 9.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from auditroll.errors import Error
from auditroll.segment.journal import BadFrame, Entry
from auditroll.tlog import leaf_hash, make_leaf, seal_record
from auditroll.verify.journal import JournalFile, JournalFrame, JournalLine
from auditroll.verify.overlap import Overlap
from auditroll.verify.scan import Batch, StreamScan

__all__ = ["Replay"]

_BATCH: Final = 4_096
# Behind a record that cannot be placed no index is known.
_NO_END: Final = 2**53


@dataclass(slots=True)
class _Tail:
    """One stream's place in the replay.

    Args:
        scan: Takes what no segment holds.
        overlap: What segments hold.
        next: Index of the next record.
        prev_hash: What it follows, 64 hex digits.
        first: Index of the first waiting record.
        hashes: Of the waiting records.
        prev_hashes: Of the waiting records.
        received: Of the waiting records.
    """

    scan: StreamScan
    overlap: Overlap
    next: int
    prev_hash: str
    first: int = 0
    hashes: list[bytes] = field(default_factory=list[bytes])
    prev_hashes: list[str | None] = field(default_factory=list[str | None])
    received: list[str | None] = field(default_factory=list[str | None])

    def flush(self) -> None:
        """Hand over what waits."""
        if self.hashes:
            self.scan.add(Batch(self.first, self.hashes, self.prev_hashes, self.received))
            self.hashes, self.prev_hashes, self.received = [], [], []


class Replay:
    """Replays the journal over the sealed records.

    Args:
        scans: Every stream's scan, its segments read.
        overlaps: What those segments hold of the journal.
        on_leaf: Called with each leaf that no segment holds.
        running: Whether segments may be newer than the journal that is replayed.
    """

    def __init__(
        self,
        scans: Mapping[str, StreamScan],
        overlaps: Mapping[str, Overlap],
        on_leaf: Callable[[dict[str, Any]], None],
        *,
        running: bool,
    ) -> None:
        self._scans = scans
        self._overlaps = overlaps
        self._on_leaf = on_leaf
        self._tails: dict[str, _Tail | None] = {}
        # Effective time of receipt of the last frame that the journal no longer holds. What a
        # running server sealed since, in streams that this journal does not name, is later.
        before = (
            overlap.received for overlap in overlaps.values() if overlap.journalled or not running
        )
        self._received = max(before, default="")

    def run(self, files: Iterable[JournalFile]) -> None:
        """Replay files up to the first frame that is not to be had."""
        number: int | None = None
        for file in files:
            if number not in (None, file.first):
                break
            number = self._file(file)
        for tail in self._tails.values():
            if tail is not None:
                tail.flush()

    def _file(self, file: JournalFile) -> int:
        """Replay one file and return the number of the frame that must follow."""
        number = file.first
        for frame in file.replay():
            try:
                self._frame(frame)
            except BadFrame:
                file.lose(frame)
                # No file begins with it.
                return -1
            number = frame.number + 1
        return number

    def _frame(self, frame: JournalFrame) -> None:
        self._received = max(self._received, str(frame.head["received_at"]))
        for line in frame.lines():
            if line.stream not in self._tails:
                self._tails[line.stream] = self._begin(line.stream)
            tail = self._tails[line.stream]
            if tail is None:
                continue
            if tail.next < tail.overlap.end:
                self._compare(tail, line, frame)
            else:
                self._place(tail, line.entry(), frame)
            tail.next += 1

    def _begin(self, stream: str) -> _Tail | None:
        scan, overlap = self._scans.get(stream), self._overlaps.get(stream)
        if scan is None or overlap is None:
            return None
        start = overlap.begin()
        if start is None:
            scan.held.append((overlap.end, _NO_END))
            return None
        self._received = max(self._received, overlap.first_received)
        return _Tail(scan, overlap, start, overlap.last_hash)

    def _compare(self, tail: _Tail, line: JournalLine, frame: JournalFrame) -> None:
        """Note a sealed record that is not the journalled one.

        The journal's copy is held by its own checksum and seal; the sealed one by the tree.
        """
        seeds, at = tail.overlap.seeds, tail.next - (tail.overlap.start or 0)
        sealed = seeds[at] if at < len(seeds) else None
        if sealed is not None and sealed.hex().encode() != line.seed:
            where = f"frame {frame.number} of {frame.path} holds another record"
            tail.scan.note("altered", tail.next, tail.next + 1, where)

    def _place(self, tail: _Tail, entry: Entry, frame: JournalFrame) -> None:
        """Give a record its place.

        Raises:
            BadFrame: It has no canonical form.
        """
        try:
            public, _slots, sealed = seal_record(entry.record, entry.seed)
            leaf = make_leaf(
                public,
                stream=entry.stream,
                index=tail.next,
                prev_hash=tail.prev_hash,
                sealed=sealed,
                received_at=self._received,
            )
        except (Error, AttributeError, TypeError, ValueError) as error:
            raise BadFrame(f"a record of frame {frame.number} has no place") from error
        hash_ = leaf_hash(leaf)
        self._append(tail, public, hash_)
        tail.prev_hash = hash_.hex()

    def _append(self, tail: _Tail, public: dict[str, Any], hash_: bytes) -> None:
        scan = tail.scan
        if len(tail.hashes) >= _BATCH:
            tail.flush()
        if not tail.hashes:
            tail.first = tail.next
        tail.hashes.append(hash_)
        tail.prev_hashes.append(tail.prev_hash)
        tail.received.append(self._received)
        scan.counts.records += 1
        scan.note_leaf(tail.next, public)
        self._on_leaf(public)
