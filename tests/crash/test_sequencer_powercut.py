"""The log after a power cut, in every state the disk may be left in."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.seal import Sequencer
from auditroll.tlog import Frontier, leaf_hash
from auditroll.tlog.checkpoint import read_checkpoint
from tests.crash.powercut import Cut, RecordingDisk, power_cuts
from tests.crash.runs import crash_runs
from tests.unit.seal.support import (
    EPOCH,
    TENANT,
    Clock,
    batch,
    check_all,
    facts_of,
    lines_of,
    opened,
)

pytestmark = pytest.mark.crash

RUNS = crash_runs(30)


def recorded(disk: RecordingDisk, clock: Clock) -> None:
    """Write down a short life: appends, heads, a sealing, a restart, a dropped journal file."""
    log = opened(disk.root, clock, disk=disk, seal_after_s=60)
    stream = log.stream(TENANT, "standard")
    disk.mark("stream", stream)
    step(disk, log, stream, clock, range(20))
    step(disk, log, stream, clock, range(20, 40))
    log.seal_all()
    told(disk, log)
    step(disk, log, stream, clock, range(40, 60))
    log.close()
    log = opened(disk.root, clock, disk=disk, seal_after_s=60)
    step(disk, log, stream, clock, range(60, 70))
    for _ in range(4):
        clock.forward(61)
        log.tick()
        told(disk, log)
    step(disk, log, stream, clock, range(70, 80))
    log.abandon()


def step(disk: RecordingDisk, log: Sequencer, stream: str, clock: Clock, seqs: range) -> None:
    middle = (seqs.start + seqs.stop) // 2
    refused = [(seqs.stop - 1, "grammar")]
    log.append(
        [
            batch(stream, range(seqs.start, middle), now_ms=clock.now_ms),
            batch(
                stream,
                range(middle, seqs.stop - 1),
                now_ms=clock.now_ms,
                quarantined=refused,
            ),
        ]
    )
    disk.mark("acknowledged", seqs.stop)
    log.tick()
    told(disk, log)
    log.relist([stream])
    told(disk, log)


def told(disk: RecordingDisk, log: Sequencer) -> None:
    for checkpoint in {log.root_checkpoint(), *_stream_checkpoints(log)}:
        disk.mark("checkpoint", checkpoint)


def _stream_checkpoints(log: Sequencer) -> Iterator[str]:
    return (log.stream_checkpoint(head.stream) for head in log.heads() if head.listed)


def sample(cuts: Iterator[Cut], share: int) -> Iterator[Cut]:
    """Keep about `share` per mille of the cuts, always the same."""
    for number, cut in enumerate(cuts):
        if int.from_bytes(sha256(str(number).encode()).digest()[:4], "big") % 1000 < share:
            yield cut


def check(cut: Cut, folder: Path, clock: Clock) -> None:
    cut.materialise(folder)
    for path in (folder / "keys").glob("*"):
        path.chmod(0o600)
    log = opened(folder, clock, disk=Disk())
    try:
        records = check_all(log, folder)
        through = cut.promised("acknowledged", 0)
        stream = cut.promised("stream")
        events = facts_of(records.get(stream, []), "http.request")
        numbers = [public["producer_seq"] for public in events]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) >= {n for n in range(through) if n % 20 != 19 and n not in (69, 79)}
        known = {
            seq
            for producer, epoch, ranges in log.watermarks()
            for first, last in ranges
            for seq in range(first, last + 1)
            if (producer, epoch) == ("api", EPOCH)
        }
        assert known >= set(range(through)) | set(numbers)
        no_fork(cut, folder, log)
        log.append([batch(log.stream(TENANT, "standard"), [1000], now_ms=clock.now_ms)])
        log.seal_all()
        check_all(log, folder)
    finally:
        log.abandon()


def no_fork(cut: Cut, folder: Path, log: Sequencer) -> None:
    """Whatever was signed before the cut is a prefix of what is here now."""
    hashes = {
        head.stream: [
            leaf_hash(line.leaf)
            for line in lines_of(folder, head.stream, log.tail(head.stream, head.sealed))
        ]
        for head in log.heads()
    }
    for note in cut.all_promised("checkpoint"):
        origin = note.split("\n", 1)[0]
        signed = read_checkpoint(note, origin)
        stream = origin.rsplit("/", 1)[1]
        frontier = Frontier()
        frontier.append_many(hashes[stream][: signed.size])
        assert (frontier.size, frontier.root()) == (signed.size, signed.root)


def test_nothing_acknowledged_or_signed_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    disk, clock = RecordingDisk(root), Clock()
    recorded(disk, clock)
    cuts = list(power_cuts(disk.trace, budget=6))
    assert len(cuts) > 300
    share = min(1000, 1000 * RUNS // len(cuts) + 1)
    tried = [check(cut, tmp_path / "cut", clock) for cut in sample(iter(cuts), share)]
    assert len(tried) >= RUNS // 3
