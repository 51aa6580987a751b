"""Shipping through every fault: each record arrives once, and the spool goes only when it may."""

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auditroll.disk import Disk
from auditroll.recorder import Recorder
from auditroll.recorder import session as session_module
from auditroll.ship import Shipper, run_agent
from auditroll.spool import SpoolLimits
from auditroll.spool.layout import SpoolFolder, list_epochs
from auditroll.wire import ProducerCredential
from tests.unit.recorder.support import REQUEST, checked, run_in_child
from tests.unit.ship import collector as faults
from tests.unit.ship.collector import FakeCollector
from tests.unit.ship.conftest import QUICK

Drain = Callable[[], None]


def record(recorder: Recorder, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        recorder.record(REQUEST | {"latency_ms": number})


def arrived(collector: FakeCollector) -> list[int]:
    """Return the application's records that arrived, in order, each epoch without a hole."""
    found = []
    for records in collector.records.values():
        assert sorted(records) == list(range(len(records)))
        events = [checked(records[number]) for number in sorted(records)]
        found += [event["latency_ms"] for event in events if "latency_ms" in event]
    return sorted(found)


def folders(recorder: Recorder) -> list[SpoolFolder]:
    return list(list_epochs(recorder.spool_root, "api", Disk()))


def test_records_arrive_in_batches(
    recorder: Recorder, collector: FakeCollector, drain: Drain, shipper: Shipper
) -> None:
    record(recorder, 35)
    drain()
    assert arrived(collector) == list(range(35))
    assert collector.sizes == [10, 10, 10, 6]
    assert collector.duplicates == 0
    assert shipper.health.state == "ok"
    assert shipper.health.acknowledged == 36
    record(recorder, 1, first=35)
    drain()
    assert arrived(collector) == list(range(36))


def test_the_spool_of_an_epoch_that_ended_is_removed(
    recorder: Recorder, collector: FakeCollector, drain: Drain
) -> None:
    record(recorder, 5)
    drain()
    assert len(folders(recorder)) == 1
    recorder.close()
    drain()
    assert folders(recorder) == []
    assert arrived(collector) == list(range(5))
    assert b"producer.close" in collector.lines()[-1]


def test_archived_files_of_a_living_epoch_are_removed(
    credential: ProducerCredential, collector: FakeCollector, tmp_path: Path
) -> None:
    recorder = Recorder(
        credential,
        service="frontdesk",
        environment="test",
        spool_root=tmp_path,
        limits=SpoolLimits(file=4096, reserve=0),
    )
    record(recorder, 40)
    (folder,) = folders(recorder)
    assert len(folder.files()) > 5
    shipper = Shipper(credential, tmp_path, tuning=QUICK)
    while shipper.step():
        pass
    assert len(folder.files()) == 1
    assert arrived(collector) == list(range(40))
    recorder.close()
    shipper.close()


@pytest.mark.parametrize(
    "fault",
    [
        faults.lost_answer,
        faults.garbage,
        faults.endless,
        faults.status(500),
        faults.status(502),
        faults.status(503, "overloaded", "0"),
        faults.status(429, "overloaded", "0"),
        faults.status(307),
        faults.status(404),
        faults.status(400, "bad-hash"),
        faults.status(415, "bad-encoding"),
        faults.status(413, "batch-too-large"),
        faults.status(409, "seq-gap", durable_through=-1),
    ],
)
def test_one_fault_of_each_kind(
    recorder: Recorder, collector: FakeCollector, drain: Drain, fault: faults.Fault
) -> None:
    record(recorder, 25)
    collector.faults = [fault, fault]
    drain()
    recorder.close()
    drain()
    assert arrived(collector) == list(range(25))
    assert folders(recorder) == []


@pytest.mark.parametrize("fault", [faults.black_hole, faults.trickle])
def test_a_collector_that_does_not_finish_is_left(
    recorder: Recorder,
    collector: FakeCollector,
    shipper: Shipper,
    drain: Drain,
    fault: faults.Fault,
) -> None:
    """S1: neither silence nor an octet at a time holds the shipper for ever."""
    record(recorder, 3)
    collector.faults = [fault]
    shipper.step()
    assert (shipper.health.state, shipper.health.last_error) == (
        "waiting",
        "collector-unreachable",
    )
    drain()
    assert arrived(collector) == [0, 1, 2]
    assert shipper.health.state == "ok"


def test_a_collector_that_is_down_and_comes_back(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper, drain: Drain
) -> None:
    """S1: 500 for a long time; recording goes on, nothing is lost, it drains by itself."""
    collector.faults = [faults.status(500)] * 20
    for number in range(20):
        record(recorder, 3, first=3 * number)
        shipper.step()
    assert shipper.health.state == "waiting"
    assert recorder.health().dropped == 0
    drain()
    assert arrived(collector) == list(range(60))


def test_a_lost_acknowledgement_and_another_cut(
    recorder: Recorder, collector: FakeCollector, drain: Drain, credential: ProducerCredential
) -> None:
    """S2: the same records three times, cut differently each time."""
    record(recorder, 30)
    (folder,) = folders(recorder)
    for lines in (7, 13, 10):
        folder.cursor_path.unlink(missing_ok=True)
        tuning = dataclasses.replace(QUICK, batch_lines=lines)
        shipper = Shipper(credential, recorder.spool_root, tuning=tuning)
        collector.faults = [faults.lost_answer]
        while shipper.health.acknowledged < 31:
            shipper.step()
        shipper._release()
    drain()
    assert arrived(collector) == list(range(30))
    assert collector.duplicates >= 2 * 31


def test_quarantined_lines_are_counted_and_kept(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper, drain: Drain
) -> None:
    """S3: line 57 of 100 is refused; it does not hold up the rest."""
    record(recorder, 100)
    collector.refused = {57: "grammar"}
    drain()
    assert shipper.health.quarantined == {"grammar": 1}
    assert len(collector.lines()) == 101
    kept = (recorder.spool_root / "api" / "quarantine.ndjson").read_bytes()
    entry = msgspec.json.decode(kept)
    assert (entry["code"], entry["seq"], entry["epoch"]) == ("grammar", 57, recorder.epoch)
    assert checked(entry["line"].encode())["latency_ms"] == 56
    recorder.close()
    drain()
    assert folders(recorder) == []


def test_a_dead_process_is_shipped_by_another(
    recorder: Recorder, collector: FakeCollector, drain: Drain
) -> None:
    for first in (0, 10, 20):
        run_in_child(lambda first=first: record(recorder, 10, first))
    record(recorder, 5, first=30)
    drain()
    assert arrived(collector) == list(range(35))
    # The dead ones' folders are gone, that of the living one stays.
    assert [folder.epoch for folder in folders(recorder)] == [recorder.epoch]


def test_two_shippers_never_ship_one_epoch(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper, credential: ProducerCredential
) -> None:
    record(recorder, 5)
    other = Shipper(credential, recorder.spool_root, tuning=QUICK)
    assert shipper.step()
    assert not other.step()
    shipper._release()
    record(recorder, 5, first=5)
    assert other.step()
    other._release()
    assert arrived(collector) == list(range(10))


def test_records_lost_from_the_spool_are_named_and_the_rest_is_forgotten(
    credential: ProducerCredential, collector: FakeCollector, tmp_path: Path
) -> None:
    """S5: the collector sees the same hole; it does not keep the spool from going."""
    recorder = Recorder(
        credential,
        service="frontdesk",
        environment="test",
        spool_root=tmp_path,
        limits=SpoolLimits(file=4096, reserve=0),
    )
    record(recorder, 40)
    recorder.close()
    (folder,) = folders(recorder)
    _, second, third, *_ = folder.files()
    folder.file(second).unlink()
    shipper = Shipper(credential, tmp_path, tuning=QUICK)
    while folders(recorder):
        shipper.step()
    assert shipper.health.lost == [(folder.epoch, second, third - 1)]
    assert sorted(collector.records[folder.epoch]) == [
        *range(second),
        *range(third, 42),
    ]
    shipper._release()


def test_what_is_durable_and_not_archived_stays(
    recorder: Recorder, collector: FakeCollector, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.archive_lag = 4
    record(recorder, 20)
    recorder.close()
    asked: list[str] = []
    monkeypatch.setattr(
        faults.Handler,
        "do_GET",
        lambda handler: (asked.append(handler.path), handler.reply(503, b"")),
    )
    for _ in range(6):
        drain_once(recorder)
    assert len(folders(recorder)) == 1
    monkeypatch.undo()
    drain()
    assert folders(recorder) == []


def drain_once(recorder: Recorder) -> None:
    shipper = Shipper(recorder.credential, recorder.spool_root, tuning=QUICK)
    for _ in range(4):
        shipper.step()
    shipper._release()


def test_a_crash_between_cursor_and_removal(
    recorder: Recorder, collector: FakeCollector, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(recorder, 5)
    recorder.close()

    def crash(*_: object) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "remove", crash)
        drain_once(recorder)
    assert len(folders(recorder)) == 1
    drain()
    assert folders(recorder) == []
    assert collector.duplicates == 0


def test_a_key_that_is_not_accepted_is_an_alarm_and_a_new_one_helps(
    recorder: Recorder, collector: FakeCollector, credential: ProducerCredential, tmp_path: Path
) -> None:
    record(recorder, 5)
    newer = msgspec.structs.replace(credential, key="ark_" + "B" * 43)
    collector.keys = {newer.key}
    known = [credential]
    shipper = Shipper(credential, recorder.spool_root, tuning=QUICK, reload=lambda: known[-1])
    shipper.step()
    assert (shipper.health.state, shipper.health.last_error) == ("refused", "unauthenticated")
    known.append(newer)
    while shipper.health.state != "ok":
        shipper.step()
    assert arrived(collector) == list(range(5))
    shipper._release()


def test_retry_after_is_honoured(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper
) -> None:
    record(recorder, 1)
    collector.faults = [faults.status(503, "overloaded", "30")]
    shipper.step()
    assert 29 < shipper._backoff.left_s() < 31
    assert not shipper.step()
    assert collector.exchanges == 1


def test_a_batch_a_proxy_calls_too_large_is_sent_in_parts(
    recorder: Recorder, collector: FakeCollector, drain: Drain
) -> None:
    def small_proxy(handler: faults.Handler, batch: Any) -> bool:
        collector.faults.append(small_proxy)
        if batch.count > 3:
            handler.problem(413, "batch-too-large")
            return True
        return False

    collector.faults = [small_proxy]
    record(recorder, 30)
    drain()
    assert arrived(collector) == list(range(30))
    assert max(collector.sizes) <= 3


def test_another_encoding_is_tried(
    recorder: Recorder, collector: FakeCollector, drain: Drain
) -> None:
    collector.faults = [faults.status(415, "bad-encoding")] * 2
    record(recorder, 3)
    drain()
    assert collector.encodings == ["zstd", "gzip", "identity"]
    assert arrived(collector) == [0, 1, 2]


def test_an_epoch_that_the_collector_closed_goes_on_under_another(
    recorder: Recorder, collector: FakeCollector, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_RETRY_S", 0.0)
    record(recorder, 5)
    drain()
    closed = recorder.epoch
    collector.closed[closed] = 5
    record(recorder, 5, first=5)
    drain()
    record(recorder, 5, first=10)
    assert recorder.epoch != closed
    recorder.close()
    drain()
    assert arrived(collector) == list(range(15))
    assert folders(recorder) == []
    health = recorder.health()
    assert (health.seen, health.written, health.dropped) == (15, 15, 0)
    opened = {epoch: checked(records[0]) for epoch, records in collector.records.items()}
    assert {first["event_type"] for first in opened.values()} == {"producer.open"}
    moved = [epoch for epoch, first in opened.items() if first.get("previous_epoch") == closed]
    assert len(moved) == 1
    assert len(collector.records[moved[0]]) == 7


def test_a_collector_restored_from_an_older_state_gets_again_what_is_there(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper, drain: Drain
) -> None:
    record(recorder, 20)
    drain()
    epoch = recorder.epoch
    for number in range(10, 21):
        del collector.records[epoch][number]
    record(recorder, 5, first=20)
    drain()
    assert shipper.health.last_error == "collector-behind"
    assert arrived(collector) == list(range(25))


def test_the_newest_root_checkpoint_is_kept(
    recorder: Recorder, collector: FakeCollector, shipper: Shipper, drain: Drain
) -> None:
    record(recorder, 1)
    drain()
    path = recorder.spool_root / "api" / "root_checkpoint"
    assert path.read_text() == faults.CHECKPOINT
    assert shipper.health.root_checkpoint == faults.CHECKPOINT
    assert len(collector.lines()) == 2


def test_the_thread_ships_and_drains_at_the_end(
    credential: ProducerCredential, collector: FakeCollector, tmp_path: Path
) -> None:
    recorder = Recorder(
        credential,
        service="frontdesk",
        environment="test",
        spool_root=tmp_path,
        companion=lambda recorder: Shipper(credential, recorder.spool_root, tuning=QUICK),
    )
    record(recorder, 50)
    recorder.close()
    assert arrived(collector) == list(range(50))
    assert folders(recorder) == []


def test_the_thread_gives_up_soon_when_the_collector_is_away(
    credential: ProducerCredential, tmp_path: Path
) -> None:
    away = msgspec.structs.replace(credential, collector_url="http://127.0.0.1:1")
    recorder = Recorder(
        away,
        service="frontdesk",
        environment="test",
        spool_root=tmp_path,
        companion=lambda recorder: Shipper(away, recorder.spool_root, tuning=QUICK),
    )
    record(recorder, 5)
    recorder.close()
    assert len(folders(recorder)) == 1
    assert not folders(recorder)[0].has_owner()


def test_an_agent_ships_for_processes_that_do_not(
    credential: ProducerCredential, collector: FakeCollector, recorder: Recorder, tmp_path: Path
) -> None:
    path = tmp_path / "credential.json"
    path.write_bytes(credential.encode())
    path.chmod(0o600)
    run_in_child(lambda: record(recorder, 10))
    record(recorder, 10, first=10)
    stop = threading.Event()
    agent = threading.Thread(
        target=run_agent,
        args=(path,),
        kwargs={"spool_root": recorder.spool_root, "stop": stop, "tuning": QUICK},
    )
    agent.start()
    while len(arrived_safely(collector)) < 20:
        time.sleep(0.01)
    recorder.close()
    stop.set()
    agent.join()
    assert arrived(collector) == list(range(20))
    assert folders(recorder) == []


def arrived_safely(collector: FakeCollector) -> list[bytes]:
    with collector.lock:
        return [line for line in collector.lines() if b"latency_ms" in line]


def test_workers_after_a_fork_ship_themselves(
    credential: ProducerCredential, collector: FakeCollector, tmp_path: Path
) -> None:
    """C9: the parent's shipping thread does not exist in its children."""
    recorder = Recorder(
        credential,
        service="frontdesk",
        environment="test",
        spool_root=tmp_path,
        companion=lambda recorder: Shipper(credential, recorder.spool_root, tuning=QUICK),
    )
    record(recorder, 1)

    def work() -> None:
        record(recorder, 5, first=os.getpid() * 10)
        recorder.close()

    for _ in range(3):
        run_in_child(work)
    recorder.close()
    assert len(arrived(collector)) == 16
    assert folders(recorder) == []


def test_a_full_disk_does_not_stop_shipping(
    recorder: Recorder,
    collector: FakeCollector,
    shipper: Shipper,
    drain: Drain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S1: what is delivered can be removed, or the disk stays full for ever."""
    record(recorder, 20)

    def refuse(*_: object) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "replace", refuse)
        for _ in range(3):
            shipper.step()
        assert shipper.health.last_error == "spool-failed"
    drain()
    assert arrived(collector) == list(range(20))
    assert shipper.health.last_error == ""
