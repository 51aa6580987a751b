"""Verifying a data folder: everything under `streams/` and `journal/`, server running or not.

Read in an order in which a running server can only have added: what is signed, then the journal
(open files stay readable when their names go), then the segments.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditroll.tlog.hashing import EMPTY_ROOT
from auditroll.verify.facts import Ledgers
from auditroll.verify.heads import check_quorum, check_size, check_time_range
from auditroll.verify.inventory import Files, journal_files, segment_files, stream_ids
from auditroll.verify.journal import JournalFile, KeyOf, check_numbers
from auditroll.verify.journalled import Journalled
from auditroll.verify.judge import Head, check_last_checkpoint, judge_stream, root_at, size_of
from auditroll.verify.listings import Listing, Listings, heads_of
from auditroll.verify.objects import sealed_objects
from auditroll.verify.overlap import Overlap
from auditroll.verify.reader import Reader
from auditroll.verify.registers import NOTHING_SIGNED, Signed, read_signed
from auditroll.verify.replay import Replay
from auditroll.verify.report import EXIT_CODES, Finding, Report
from auditroll.verify.scan import StreamScan
from auditroll.verify.sealed import SegmentScanner, kind_of
from auditroll.verify.tree import NotDerivable
from auditroll.verify.trust import Trust, TrustedStream

__all__ = ["verify_installation"]


def verify_installation(
    reader: Reader, trust: Trust, key_of: KeyOf, *, running: bool = False
) -> Report:
    """Verify a data folder.

    Damage is never raised: what cannot be read becomes a finding.

    Args:
        reader: The folder; `streams/` and `journal/` are all that is read.
        trust: Read before this is called, so that it asks for nothing newer than the data.
        key_of: The key store.
        running: Whether a server has the folder open: it may be writing a last frame just now.
    """
    installation = _Installation(reader, trust, key_of, running=running)
    try:
        installation.verify()
    finally:
        installation.close()
    return installation.report


class _Installation:
    def __init__(self, reader: Reader, trust: Trust, key_of: KeyOf, *, running: bool) -> None:
        self.report = Report()
        self._reader = reader
        self._trust = trust
        self._key_of = key_of
        self._running = running
        self._files: list[JournalFile] = []
        self._signed = {
            stream: read_signed(reader, trust, stream)
            for stream in {*stream_ids(reader), *(entry.stream for entry in trust.streams)}
        }
        self._listings = Listings()
        # Roots that the root stream lists for the sizes that registers and checkpoints have.
        self._listed: dict[tuple[str, int], str] = {
            (stream, size): "" for stream, signed in self._signed.items() for size in signed.sizes()
        }
        self._scans: dict[str, StreamScan] = {}
        self._overlaps: dict[str, Overlap] = {}

    def verify(self) -> None:
        """Read journal and segments, replay the journal over them, judge each stream."""
        journalled = self._read_journal()
        self._scan_segments(journalled)
        replay = Replay(self._scans, self._overlaps, self._note_listing, running=self._running)
        replay.run(self._files)
        for file in self._files:
            self.report.extend(file.findings)
        self.report.extend(check_numbers(self._files))
        self._judge_all(journalled)

    def close(self) -> None:
        """Close the journal's files."""
        for file in self._files:
            file.close()

    # Reading.

    def _read_journal(self) -> Journalled:
        """Check every journal file; again if a running server dropped one meanwhile."""
        while True:
            self.close()
            self._files, findings = journal_files(self._reader, running=self._running)
            journalled = Journalled(self._files, self._key_of, running=self._running)
            lost_keys = {
                file.path
                for file in self._files
                if any(finding.verdict == "key-unknown" for finding in file.findings)
            }
            if not (self._running and lost_keys - set(self._reader.list())):
                self.report.extend(findings)
                return journalled

    def _scan_segments(self, journalled: Journalled) -> None:
        """Read every stream's segments: root and ledgers first, since they name the others'."""
        files = segment_files(self._reader)
        scanner = SegmentScanner(self._reader, self._key_of)
        known = sealed_objects(journalled.facts)
        holders, data = self._sorted_streams(files, scanner, journalled)
        for stream in holders:
            scan, overlap = self._begin(stream, journalled)
            mine, seals = files.get(stream, {}), known.get(stream, {})
            on_leaf = self._note_listing if stream == self._trust.root_stream else None
            scanner.scan_listed(scan, mine, seals, overlap, on_leaf)
        facts = [fact for stream in holders for fact in self._scans[stream].facts]
        facts += journalled.facts
        objects = sealed_objects(facts)
        for stream in holders:
            scanner.compare(self._scans[stream], objects.get(stream, {}))
        deleted = set(_deletions(facts))
        for stream in data:
            scan, overlap = self._begin(stream, journalled)
            scanner.scan_sealed(scan, objects.get(stream, {}), deleted, overlap)

    def _sorted_streams(
        self, files: Files, scanner: SegmentScanner, journalled: Journalled
    ) -> tuple[list[str], list[str]]:
        """Return the streams that hold facts about the log, the root first, and the others."""
        root = self._trust.root_stream
        streams = sorted({*self._signed, *files, *journalled.seeds} - {root})
        holders, data = [root], list[str]()
        for stream in streams:
            kind = journalled.kinds.get(stream)
            for _, name in files.get(stream, {}).values():
                if kind is not None:
                    break
                leaf = scanner.first_leaf(name)
                kind = None if leaf is None else kind_of(leaf)
            (data if kind in (None, "data") else holders).append(stream)
        return holders, data

    def _begin(self, stream: str, journalled: Journalled) -> tuple[StreamScan, Overlap]:
        """Make a stream's scan, cut at every size whose root will be compared."""
        signed, listing = self._signed.get(stream), self._listing(stream, journalled)
        cuts = [] if signed is None else list(signed.sizes())
        if listing is not None:
            cuts.append(listing.size)
        if stream == self._trust.root_stream and self._trust.last_checkpoint is not None:
            cuts.append(self._trust.last_checkpoint[0])
        scan = self._scans[stream] = StreamScan(stream, cuts)
        overlap = self._overlaps[stream] = Overlap(journalled.seeds.get(stream, b""))
        return scan, overlap

    def _note_listing(self, leaf: dict[str, Any]) -> None:
        if leaf.get("stream") == self._trust.root_stream:
            self._listings.read(leaf)
            for stream, listing in heads_of(leaf):
                if (stream, listing.size) in self._listed:
                    self._listed[stream, listing.size] = listing.root

    def _listing(self, stream: str, journalled: Journalled) -> Listing | None:
        """Return the newest head that the root lists; the journal is newer than any segment."""
        return journalled.listings.get(stream) or self._listings.last(stream)

    # Judging.

    def _judge_all(self, journalled: Journalled) -> None:
        ledgers = Ledgers(self._scans.values())
        trusted = {entry.stream: entry for entry in self._trust.streams}
        for stream, scan in self._scans.items():
            self.report.counts.add(scan.counts)
            entry = trusted.get(stream, TrustedStream(stream, 0))
            self.report.extend(self._judge(entry, scan, ledgers, journalled))
        self.report.extend(self._listings.findings)

    def _judge(
        self, entry: TrustedStream, scan: StreamScan, ledgers: Ledgers, journalled: Journalled
    ) -> Iterator[Finding]:
        is_root = entry.stream == self._trust.root_stream
        size = size_of(scan, ledgers)
        signed = self._signed.get(entry.stream, NOTHING_SIGNED)
        if is_root:
            head = signed.checkpoint or Head(size, b"")
        else:
            head = _listed(self._listing(entry.stream, journalled))
        yield from check_size(entry, Head(size, b""))
        judged = list(judge_stream(scan, head, entry.required, ledgers, _no_tiles, is_growing=True))
        yield from judged
        is_sound = all(EXIT_CODES[finding.verdict] == 0 for finding in judged)
        yield from self._check_signed(scan, signed, size, ledgers, is_sound=is_sound)
        if is_root:
            yield from self._check_root(entry, scan, signed, head, ledgers)

    def _check_signed(
        self, scan: StreamScan, signed: Signed, size: int, ledgers: Ledgers, *, is_sound: bool
    ) -> Iterator[Finding]:
        """Yield how register and checkpoint contradict the records.

        Where records are damaged, another root is a consequence and says nothing more.
        """
        for path, verdict in signed.verdicts.items():
            yield Finding(verdict, scan.stream, 0, size, path)
        for path, head, verdict in signed.heads(scan.stream):
            if head.size > size:
                yield Finding("rolled-back", scan.stream, size, head.size, path)
            elif is_sound:
                root = self._root_at(scan, head.size, ledgers)
                if root != head.root.hex():
                    contradiction = verdict if root else "cannot-judge"
                    yield Finding(contradiction, scan.stream, 0, head.size, path)

    def _root_at(self, scan: StreamScan, size: int, ledgers: Ledgers) -> str:
        """Return the root of an earlier size, 64 hex digits; empty if nothing gives it.

        Within a deleted prefix it is what the root stream listed.
        """
        try:
            return root_at(scan, size, ledgers, _no_tiles).hex()
        except NotDerivable:
            return self._listed[scan.stream, size]

    def _check_root(
        self,
        entry: TrustedStream,
        scan: StreamScan,
        signed: Signed,
        head: Head,
        ledgers: Ledgers,
    ) -> Iterator[Finding]:
        trust = self._trust
        if signed.checkpoint is not None:
            yield from check_quorum(signed.note, trust, signed.checkpoint)
        elif not signed.note:
            yield Finding("missing", scan.stream, 0, max(entry.min_size, 1), "checkpoint")
        yield from check_last_checkpoint(trust, scan, head, ledgers, _no_tiles)
        yield from check_time_range(trust, scan, head)


def _listed(listing: Listing | None) -> Head:
    """Return a listed head; a stream younger than a second has none yet."""
    if listing is None:
        return Head(0, EMPTY_ROOT)
    try:
        return Head(listing.size, bytes.fromhex(listing.root))
    except ValueError:
        return Head(listing.size, listing.root.encode())


def _deletions(facts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int, int]]:
    for fact in facts:
        if fact.get("event_type") == "retention.deletion":
            first, count = fact.get("first_index"), fact.get("count")
            if type(first) is int and type(count) is int:
                yield str(fact.get("target_stream")), first, count


def _no_tiles(_level: int, _index: int, _needed: int) -> None:
    """Return no hash: a data folder keeps its tiles where they can be rebuilt."""
