"""From one stream's lines and its head to findings (format reference, section 13, steps 5 to 8)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from auditroll.tlog.hashing import ZERO_HASH
from auditroll.verify.facts import Expiry, Ledgers
from auditroll.verify.ranges import Range, clipped, merged, overlaps, subtracted
from auditroll.verify.report import Finding
from auditroll.verify.scan import GENESIS, StreamScan
from auditroll.verify.tree import NotDerivable, TileSource, compact_nodes, tree_root
from auditroll.verify.trust import Trust

__all__ = ["Head", "check_last_checkpoint", "judge_stream", "root_at", "size_of"]

# Beyond this many, lines that no head covers are named by range instead of one by one.
_NAMED_EXCESS: Final = 1_000


class Head(NamedTuple):
    """What is signed of a stream.

    Args:
        size: Number of leaves.
        root: 32 octets; empty if no root is signed that counts.
    """

    size: int
    root: bytes


def judge_stream(
    scan: StreamScan,
    head: Head,
    required: Sequence[Range] | None,
    ledgers: Ledgers,
    tiles: TileSource,
    *,
    is_growing: bool = False,
) -> Iterator[Finding]:
    """Yield the findings about one stream, those of its scan included.

    Args:
        scan: Its lines.
        head: Its signed head.
        required: Indices that must be there; None for all.
        ledgers: What excuses absence.
        tiles: Hashes in place of lines that are not required.
        is_growing: Whether lines behind the head are simply not signed yet.
    """
    judgement = _Judgement(scan, head, ledgers.expiry(scan, _presence(scan)), tiles)
    yield from judgement.expiry.findings
    yield from scan.findings
    lo = judgement.expiry.end
    wanted = clipped([(0, head.size)] if required is None else required, lo, head.size)
    if wanted and not scan.runs and not scan.held:
        yield Finding("empty-but-anchored", scan.stream, lo, head.size)
        return
    yield from judgement.places(wanted)
    if not is_growing:
        yield from judgement.excess()
    yield from judgement.chain()
    yield from judgement.tree()
    yield from _hidden(scan, ledgers)


def check_last_checkpoint(
    trust: Trust, scan: StreamScan, head: Head, ledgers: Ledgers, tiles: TileSource
) -> Iterator[Finding]:
    """Yield how the root contradicts the checkpoint that the auditor holds.

    Source: format reference, section 13, step 3.
    """
    if trust.last_checkpoint is None:
        return
    size, root = trust.last_checkpoint
    if head.size < size:
        yield Finding("rolled-back", scan.stream, head.size, size)
        return
    try:
        found = head.root if size == head.size else root_at(scan, size, ledgers, tiles)
    except NotDerivable:
        yield Finding("cannot-judge", scan.stream, 0, size)
        return
    if found != root:
        yield Finding("forked", scan.stream, 0, size)


def root_at(scan: StreamScan, size: int, ledgers: Ledgers, tiles: TileSource) -> bytes:
    """Return the root of the tree of the first `size` leaves, a cut of the scan.

    Raises:
        NotDerivable: Lines are absent.
    """
    return _root_at(scan, size, ledgers.expiry(scan, _presence(scan)), tiles)


def size_of(scan: StreamScan, ledgers: Ledgers) -> int:
    """Return how many leaves a stream has, whether deleted, there, or unreadable."""
    ends = [end for _, end in (*scan.covered(), *scan.held)]
    return max([*ends, ledgers.expiry(scan, _presence(scan)).end])


def _root_at(scan: StreamScan, size: int, expiry: Expiry, tiles: TileSource) -> bytes:
    seal = expiry.seal
    nodes = compact_nodes(expiry.end, seal.get("compact_range")) if seal else {}
    return tree_root(size, scan.ordered(), nodes, tiles)


class _Judgement:
    def __init__(self, scan: StreamScan, head: Head, expiry: Expiry, tiles: TileSource) -> None:
        self._scan = scan
        self._head = head
        self.expiry = expiry
        self._tiles = tiles
        self._lacking = False

    def places(self, wanted: Sequence[Range]) -> Iterator[Finding]:
        """Yield required indices without a line, and lines out of order."""
        absent = subtracted(wanted, self._scan.covered())
        self._lacking = bool(absent)
        gaps = subtracted(absent, self._scan.held)
        for first, end in gaps:
            yield Finding(self._gap_verdict(first, end), self._scan.stream, first, end)
        misplaced = None if gaps else self._scan.misplaced()
        if misplaced is not None:
            yield Finding("reordered", self._scan.stream, *misplaced)

    def excess(self) -> Iterator[Finding]:
        """Yield lines that the head does not cover."""
        for first, end in _named(clipped(self._scan.covered(), self._head.size, 2**53)):
            yield Finding("altered", self._scan.stream, first, end)

    def _gap_verdict(self, first: int, end: int) -> str:
        if first == self.expiry.end:
            return "truncated-head"
        return "truncated-tail" if end == self._head.size else "missing"

    def chain(self) -> Iterator[Finding]:
        """Yield where lines do not follow each other, and what is wrong with genesis."""
        scan = self._scan
        runs = scan.ordered()
        if runs and runs[0].first_prev not in (None, self._prev_due(runs[0].first)):
            yield self._broken(runs[0].first)
        received: str | None = None
        for before, run in pairwise(runs):
            linked = before.end == run.first and run.first_prev is not None
            if linked and run.first_prev != before.last_hash.hex():
                yield self._broken(run.first)
            received = before.last_received or received
            if received and run.first_received and run.first_received < received:
                yield Finding("altered", scan.stream, run.first, run.first + 1)
        yield from _genesis(scan)

    def tree(self) -> Iterator[Finding]:
        """Yield a root that is not the signed one, or that cannot be derived."""
        scan, lo, size = self._scan, self.expiry.end, self._head.size
        if not self._head.root:
            return
        try:
            root = _root_at(scan, size, self.expiry, self._tiles)
        except NotDerivable:
            if not self._lacking:
                yield Finding("cannot-judge", scan.stream, lo, size)
            return
        if root != self._head.root and not scan.chain_broken:
            yield Finding("altered", scan.stream, lo, size)

    def _prev_due(self, first: int) -> str | None:
        """Return the `prev_hash` that the first line must have, as far as it is known."""
        if first == 0:
            return ZERO_HASH.hex()
        if first == self.expiry.end and self.expiry.seal is not None:
            return str(self.expiry.seal.get("last_leaf_hash"))
        return self._scan.ordered()[0].first_prev

    def _broken(self, index: int) -> Finding:
        self._scan.chain_broken = True
        return Finding("altered", self._scan.stream, max(index - 1, 0), index + 1)


def _presence(scan: StreamScan) -> Callable[[int, int], bool]:
    lines = merged([*scan.covered(), *scan.held])
    return lambda first, end: overlaps(lines, first, end)


def _genesis(scan: StreamScan) -> Iterator[Finding]:
    """Yield each genesis that does not stand at 0, and a record at 0 that is none."""
    places = {int(fact["index"]) for fact in scan.facts if fact["event_type"] == GENESIS}
    for index in sorted(places - {0}):
        yield Finding("altered", scan.stream, index, index + 1)
    if scan.first_is_open and 0 not in places:
        yield Finding("altered", scan.stream, 0, 1)


def _hidden(scan: StreamScan, ledgers: Ledgers) -> Iterator[Finding]:
    for slot in scan.hidden:
        verdict = "redacted" if ledgers.announces(scan, slot) else "altered"
        yield Finding(verdict, scan.stream, slot.index, slot.index + 1)


def _named(ranges: Sequence[Range]) -> Iterable[Range]:
    """Return one range an index, or the ranges as they are if there are very many."""
    if sum(end - first for first, end in ranges) > _NAMED_EXCESS:
        return ranges
    return [(index, index + 1) for first, end in ranges for index in range(first, end)]
