"""Segments: when they are closed, what their seals say, and what they replace."""

from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from auditroll.errors import CollectorError
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.seal.sealed import seal_fields
from auditroll.seal.segments import SealJob, SealResult, write_segment
from auditroll.seal.sequencer import seal_here
from auditroll.segment import check_columns, key_id_of, read_segment
from tests.unit.seal.support import (
    EPOCH,
    START_MS,
    TENANT,
    Clock,
    batch,
    check_all,
    facts_of,
    opened,
)

HOUR_S = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


def seals(log: Any, folder: Path, stream: str) -> list[dict[str, Any]]:
    """Return the seals of a stream, wherever they stand."""
    records = check_all(log, folder)
    found = [fact for facts in records.values() for fact in facts_of(facts, "ledger.seal")]
    return [fact for fact in found if fact["target_stream"] == stream]


def test_a_segment_is_closed_after_its_time_at_a_multiple_of_256(
    tmp_path: Path, clock: Clock
) -> None:
    log = opened(tmp_path, clock, seal_after_s=60)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(300), now_ms=clock.now_ms)])
    clock.forward(59)
    log.tick()
    assert not log.segments(stream)
    clock.forward(1)
    log.tick()
    log.tick()
    assert [(info.first_index, info.count) for info in log.segments(stream)] == [(0, 256)]
    log.tick()
    assert [(info.first_index, info.count) for info in log.segments(stream)] == [
        (0, 256),
        (256, 45),
    ]
    check_all(log, tmp_path)


def test_a_few_records_are_sealed_too(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock, seal_after_s=60)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(3), now_ms=clock.now_ms)])
    clock.forward(61)
    log.tick()
    log.tick()
    assert [info.count for info in log.segments(stream)] == [4]


def test_a_segment_spans_less_than_a_day(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock, seal_after_s=10 * 24 * HOUR_S)
    stream = log.stream(TENANT, "standard")
    for _ in range(5):
        log.append([batch(stream, [0], now_ms=clock.now_ms)])
        clock.forward(10 * HOUR_S)
    for _ in range(4):
        log.tick()
    first = log.segments(stream)[0]
    # The record of hour 30 came a day after the first, so the segment ends before it.
    assert (first.first_index, first.count) == (0, 4)
    assert first.received == (format_time(START_MS), format_time(START_MS + 20 * HOUR_S * 1000))
    check_all(log, tmp_path)


def test_a_segment_holds_65_536_records_at_most(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.seal.streams.MAX_RECORDS", 100)
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(250))])
    for _ in range(4):
        log.tick()
    assert [(info.first_index, info.count) for info in log.segments(stream)] == [
        (0, 100),
        (100, 100),
    ]


def test_a_seal_says_what_the_segment_is(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, [0, 1, 2, 5, 6], quarantined=[(3, "grammar"), (9, "pii")])])
    log.seal_all()
    (seal,) = seals(log, tmp_path, stream)
    data = (tmp_path / seal["object_name"]).read_bytes()
    assert seal["object_name"] == f"streams/{stream}/segments/{0:020d}-0000.parquet"
    assert (seal["object_sha256"], seal["object_bytes"]) == (sha256(data).hexdigest(), len(data))
    assert (seal["first_index"], seal["count"], seal["generation"]) == (0, 6, 0)
    assert (seal["data_class"], seal["index_roots"]) == ("standard", [])
    assert (seal["part"], seal["parts"]) == (1, 1)
    frontier = log.streams[stream].frontier
    assert seal["tree_root"] == frontier.root().hex()
    assert seal["compact_range"] == [hash_.hex() for hash_ in frontier.compact_range()]
    assert seal["last_leaf_hash"] == log.streams[stream].last_hash.hex()
    assert seal["received_min"] == seal["received_max"] == format_time(START_MS)
    # Quarantined numbers count as received.
    assert seal["watermarks"] == [
        {"epoch": EPOCH, "producer_id": "api", "ranges": [[0, 3], [5, 6], [9, 9]]}
    ]
    segment = read_segment(data, KeyStore(tmp_path / "keys").get(seal["segment_key_id"]))
    assert key_id_of(data) == seal["segment_key_id"]
    assert not list(check_columns(segment))
    assert "data_class" not in seals(log, tmp_path, log.ledger(TENANT))[0]


