"""A log on disk without a sequencer: real segments, a tail in memory."""

import mmap
import secrets

from auditroll.query import Engine, Query, Snapshot, StreamHead
from auditroll.segment import SegmentMeta, encode_segment
from auditroll.store import DataFolder, SegmentName
from tests.unit.segment.records import lines_from


class Log:
    """What the engine's source promises, over lists that a test extends."""

    def __init__(self, root):
        self.folder = DataFolder(root)
        self.keys = {}
        self.heads = {}
        self.lines = {}
        self.sealed = {}
        self.fetched = 0
        self.before_tail = None

    def open_stream(self, stream, tenant="clinic", data_class="standard"):
        self.heads[stream] = (tenant, data_class)
        self.lines[stream] = []
        self.sealed[stream] = 0
        return stream

    def append(self, stream, records):
        known = self.lines[stream]
        prev = known[-1].leaf_hash().hex() if known else "0" * 64
        known += lines_from(records, stream=stream, first=len(known), prev_hash=prev)

    def seal(self, stream, end=None, *, generation=0):
        first = self.sealed[stream]
        lines = self.lines[stream][first:end]
        key_id = f"segment-{secrets.token_hex(8)}"
        self.keys[key_id] = secrets.token_bytes(32)
        meta = SegmentMeta(stream, first, len(lines), generation, key_id)
        path = self.folder.segment(SegmentName(stream, first, generation))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_segment(lines, meta, self.keys[key_id]))
        self.sealed[stream] = first + len(lines)
        return path

    def engine(self, **options):
        return Engine(self, self.folder.derived, **options)

    def snapshot(self):
        return Snapshot(
            f"checkpoint of {sum(map(len, self.lines.values()))}",
            {s: StreamHead(*self.heads[s], len(lines)) for s, lines in self.lines.items()},
        )

    def tail(self, stream, first):
        if self.before_tail is not None:
            act, self.before_tail = self.before_tail, None
            act()
        found = self.lines[stream][max(first, self.sealed[stream]) :]
        self.fetched += len(found)
        return found

    def segments(self, stream):
        return self.folder.segments(stream)

    def read(self, name):
        with self.folder.segment(name).open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def key(self, key_id):
        return self.keys[key_id]


def places(page):
    return [(row["stream"], row["index"]) for row in page.rows]


def indices(engine, *filters, **options):
    """Return the indices of all rows that a search finds, page by page."""
    options = {"tenant": "clinic", "order": "oldest", **options}
    return [row["index"] for row in engine.rows(Query(filters=filters, **options))]
