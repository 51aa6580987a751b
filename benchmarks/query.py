"""Segments and search: octets a record by part, costs a record, look-ups over a million records.

One stream; identities are drawn as a clinic's would be: few
users and many patients, both with a long tail. Look-ups ask for values that occur, drawn evenly
from the records, and read a page of 50 rows.
"""

import argparse
import mmap
import secrets
import statistics
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from auditroll.event.ids import uuid7
from auditroll.event.times import format_time
from auditroll.query import Engine, Filter, Query, Snapshot, StreamHead
from auditroll.segment import SegmentMeta, check_columns, encode_segment, key_id_of, read_segment
from auditroll.segment.arrow import pa, parquet
from auditroll.segment.modular import decryption
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog.line import Line
from auditroll.tlog.slots import make_leaf, seal_record
from benchmarks.report import Section

STREAM: Final = "5a" * 16
SEGMENT_RECORDS: Final = 65_536
START_MS: Final = 1_790_000_000_000
STEP_MS: Final = 37
LOOK_UPS: Final = 300
PASSES: Final = 3
SEAL: Final = "seal: columns, compression, encryption, reading back"
READ: Final = "decrypt and decode all columns"
CHECK: Final = "the same, re-encode all columns, all commitments"
LINES: Final = "lines for export"
FIELDS: Final = ("user_id", "resource_id", "request_id")
AGENTS: Final = tuple(
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{n}.0.0.0 Safari/537.36"
    for n in range(100, 130)
)
ROUTES: Final = ("/patients/{patient_id}", "/patients/{patient_id}/labs", "/appointments")


class Population:
    """Draws records. The same seed gives the same identities, not the same random ids."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(7)
        self._users = [f"p_{secrets.token_hex(16)}" for _ in range(2_000)]
        self._patients = [f"patient:p_{secrets.token_hex(16)}" for _ in range(20_000)]
        self._addresses = [f"p_{secrets.token_hex(16)}" for _ in range(3_000)]
        self._next = 0

    def records(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield the next records of the stream."""
        users = self._draw.zipf(1.4, count) % len(self._users)
        patients = (self._draw.pareto(0.8, count) * 2_000).astype(int) % len(self._patients)
        numbers = self._draw.integers(0, 2**31, count)
        delays = self._draw.exponential(20, count).astype(int)
        for user, patient, number, delay in zip(
            users.tolist(), patients.tolist(), numbers.tolist(), delays.tolist(), strict=True
        ):
            at = START_MS + self._next * STEP_MS
            yield {
                "action_type": "READ",
                "actor_type": "human",
                "data_class": "standard",
                "environment": "production",
                "event_id": uuid7(at, secrets.token_bytes(10)),
                "event_type": "http.request",
                "http_method": "GET",
                "latency_ms": delay,
                "outcome": "denied" if number % 50 == 0 else "ok",
                "producer_epoch": "ab" * 16,
                "producer_id": "clinic-api",
                "producer_seq": self._next,
                "request_id": secrets.token_hex(16),
                "resource_id": self._patients[patient],
                "resource_type": "patient",
                "route": ROUTES[number % 3],
                "service_name": "records",
                "source_ip": self._addresses[number % 3_000],
                "source_net": f"10.{number % 20}.{number % 7}.0/24",
                "status_code": 403 if number % 50 == 0 else 200,
                "success": number % 50 != 0,
                "tenant_id": "clinic",
                "timestamp": format_time(at),
                "user_agent": AGENTS[number % 30],
                "user_id": self._users[user],
            }
            self._next += 1


class Log:
    """A sealed stream on disk: what the engine's source promises."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder(root)
        self.keys: dict[str, bytes] = {}
        self.size = 0
        self.previous = bytes(32)

    def lines(self, records: Iterator[dict[str, Any]]) -> list[Line]:
        """Return the records as the stream's next lines."""
        found: list[Line] = []
        for record in records:
            seed = secrets.token_bytes(16)
            sealed = seal_record(record, seed)
            leaf = make_leaf(
                sealed.public,
                stream=STREAM,
                index=self.size,
                prev_hash=self.previous.hex(),
                sealed=sealed.sealed,
                received_at=format_time(START_MS + self.size * STEP_MS + 900),
            )
            line = Line(leaf=leaf, seed=seed, slots=sealed.slots)
            self.previous = line.leaf_hash()
            self.size += 1
            found.append(line)
        return found

    def store(self, meta: SegmentMeta, data: bytes) -> None:
        """Write a segment's file."""
        path = self.folder.segment(SegmentName(STREAM, meta.first_index, 0))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def snapshot(self) -> Snapshot:
        """Return the stream's head."""
        return Snapshot("", {STREAM: StreamHead("clinic", "standard", self.size)})

    def tail(self, stream: str, first: int) -> Sequence[Line]:
        """Return nothing: all is sealed."""
        return ()

    def segments(self, stream: str) -> Sequence[SegmentName]:
        """Return the segments."""
        return self.folder.segments(stream)

    def read(self, name: SegmentName) -> memoryview:
        """Map a segment."""
        with self.folder.segment(name).open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def key(self, key_id: str) -> bytes:
        """Return a key."""
        return self.keys[key_id]


def timed(costs: Counter[str], name: str, work: Callable[[], Any]) -> Any:
    """Do the work and add its CPU seconds to `costs`."""
    start = time.process_time()
    result = work()
    costs[name] += time.process_time() - start
    return result