def test_seals_of_the_root_stand_in_the_root(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    log.stream(TENANT, "standard")
    log.tick()
    log.seal_all()
    root = log.ready().root_stream
    found = facts_of(check_all(log, tmp_path)[root], "ledger.seal")
    assert [seal["target_stream"] for seal in found] == [root]
    assert "tenant_id" not in found[0]


def test_sealing_comes_to_rest(tmp_path: Path, clock: Clock) -> None:
    """A ledger's own seals alone do not make another segment, or it would never end."""
    log = opened(tmp_path, clock, seal_after_s=1)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(3), now_ms=clock.now_ms)])
    for _ in range(20):
        clock.forward(2)
        log.tick()
    sizes = {head.stream: head.size for head in log.heads()}
    signed = log.root_checkpoint()
    for _ in range(20):
        clock.forward(2)
        log.tick()
    assert {head.stream: head.size for head in log.heads()} == sizes
    assert log.root_checkpoint() == signed
    check_all(log, tmp_path)


def test_sealed_records_leave_memory(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(600))])
    log.seal_all()
    log.seal_all()
    assert log.tail(stream, 0) == []
    assert log.streams[stream].tail.octets == 0


class TestJournalFiles:
    def files(self, folder: Path) -> list[str]:
        return sorted(path.name for path in (folder / "journal").iterdir())

    def keys(self, folder: Path) -> list[str]:
        return KeyStore(folder / "keys").ids("journal")

    def test_a_file_goes_when_every_record_in_it_is_sealed(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        log = opened(tmp_path, clock, seal_after_s=60)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(30), now_ms=clock.now_ms)])
        log.close()
        first = self.files(tmp_path)
        keys = self.keys(tmp_path)
        log = opened(tmp_path, clock, seal_after_s=60)
        for _ in range(4):
            clock.forward(61)
            log.tick()
        # What is left of the first file's records is sealed; the file and its key are gone.
        assert not set(self.files(tmp_path)) & set(first)
        assert not set(self.keys(tmp_path)) & set(keys)
        gone = facts_of(check_all(log, tmp_path)[log.ready().root_stream], "key.destroyed")
        assert [(one["destroyed_key_id"], one["key_use"]) for one in gone] == [
            (key, "journal") for key in keys
        ]
        log.abandon()
        again = opened(tmp_path, clock)
        assert len(check_all(again, tmp_path)[stream]) == 31
        assert again.rebuilt() == []

    def test_a_file_stays_while_its_refusals_are_in_no_seal(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        log = opened(tmp_path, clock, seal_after_s=60)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(3), now_ms=clock.now_ms)])
        log.seal_all()
        log.append([batch(stream, [], now_ms=clock.now_ms, quarantined=[(3, "grammar")])])
        log.abandon()
        log = opened(tmp_path, clock, seal_after_s=60)
        known = {seq for _, _, ranges in log.watermarks() for a, b in ranges for seq in (a, b)}
        assert 3 in known
        log.append([batch(stream, [4], now_ms=clock.now_ms)])
        for _ in range(4):
            clock.forward(61)
            log.tick()
        found = [s for s in seals(log, tmp_path, stream) if s["watermarks"]]
        assert found[-1]["watermarks"][0]["ranges"][-1] in ([3, 3], [3, 4])

    def test_idle_ledgers_do_not_keep_the_journal(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("auditroll.seal.journal.ROTATE_OCTETS", 20_000)
        monkeypatch.setattr("auditroll.seal.sealing.MAX_JOURNAL_FILES", 3)
        log = opened(tmp_path, clock, seal_after_s=5)
        log.append([batch(log.stream("idle", "standard"), range(5), tenant="idle")])
        log.append([batch(log.ledger("idle"), [], quarantined=[(7, "pii")], tenant="idle")])
        stream = log.stream(TENANT, "standard")
        for number in range(40):
            seqs = range(number * 100, number * 100 + 100)
            log.append([batch(stream, seqs, now_ms=clock.now_ms)])
            clock.forward(2)
            log.tick()
        assert len(self.files(tmp_path)) <= 6
        log.abandon()
        again = opened(tmp_path, clock)
        assert len(check_all(again, tmp_path)[stream]) == 4001

    def test_refusals_without_records_do_not_keep_the_journal(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A tenant whose every line is refused has no data segment whose seal could count them."""
        monkeypatch.setattr("auditroll.seal.journal.ROTATE_OCTETS", 20_000)
        monkeypatch.setattr("auditroll.seal.sealing.MAX_JOURNAL_FILES", 3)
        log = opened(tmp_path, clock, seal_after_s=5)
        log.append([batch(log.ledger("broken"), [], quarantined=[(7, "pii")], tenant="broken")])
        stream = log.stream(TENANT, "standard")
        for number in range(30):
            seqs = range(number * 100, number * 100 + 100)
            log.append([batch(stream, seqs, now_ms=clock.now_ms)])
            clock.forward(2)
            log.tick()
        assert len(self.files(tmp_path)) <= 6
        counted = [
            mark["ranges"]
            for seal in seals(log, tmp_path, log.ledger("broken"))
            for mark in seal["watermarks"]
        ]
        assert counted == [[[7, 7]]]
        log.abandon()
        again = opened(tmp_path, clock)
        assert ("api", EPOCH, [(7, 7)]) in again.watermarks()


class TestTroubleWhileSealing:
    def test_a_worker_that_fails_is_asked_again(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("auditroll.seal.sealing._RETRY_S", 0.0)
        fail = True

        def worker(job: SealJob) -> "Future[SealResult]":
            if fail:
                done: Future[SealResult] = Future()
                done.set_exception(CollectorError("sealer-gone", "killed"))
                return done
            return seal_here(job)

        log = opened(tmp_path, clock, worker=worker, seal_after_s=1)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(9), now_ms=clock.now_ms)])
        clock.forward(2)
        log.tick()
        log.tick()
        assert "sealer-gone" in log.snapshot().problem
        log.append([batch(stream, range(9, 12), now_ms=clock.now_ms)])
        fail = False
        log.tick()
        log.tick()
        assert log.snapshot().problem == ""
        assert sum(info.count for info in log.segments(stream)) == 13
        check_all(log, tmp_path)

    def test_too_long_a_tail_is_closed_early_and_then_refused(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("auditroll.seal.sealing.MAX_TAIL_OCTETS", 20_000)
        monkeypatch.setattr("auditroll.seal.sequencer.MAX_TAIL_OCTETS", 20_000)
        waiting: list[tuple[SealJob, Future[SealResult]]] = []

        def slow(job: SealJob) -> "Future[SealResult]":
            waiting.append((job, Future()))
            return waiting[-1][1]

        log = opened(tmp_path, clock, worker=slow)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(30))])
        log.tick()
        assert [job.count for job, _ in waiting] == [31]
        log.append([batch(stream, range(30, 60))])
        log.tick()
        with pytest.raises(CollectorError) as refused:
            log.append([batch(stream, [60])])
        assert (refused.value.code, refused.value.status) == ("sealing-behind", 503)
        job, future = waiting[0]
        future.set_result(write_segment(job))
        log.tick()
        log.append([batch(stream, [60])])


def test_watermarks_that_fill_a_leaf_are_split() -> None:
    job = SealJob("/nowhere", "ab" * 16, 0, 10, ())
    time = format_time(START_MS)
    marks = [("api", f"{epoch:032x}", [(n * 3, n * 3) for n in range(1500)]) for epoch in range(5)]
    result = SealResult("", "segment-1", "00" * 32, 1, (time, time), (time, time), marks)
    parts = seal_fields(
        job,
        result,
        data_class="standard",
        tree_root=bytes(32),
        compact_range=[bytes(32)] * 64,
        last_leaf_hash=bytes(32),
        refused=[("api", f"{0:032x}", [(1, 1)])],
    )
    assert len(parts) > 1
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert {part["parts"] for part in parts} == {len(parts)}
    ranges: dict[str, list[list[int]]] = {}
    for part in parts:
        keys = [(mark["producer_id"], mark["epoch"]) for mark in part["watermarks"]]
        assert keys == sorted(keys)
        assert len(str(part)) < 65_000
        for mark in part["watermarks"]:
            ranges.setdefault(mark["epoch"], []).extend(mark["ranges"])
    assert ranges[f"{0:032x}"][0] == [0, 1]
    assert all(len(found) == 1500 for found in ranges.values())
