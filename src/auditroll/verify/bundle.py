"""Verifying an evidence bundle (format reference, sections 12 and 13)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from auditroll.errors import IntegrityError
from auditroll.tlog.tiles import Tile, parse_tile_path, tile_hashes, tile_path
from auditroll.verify.facts import Ledgers
from auditroll.verify.heads import (
    MAX_CHECKPOINT_OCTETS,
    NoHead,
    check_listed,
    check_quorum,
    check_size,
    check_time_range,
    trusted_head,
)
from auditroll.verify.judge import Head, check_last_checkpoint, judge_stream
from auditroll.verify.lines import LineFeeder, read_lines
from auditroll.verify.listings import Listings
from auditroll.verify.manifest import check_manifest
from auditroll.verify.reader import Reader, read_file
from auditroll.verify.report import NO_STREAM, Report
from auditroll.verify.scan import StreamScan
from auditroll.verify.tree import TileSource
from auditroll.verify.trust import MAX_TRUST_OCTETS, BadTrust, Trust, TrustedStream

__all__ = ["verify_bundle"]

_RECORDS: Final = re.compile(r"streams/([0-9a-f]{32})/records/([0-9]{20})\.ndjson")
_STREAM_PREFIX: Final = len("streams/") + 32 + len("/")
_MAX_TILE_OCTETS: Final = 256 * 32


def verify_bundle(reader: Reader, trust: Trust | None = None) -> Report:
    """Verify an evidence bundle.

    Damage is never raised: what cannot be read becomes a finding.

    Args:
        reader: The bundle's files.
        trust: The auditor's own; the copy in the bundle when absent.
    """
    report = Report()
    report.extend(check_manifest(reader))
    try:
        trust = trust or Trust.parse(read_file(reader, "trust.json", MAX_TRUST_OCTETS))
    except (OSError, BadTrust):
        report.add("cannot-judge", NO_STREAM, 0, 0)
        return report
    _Bundle(reader, trust, report).verify()
    return report


class _Bundle:
    def __init__(self, reader: Reader, trust: Trust, report: Report) -> None:
        self._reader = reader
        self._trust = trust
        self._report = report
        self._files = _Files(reader)
        self._listings = Listings()
        self._heads: dict[str, Head] = {}
        self._scans: dict[str, StreamScan] = {}

    def verify(self) -> None:
        """Read every trusted stream once, the root first, then judge each."""
        for trusted in self._trust.streams:
            self._open(trusted)
        ledgers = Ledgers(self._scans.values())
        for trusted in self._trust.streams:
            if trusted.stream in self._heads:
                self._judge(trusted, ledgers)
        self._report.extend(self._listings.findings)

    def _open(self, trusted: TrustedStream) -> None:
        """Take over a stream's head, and read its lines if there is one."""
        stream = trusted.stream
        path = f"streams/{stream}/checkpoint"
        try:
            octets = read_file(self._reader, path, MAX_CHECKPOINT_OCTETS)
            head = trusted_head(octets, self._trust, stream)
        except OSError:
            self._report.add("missing", stream, 0, trusted.min_size)
            return
        except NoHead as reason:
            self._report.add(reason.verdict, stream, 0, trusted.min_size)
            return
        self._report.extend(check_size(trusted, head))
        if stream == self._trust.root_stream:
            self._report.extend(check_quorum(octets, self._trust, head))
        self._heads[stream] = head
        self._scans[stream] = self._scan(stream, head)

    def _scan(self, stream: str, head: Head) -> StreamScan:
        is_root = stream == self._trust.root_stream
        cuts = [head.size]
        if is_root and self._trust.last_checkpoint is not None:
            cuts.append(self._trust.last_checkpoint[0])
        scan = StreamScan(stream, cuts)
        read_lines(
            LineFeeder(scan, self._listings.read if is_root else None), self._files.records(stream)
        )
        self._report.counts.add(scan.counts)
        return scan

    def _judge(self, trusted: TrustedStream, ledgers: Ledgers) -> None:
        stream, report = trusted.stream, self._report
        scan, head = self._scans[stream], self._heads[stream]
        tiles = self._files.tiles(stream)
        judged = judge_stream(scan, head, trusted.required, ledgers, tiles)
        report.extend(judged)
        if stream == self._trust.root_stream:
            report.extend(check_last_checkpoint(self._trust, scan, head, ledgers, tiles))
            report.extend(check_time_range(self._trust, scan, head))
        else:
            report.extend(check_listed(self._listings, stream, head))


class _Files:
    """The bundle's record files and tiles, by stream."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._records: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._widths: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
        for path in reader.list():
            stream = path[len("streams/") : _STREAM_PREFIX - 1]
            match = _RECORDS.fullmatch(path)
            if match is not None:
                self._records[match[1]].append((int(match[2]), path))
            tile = parse_tile_path(path[_STREAM_PREFIX:])
            if tile is not None:
                self._widths[stream, tile.level, tile.index].append(tile.width)

    def records(self, stream: str) -> Iterator[tuple[int, BinaryIO]]:
        """Yield first index and open file of the stream's lines; unreadable files are absent."""
        for first, path in sorted(self._records[stream]):
            try:
                file = self._reader.open(path)
            except OSError:
                continue
            yield first, file

    def tiles(self, stream: str) -> TileSource:
        """Return what reads the stream's tiles; the last one read is kept."""
        last: dict[tuple[int, int], Sequence[bytes] | None] = {}

        def source(level: int, index: int, needed: int) -> Sequence[bytes] | None:
            if (level, index) not in last:
                last.clear()
                last[level, index] = self._tile(stream, level, index)
            hashes = last[level, index]
            return None if hashes is None or len(hashes) < needed else hashes

        return source

    def _tile(self, stream: str, level: int, index: int) -> Sequence[bytes] | None:
        """Return the hashes of the widest readable tile."""
        for width in sorted(self._widths.get((stream, level, index), ()), reverse=True):
            tile = Tile(level, index, width)
            path = f"streams/{stream}/{tile_path(tile)}"
            try:
                return tile_hashes(read_file(self._reader, path, _MAX_TILE_OCTETS), tile)
            except (OSError, IntegrityError):
                continue
        return None