class Built:
    """What building measured."""

    def __init__(self) -> None:
        self.costs = Counter[str]()
        self.octets = Counter[str]()
        self.leaf_octets = 0
        self.sought: list[dict[str, Any]] = []


def build(log: Log, records: int) -> Built:
    """Seal the records and measure the stages."""
    people, built = Population(), Built()
    wanted = set(np.random.default_rng(11).integers(0, records, LOOK_UPS).tolist())
    while log.size < records:
        first = log.size
        batch = list(people.records(min(SEGMENT_RECORDS, records - first)))
        built.sought += [dict(batch[at - first]) for at in wanted if 0 <= at - first < len(batch)]
        lines = log.lines(iter(batch))
        key_id, key = f"segment-{secrets.token_hex(8)}", secrets.token_bytes(32)
        log.keys[key_id] = key
        meta = SegmentMeta(STREAM, first, len(lines), 0, key_id)
        data = timed(built.costs, SEAL, partial(encode_segment, lines, meta, key))
        log.store(meta, data)
        built.leaf_octets += sum(len(line.leaf) for line in lines)
    return built


def measure_reading(built: Built, log: Log) -> None:
    """Read, check and turn back into lines one full segment."""
    data = log.read(log.segments(STREAM)[0])
    key = log.key(key_id_of(data))
    segment = read_segment(data, key)
    if list(check_columns(segment)):
        raise SystemExit("an honest segment failed its check")
    for _ in range(PASSES):
        timed(built.costs, READ, lambda: deque(segment.tables(), 0))
        timed(built.costs, CHECK, lambda: deque(check_columns(segment), 0))
        timed(built.costs, LINES, lambda: deque(segment.lines(), 0))
    file = parquet.ParquetFile(pa.BufferReader(data), decryption_properties=decryption(key))
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for column in (group.column(place) for place in range(group.num_columns)):
            built.octets[column.path_in_schema.split(".")[0]] += column.total_compressed_size
    built.octets["footer"] = len(data) - built.octets.total()


def look_ups(engine: Engine, field: str, sought: Sequence[dict[str, Any]]) -> list[float]:
    """Return the milliseconds of every look-up, in the order they were made."""
    times: list[float] = []
    for record in sought:
        query = Query("clinic", [Filter(field, "eq", record[field])])
        start = time.perf_counter()
        page = engine.search(query)
        times.append((time.perf_counter() - start) * 1000)
        if not page.rows:
            raise SystemExit("a record was not found")
    return times


def folder_octets(folder: Path) -> int:
    """Return the octets of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run(records: int) -> None:
    """Measure, and print the sections of the page."""
    with tempfile.TemporaryDirectory() as root:
        log = Log(Path(root))
        built = build(log, records)
        measure_reading(built, log)
        report_stages(built, records)
        start = time.perf_counter()
        with Engine(log, log.folder.derived) as engine:
            engine.search(Query("clinic", limit=1))
        seconds = time.perf_counter() - start
        report_octets(log, built, records)
        report_look_ups(log, built, records, seconds)


def report_stages(built: Built, records: int) -> None:
    """Print the costs of the stages."""
    section = Section(
        "Segments",
        f"CPU time of one thread. Reading: {PASSES} passes over one full segment, warm.",
    )
    section.head("stage", "us a record", "records/s a core")
    sample = min(records, SEGMENT_RECORDS)
    for name, seconds in built.costs.items():
        each = seconds / (records if name == SEAL else sample * PASSES)
        section.row(name, f"{each * 1e6:.1f}", f"{1 / each:,.0f}")


def report_octets(log: Log, built: Built, records: int) -> None:
    """Print what a record costs on disk."""
    sealed = folder_octets(log.folder.root / "streams") / records
    section = Section(
        "Octets a record",
        f"Leaves of {built.leaf_octets / records:.0f} octets. Columns that cost half an octet or"
        " more, of one full segment.",
    )
    section.head("part", "octets a record")
    section.row("segment, all of it", f"{sealed:.1f}")
    sample = min(records, SEGMENT_RECORDS)
    for name, size in built.octets.most_common():
        if size > sample / 2:
            section.row(name, f"{size / sample:.1f}")
    section.row("catalogue", f"{folder_octets(log.folder.derived) / records:.1f}")


def report_look_ups(log: Log, built: Built, records: int, seconds: float) -> None:
    """Print how long look-ups take."""
    section = Section(
        "Look-ups",
        f"{len(built.sought)} look-ups a field over {records:,} sealed records, one thread, values"
        " drawn evenly from the records, pages of 50 full rows. The engine starts with an empty"
        f" cache; its catalogue is there (it was built from the segments in {seconds:.1f} s).",
    )
    section.head("field", "p50 ms", "p95 ms", "first ms", "slowest ms")
    with Engine(log, log.folder.derived) as engine:
        for field in FIELDS:
            times = look_ups(engine, field, built.sought)
            p95 = statistics.quantiles(times, n=20)[-1]
            cells = (statistics.median(times), p95, times[0], max(times))
            section.row(field, *(f"{cell:.1f}" for cell in cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query")
    parser.add_argument("--quick", action="store_true", help="131,072 records, not 1,000,000")
    run(131_072 if parser.parse_args().quick else 1_000_000)
