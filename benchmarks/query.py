"""Segments and search: octets a record by part, costs a record, look-ups over a million records.

`python -m benchmarks.query [RECORDS]`. One stream; identities are drawn as a clinic's would be: few
users and many patients, both with a long tail. Look-ups ask for values that occur, drawn evenly
from the records, and read a page of 50 rows.
"""

import mmap
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from auditroll.event.ids import uuid7
from auditroll.event.times import format_time
from auditroll.query import Engine, Filter, Query, Snapshot, StreamHead
from auditroll.segment import SegmentMeta, check_columns, encode_segment, read_segment
from auditroll.segment.arrow import pa, parquet
from auditroll.segment.modular import decryption
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog.line import Line
from auditroll.tlog.slots import make_leaf, seal_record

STREAM: Final = "5a" * 16
SEGMENT_RECORDS: Final = 65_536
START_MS: Final = 1_790_000_000_000
STEP_MS: Final = 37
LOOK_UPS: Final = 300
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


def build(log: Log, records: int) -> tuple[Counter[str], Counter[str]]:
    """Seal the records; return CPU seconds by stage, and octets by column."""
    people, costs, octets = Population(), Counter[str](), Counter[str]()
    while log.size < records:
        first = log.size
        lines = log.lines(people.records(min(SEGMENT_RECORDS, records - first)))
        key_id, key = f"segment-{secrets.token_hex(8)}", secrets.token_bytes(32)
        log.keys[key_id] = key
        meta = SegmentMeta(STREAM, first, len(lines), 0, key_id)
        data = timed(costs, "seal", lambda m=meta, k=key, n=lines: encode_segment(n, m, k))
        log.store(meta, data)
        octets["leaf as written"] += sum(len(line.leaf) for line in lines)
        if first == 0:
            segment = read_segment(data, key)
            timed(costs, "read", lambda s=segment: [None for _ in s.tables()])
            bad = timed(costs, "check", lambda s=segment: list(check_columns(s)))
            timed(costs, "lines", lambda s=segment: sum(1 for _ in s.lines()))
            if bad:
                raise SystemExit("an honest segment failed its check")
            octets.update(by_column(data, key))
    return costs, octets


def by_column(data: bytes, key: bytes) -> Counter[str]:
    """Return the stored octets of a segment by column, and of everything else."""
    file = parquet.ParquetFile(pa.BufferReader(data), decryption_properties=decryption(key))
    found = Counter[str]()
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for column in (group.column(place) for place in range(group.num_columns)):
            found[column.path_in_schema.split(".")[0]] += column.total_compressed_size
    found["footer"] = len(data) - found.total()
    return found


def look_ups(engine: Engine, size: int) -> dict[str, list[float]]:
    """Return the milliseconds of every look-up, by field, in the order they were made."""
    draw = np.random.default_rng(11)
    found: dict[str, list[float]] = {}
    for field in FIELDS:
        times: list[float] = []
        for index in draw.integers(0, size, LOOK_UPS):
            value = engine.line("clinic", STREAM, int(index)).record()[field]
            query = Query("clinic", [Filter(field, "eq", value)])
            start = time.perf_counter()
            page = engine.search(query)
            times.append((time.perf_counter() - start) * 1000)
            if not page.rows:
                raise SystemExit("a record was not found")
        found[field] = times
    return found


def folder_octets(folder: Path) -> int:
    """Return the octets of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def run(records: int = 1_000_000) -> list[str]:
    """Measure, and return the lines of a report."""
    report: list[str] = []
    with tempfile.TemporaryDirectory() as root:
        log = Log(Path(root))
        costs, octets = build(log, records)
        sample = min(records, SEGMENT_RECORDS)
        report.append(f"seal: {costs['seal'] / records * 1e6:.1f} us a record")
        report += [
            f"{name}: {costs[name] / sample * 1e6:.1f} us a record"
            f" ({sample / costs[name]:,.0f} records/s a core)"
            for name in ("read", "check", "lines")
        ]
        leaf = octets.pop("leaf as written") / records
        sealed = folder_octets(log.folder.root / "streams") / records
        report.append(f"octets a record: leaf {leaf:.0f}, sealed segment {sealed:.1f}, of that")
        report += [
            f"  {name} {size / sample:.2f}" for name, size in octets.most_common() if size > sample
        ]
        with Engine(log, log.folder.derived) as engine:
            start = time.perf_counter()
            engine.search(Query("clinic", limit=1))
            report.append(f"catalogue built in {time.perf_counter() - start:.1f} s")
        catalogue = folder_octets(log.folder.derived) / records
        report.append(f"octets a record: catalogue {catalogue:.1f}")
        with Engine(log, log.folder.derived) as engine:
            report += [
                f"look-up by {field} over {records:,}: p50 {statistics.median(times):.1f} ms,"
                f" p95 {statistics.quantiles(times, n=20)[-1]:.1f} ms, first {times[0]:.1f} ms,"
                f" slowest {max(times):.1f} ms"
                for field, times in look_ups(engine, records).items()
            ]
    return report


if __name__ == "__main__":
    sys.stdout.write("\n".join(run(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)) + "\n")
