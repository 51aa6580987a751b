"""Reading a sealed segment into its stream's scan: every octet, every typed value.

Source: format reference, section 10.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from auditroll.errors import Error
from auditroll.event.times import format_time
from auditroll.verify.overlap import Overlap, Rows
from auditroll.verify.scan import FACT_TYPES, Batch, HiddenSlot, StreamScan

__all__ = ["BadSegment", "SegmentPlace", "read_first_leaf", "scan_segment"]

# What octets that only their key's owner can make may still raise below us.
_ANY_DAMAGE: Final = (
    Error,
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
)
_ROOT_HEADS: Final = "root.heads"

OnLeaf = Callable[[dict[str, Any]], None]


class BadSegment(Exception):
    """A segment that cannot be read from some row on."""


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """Where a segment must stand.

    Args:
        name: Its path.
        first: Index of its first record.
        end: Index after its last record; None if only the file says so.
        generation: Of the file.
        at_most: Index that it does not go beyond, if `end` is not known; 0 if neither is.
    """

    name: str
    first: int
    end: int | None
    generation: int
    at_most: int = 0


def scan_segment(
    scan: StreamScan,
    data: bytes,
    key: bytes,
    place: SegmentPlace,
    overlap: Overlap,
    on_leaf: OnLeaf | None = None,
) -> None:
    """Check one segment and hand its rows to the scan.

    Args:
        scan: Of the stream.
        data: The whole object.
        key: Its data key.
        place: Where it must stand.
        overlap: Finds where the journal begins.
        on_leaf: Called with each root leaf that lists heads.

    Raises:
        BadSegment: It does not decrypt or decode, or stands elsewhere; what was read before the
            damage was handed over.
    """
    try:
        _scan(scan, data, key, place, overlap, on_leaf)
    except _ANY_DAMAGE as error:
        raise BadSegment(str(error)) from error


def read_first_leaf(data: bytes, key: bytes) -> dict[str, Any] | None:
    """Return the first leaf of a segment; None if it cannot be read."""
    from auditroll.segment import read_segment

    try:
        leaf: dict[str, Any] = orjson.loads(
            read_segment(data, key).read_group(0, ["leaf"])["leaf"][0].as_py()
        )
    except _ANY_DAMAGE:
        return None
    return leaf


def _scan(
    scan: StreamScan,
    data: bytes,
    key: bytes,
    place: SegmentPlace,
    overlap: Overlap,
    on_leaf: OnLeaf | None,
) -> None:
    from auditroll.segment import check_table, read_segment

    segment = read_segment(data, key)
    meta = segment.meta
    said = (meta.stream, meta.first_index, meta.generation)
    if said != (scan.stream, place.first, place.generation) or place.end not in (None, meta.end):
        raise BadSegment("the segment belongs elsewhere")
    first = meta.first_index
    for table in segment.tables():
        wrong = set(check_table(table, scan.stream, first))
        rows = _rows(table, first)
        prev_hashes = [str(prev) for prev in table["prev_hash"].to_pylist()]
        scan.add(Batch(first, rows.hashes, prev_hashes, rows.received))
        scan.counts.records += len(rows.hashes)
        for row in sorted(wrong):
            scan.note("altered", first + row, first + row + 1, "typed columns and leaf differ")
        overlap.see(rows)
        _note_facts(scan, table, first, wrong, on_leaf)
        _note_hidden(scan, table, first, wrong)
        first += len(rows.hashes)


def _rows(table: Any, first: int) -> Rows:
    return Rows(
        first,
        [sha256(b"\x00" + leaf).digest() for leaf in table["leaf"].to_pylist()],
        _times(table["received_at"]),
        table["seed"],
    )


def _times(column: Any) -> list[str]:
    """Return TIME texts; an instant that many rows share is formatted once."""
    texts: dict[int | None, str] = {None: ""}
    found: list[str] = []
    for instant in column.cast("int64").to_pylist():
        if instant not in texts:
            texts[instant] = format_time(instant)
        found.append(texts[instant])
    return found


def _note_facts(
    scan: StreamScan, table: Any, first: int, wrong: Container[int], on_leaf: OnLeaf | None
) -> None:
    """Take over facts; rows that say two things say nothing."""
    if first == 0:
        scan.first_is_open = True
    if scan.tenant is None:
        scan.tenant = table["tenant_id"][0].as_py() or ""
    wanted = FACT_TYPES | {_ROOT_HEADS} if on_leaf else FACT_TYPES
    types = enumerate(table["event_type"].to_pylist())
    rows = [row for row, name in types if name in wanted and row not in wrong]
    for leaf in table["leaf"].take(rows).to_pylist() if rows else ():
        public = orjson.loads(leaf)
        scan.note_leaf(public["index"], public)
        if on_leaf is not None:
            on_leaf(public)


def _note_hidden(scan: StreamScan, table: Any, first: int, wrong: Container[int]) -> None:
    """Count the hidden slots of rows that are opened in part."""
    if table["opening"].null_count == table.num_rows:
        return
    for row, opening in enumerate(table["opening"].to_pylist()):
        if opening is None or row in wrong:
            continue
        for slot, hidden in orjson.loads(opening)["hidden"].items():
            if hidden["why"] == "withheld":
                scan.counts.withheld += 1
            else:
                scan.counts.redacted += 1
                scan.hidden.append(HiddenSlot(first + row, slot, hidden["commitment"]))
