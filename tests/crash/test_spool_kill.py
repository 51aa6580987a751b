"""kill -9 of a producer at random points (S4): every answered request is recorded, once."""

import hashlib
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from auditroll.disk import Disk
from auditroll.recorder import Recorder
from auditroll.ship import Shipper
from auditroll.spool import SpoolLimits
from auditroll.spool.layout import list_epochs
from tests.crash.runs import kills
from tests.unit.recorder.support import CREDENTIAL, REQUEST, checked, epochs
from tests.unit.ship.collector import FakeCollector, lost_answer
from tests.unit.ship.conftest import QUICK

pytestmark = pytest.mark.crash

RUNS = kills("producer")
# Small files, so that the kill also meets the change from one to the next.
LIMITS = SpoolLimits(file=8 * 1024, reserve=0)
NUMBER = struct.Struct(">I")
REQUESTS_PER_RUN = 1_000_000


def chance(run: int, what: str, bound: int) -> int:
    """Return a number below `bound`, the same in every execution."""
    digest = hashlib.sha256(f"{run}/{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % bound


def serve(make: Callable[[], Recorder], answers: int, first: int) -> None:
    """Record requests and answer each, until somebody kills this process."""
    recorder = make()
    for number in range(first, first + REQUESTS_PER_RUN):
        recorder.record(REQUEST | {"latency_ms": number, "user_id": f"user-{number % 7}"})
        os.write(answers, NUMBER.pack(number))


def killed(make: Callable[[], Recorder], run: int) -> Iterator[int]:
    """Run a producer, kill it at some point, and yield the requests that it answered."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            serve(make, write_end, run * REQUESTS_PER_RUN)
        finally:
            os._exit(1)
    os.close(write_end)
    wanted = chance(run, "answers", 60)
    answered = b""
    while len(answered) < wanted * NUMBER.size:
        answered += os.read(read_end, 4096)
    time.sleep(chance(run, "pause", 3000) / 1_000_000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(read_end, 65536):
        answered += more
    os.close(read_end)
    whole = len(answered) // NUMBER.size * NUMBER.size
    for (number,) in NUMBER.iter_unpack(answered[:whole]):
        yield number


def recorded(lines: list[dict[str, object]]) -> list[int]:
    return [int(str(record["latency_ms"])) for record in lines if "latency_ms" in record]


def test_every_answered_request_is_in_the_spool_once(tmp_path: Path) -> None:
    def make() -> Recorder:
        return Recorder(
            CREDENTIAL,
            service="frontdesk",
            environment="test",
            spool_root=tmp_path,
            limits=LIMITS,
        )

    answered = [number for run in range(RUNS) for number in killed(make, run)]
    found: list[int] = []
    for records in epochs(tmp_path).values():
        found += recorded(records)
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    # What is more than answered is the one request under way when the process died.
    assert len(found) - len(answered) <= RUNS


def test_every_answered_request_reaches_the_collector_once(tmp_path: Path) -> None:
    """Each run adopts what the one before left, over a collector that loses answers."""
    collector = FakeCollector()
    credential = msgspec.structs.replace(CREDENTIAL, collector_url=collector.url)

    def make() -> Recorder:
        return Recorder(
            credential,
            service="frontdesk",
            environment="test",
            spool_root=tmp_path,
            limits=LIMITS,
            companion=lambda recorder: Shipper(credential, recorder.spool_root, tuning=QUICK),
        )

    answered: list[int] = []
    for run in range(kills("producer-shipping")):
        if run % 2:
            collector.faults = [lost_answer]
        answered += killed(make, run)
    last = Shipper(credential, tmp_path, tuning=QUICK)
    while list(list_epochs(tmp_path, "api", Disk())):
        last.step()
    last._release()
    found: list[int] = []
    for numbered in collector.records.values():
        assert sorted(numbered) == list(range(len(numbered)))
        found += recorded([checked(line) for line in numbered.values()])
    collector.close()
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
