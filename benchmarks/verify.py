"""What a verifier does in a second on one core: chain and tree, bundles, data folders.

The folder is made by the sequencer, with the records of the query benchmark. Times are CPU times
of this one process, so that other work on the machine weighs less.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from auditroll.errors import Error
from auditroll.event.canonical import encode
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.seal import Sequencer
from auditroll.segment import key_id_of, read_segment
from auditroll.segment.journal import FrameHeader, encode_plaintext
from auditroll.tlog import Line, encode_line
from auditroll.verify import FolderReader, Report, Trust, verify_installation
from auditroll.verify.lines import LineFeeder
from auditroll.verify.scan import Batch, StreamScan
from benchmarks.query import START_MS, STEP_MS, Population
from benchmarks.report import Section, median_spread

SEGMENT_RECORDS: Final = 65_536
BATCH: Final = 500
PASSES: Final = 5
TENANT: Final = "clinic"


class Clock:
    """Milliseconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


class Folder:
    """A data folder of whole segments, with a tail that no segment holds."""

    def __init__(self, root: Path, segments: int, tail: int) -> None:
        self.root = root
        clock, population = Clock(), Population()
        log = Sequencer(root, seal_after_s=3600, now_ms=clock)
        self.stream = log.stream(TENANT, "standard")
        self._append(log, clock, population, segments * SEGMENT_RECORDS - 1)
        log.seal_all()
        log.close()
        # A later start goes on in a new journal file; with all sealed the old one is dropped.
        clock.now_ms += 3_600_000
        log = Sequencer(root, seal_after_s=3600, now_ms=clock)
        log.seal_all()
        log.tick()
        self._append(log, clock, population, tail)
        log.tick()
        log.close()
        self.records = segments * SEGMENT_RECORDS + tail

    def _append(self, log: Sequencer, clock: Clock, population: Population, count: int) -> None:
        records = population.records(count)
        while batch := list(islice(records, BATCH)):
            clock.now_ms += STEP_MS * len(batch)
            header = FrameHeader("batch", clock.now_ms, TENANT, "clinic-api", "ab" * 16, 0)
            entries = [(self.stream, os.urandom(16), encode(record)) for record in batch]
            log.append([encode_plaintext(header, entries, received_at=format_time(clock.now_ms))])

    def verify(self) -> Report:
        """Verify as the command line does."""
        keys = KeyStore(self.root / "keys")

        def key_of(key_id: str) -> bytes | None:
            try:
                return keys.get(key_id)
            except (KeyError, Error):
                return None

        trust = Trust.parse((self.root / "keys" / "trust.json").read_bytes())
        report = verify_installation(FolderReader(self.root), trust, key_of)
        assert report.verdict == "ok", report.findings
        return report

    def lines(self) -> list[Line]:
        """Return the first segment's lines."""
        folder = self.root / "streams" / self.stream / "segments"
        data = min(folder.iterdir()).read_bytes()
        return list(read_segment(data, KeyStore(self.root / "keys").get(key_id_of(data))).lines())


def chain_and_tree(stream: str, leaves: Sequence[bytes], links: Sequence[str]) -> None:
    """Hash leaves, hold each to the one before, grow the tree."""
    scan = StreamScan(stream)
    for first in range(0, len(leaves), 4_096):
        part = slice(first, first + 4_096)
        hashes = [sha256(b"\x00" + leaf).digest() for leaf in leaves[part]]
        scan.add(Batch(first, hashes, links[part], [None] * len(hashes)))
    assert not scan.findings


def hash_only(leaves: Sequence[bytes]) -> None:
    """Hash the leaves and nothing else: what no verifier in one thread can be faster than."""
    for leaf in leaves:
        sha256(leaf).digest()


def open_lines(stream: str, raw: Sequence[bytes]) -> None:
    """Parse, re-encode and open every line of a bundle, chain and tree included."""
    scan = StreamScan(stream)
    feeder = LineFeeder(scan)
    for line in raw:
        feeder.take(line)
    feeder.flush()
    assert not scan.findings


def rates(work: Callable[[], object], records: int, passes: int) -> list[float]:
    """Return records a CPU second, one a pass."""
    found: list[float] = []
    for _ in range(passes):
        begin = time.process_time()
        work()
        found.append(records / (time.process_time() - begin))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    segments, tail, passes = (1, 10_000, 2) if quick else (3, 50_000, PASSES)
    section = Section(
        "Verification",
        "Records a second of CPU time on one core, medians of "
        f"{passes} passes with least and greatest. Every pass reads everything again.",
    )
    with tempfile.TemporaryDirectory() as name:
        section.head("what is checked", "records", "records a second")
        sealed = Folder(Path(name) / "sealed", segments, 0)
        lines = sealed.lines()
        leaves = [line.leaf for line in lines]
        links = ["0" * 64, *(line.leaf_hash().hex() for line in lines[:-1])]
        raw = [encode_line(line)[:-1] for line in lines]
        works: list[tuple[str, Callable[[], object], int]] = [
            (
                "for comparison: SHA-256 (OpenSSL) of the same leaves, nothing else",
                lambda: hash_only(leaves),
                len(lines),
            ),
            (
                "chain and tree",
                lambda: chain_and_tree(sealed.stream, leaves, links),
                len(lines),
            ),
            (
                "bundle lines: canonical form, commitments, chain, tree",
                lambda: open_lines(sealed.stream, raw),
                len(lines),
            ),
            (
                "data folder, sealed: decryption, every typed value, commitments, chain, tree",
                sealed.verify,
                sealed.records,
            ),
        ]
        for what, work, records in works:
            section.row(what, f"{records:,}", median_spread(rates(work, records, passes), whole))
        tailed = Folder(Path(name) / "tailed", 1, tail)
        found = rates(tailed.verify, tailed.records, passes)
        section.row(
            f"data folder, of which {tail:,} records only in the journal",
            f"{tailed.records:,}",
            median_spread(found, whole),
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    section.text(
        f"Peak memory of the whole benchmark, which holds {len(lines):,} lines itself: {peak} MiB."
    )


def whole(value: float) -> str:
    """Form a rate."""
    return f"{value:,.0f}"


if __name__ == "__main__":
    main()
