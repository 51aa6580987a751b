"""One stream's lines, reduced to what judging needs: two hashes a level, not the lines.

Lines come in batches that adjoin. Each run of adjoining lines is checked and hashed as it comes;
runs are put together when the stream is judged, so order of arrival and gaps cost nothing else.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditroll.tlog.span import Span
from auditroll.verify.ranges import Range
from auditroll.verify.report import Counts, Finding

__all__ = ["FACT_TYPES", "GENESIS", "SEAL", "Batch", "HiddenSlot", "Run", "StreamScan"]

GENESIS: Final = "ledger.genesis"
SEAL: Final = "ledger.seal"
# What is kept of a stream for judging; all else is only hashed.
FACT_TYPES: Final = frozenset(
    {
        GENESIS,
        SEAL,
        "ledger.redaction",
        "ledger.rewrite",
        "retention.policy",
        "retention.hold",
        "retention.release",
        "retention.deletion",
    }
)
# Fields of a seal that grow with the number of producers and excuse nothing.
_BULKY: Final = frozenset({"watermarks", "index_roots"})


@dataclass(frozen=True, slots=True)
class Batch:
    """Adjoining lines.

    Args:
        first: Index of the first.
        hashes: Leaf hash of each.
        prev_hashes: `prev_hash` of each, 64 hex digits; None where only the hash is kept.
        received: `received_at` of each; None where only the hash is kept.
    """

    first: int
    hashes: Sequence[bytes]
    prev_hashes: Sequence[str | None]
    received: Sequence[str | None]

    @property
    def end(self) -> int:
        """Index after the last line."""
        return self.first + len(self.hashes)

    def part(self, first: int, end: int) -> "Batch":
        """Return the lines [first, end) of this batch."""
        start, stop = first - self.first, end - self.first
        return Batch(
            first,
            self.hashes[start:stop],
            self.prev_hashes[start:stop],
            self.received[start:stop],
        )


@dataclass(frozen=True, slots=True)
class HiddenSlot:
    """A slot that says it was redacted.

    Args:
        index: Of the line.
        slot: Its name.
        commitment: 64 hex digits.
    """

    index: int
    slot: str
    commitment: str


class Run:
    """Adjoining lines that came one after the other.

    Args:
        batch: The first of them.
    """

    __slots__ = ("first_prev", "first_received", "last_hash", "last_received", "span")

    def __init__(self, batch: Batch) -> None:
        self.span = Span(batch.first)
        self.first_prev = batch.prev_hashes[0]
        self.first_received = batch.received[0]
        self.last_hash = b""
        self.last_received: str | None = None

    @property
    def first(self) -> int:
        """Index of the first line."""
        return self.span.first

    @property
    def end(self) -> int:
        """Index after the last line."""
        return self.span.end

    def extend(self, batch: Batch) -> Iterator[tuple[int, bool]]:
        """Append a batch that adjoins; yield each index where it breaks.

        With the index comes whether the chain breaks there; else the time of receipt falls.
        """
        before = self.last_hash.hex() if self.last_hash else batch.prev_hashes[0]
        links = [before, *(hash_.hex() for hash_ in batch.hashes[:-1])]
        if links != batch.prev_hashes:
            for at, (link, prev) in enumerate(zip(links, batch.prev_hashes, strict=True)):
                if prev is not None and prev != link:
                    yield batch.first + at, True
        for at in _falls(self.last_received, batch.received):
            yield batch.first + at, False
        self.last_hash = batch.hashes[-1]
        texts = (text for text in reversed(batch.received) if text is not None)
        self.last_received = next(texts, self.last_received)
        self.span.append_many(batch.hashes)


def _falls(before: str | None, received: Sequence[str | None]) -> Iterator[int]:
    """Yield the places whose time is before the last known one."""
    known = [text for text in received if text is not None]
    if before is not None:
        known.insert(0, before)
    if known == sorted(known):
        return
    for at, text in enumerate(received):
        if text is not None:
            if before is not None and text < before:
                yield at
            before = text


class StreamScan:
    """What is known of one stream's lines.

    Args:
        stream: Stream id.
        cuts: Sizes whose root will be asked for: no run crosses them.
    """

    def __init__(self, stream: str, cuts: Iterable[int] = ()) -> None:
        self.stream = stream
        self.counts = Counts()
        self.findings: list[Finding] = []
        self.runs: list[Run] = []
        self.held: list[Range] = []
        self.hidden: list[HiddenSlot] = []
        self.facts: list[dict[str, Any]] = []
        self.chain_broken = False
        self.tenant: str | None = None
        self.first_is_open = False
        self._cuts = sorted(set(cuts))
        self._ordered: list[Run] = []

    def note(self, verdict: str, first: int, end: int, where: str = "") -> None:
        """Add a finding about these indices."""
        self.findings.append(Finding(verdict, self.stream, first, end, where))

    def hold(self, first: int, end: int, verdict: str = "altered", where: str = "") -> None:
        """Note lines that cannot be read; they hold their place."""
        self.held.append((first, end))
        self.note(verdict, first, end, where)

    def break_chain(self, index: int) -> None:
        """Note that the line at `index` does not follow the one before it."""
        self.chain_broken = True
        self.note("altered", max(index - 1, 0), index + 1)

    def add(self, batch: Batch) -> None:
        """Take over a batch: at least one line, none of which is there already."""
        for piece in self._cut(batch):
            self._append(piece)

    def note_leaf(self, index: int, leaf: Mapping[str, Any]) -> None:
        """Take over what judging needs of a leaf: its tenant, and the fact that it may be."""
        if self.tenant is None:
            self.tenant = str(leaf.get("tenant_id", ""))
        if index == 0:
            self.first_is_open = True
        if leaf.get("event_type") in FACT_TYPES:
            self.facts.append({name: leaf[name] for name in leaf.keys() - _BULKY})

    def has(self, index: int) -> bool:
        """Tell whether there is a line at `index`."""
        at = bisect_right(self._ordered, index, key=_first) - 1
        return at >= 0 and index < self._ordered[at].end

    def ordered(self) -> Sequence[Run]:
        """Return the runs by their first index; no two overlap."""
        return self._ordered

    def covered(self) -> list[tuple[int, int]]:
        """Return the ranges of indices that have a line, sorted, none adjoining."""
        ranges: list[tuple[int, int]] = []
        for run in self._ordered:
            if ranges and ranges[-1][1] == run.first:
                ranges[-1] = (ranges[-1][0], run.end)
            else:
                ranges.append((run.first, run.end))
        return ranges

    def misplaced(self) -> tuple[int, int] | None:
        """Return the range from the first to the last line out of order; None if there is none."""
        pairs = zip(self.runs, self._ordered, strict=True)
        wrong = [due for run, due in pairs if run is not due]
        return (wrong[0].first, wrong[-1].end) if wrong else None

    def _append(self, batch: Batch) -> None:
        run = self.runs[-1] if self.runs else None
        if run is None or run.end != batch.first or self._is_cut(batch.first):
            run = Run(batch)
            self.runs.append(run)
            insort(self._ordered, run, key=_first)
        for index, chain in run.extend(batch):
            if chain:
                self.break_chain(index)
            else:
                self.note("altered", index, index + 1)

    def _is_cut(self, index: int) -> bool:
        at = bisect_left(self._cuts, index)
        return at < len(self._cuts) and self._cuts[at] == index

    def _cut(self, batch: Batch) -> Iterator[Batch]:
        """Yield the pieces of a batch between the cuts."""
        first = batch.first
        for cut in self._cuts[bisect_right(self._cuts, first) :]:
            if cut >= batch.end:
                break
            yield batch.part(first, cut)
            first = cut
        yield batch.part(first, batch.end)


def _first(run: Run) -> int:
    return run.first
