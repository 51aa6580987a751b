"""Sealing one segment: what runs outside the sequencer, and the record that announces it."""

import os
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from auditroll.disk import Disk
from auditroll.event.canonical import encode
from auditroll.seal.streams import Unsealed
from auditroll.segment import SegmentMeta, encode_segment
from auditroll.store import DataFolder, SegmentName

__all__ = ["SealJob", "SealResult", "Watermark", "merged", "pack", "seal_fields", "write_segment"]

Watermark = tuple[str, str, list[tuple[int, int]]]
"""Producer, epoch, and ranges of sequence numbers, both ends included."""

_LENGTHS: Final = struct.Struct(">II")
# The rest of the leaf (envelope, 64 hashes of a compact range) stays below 10,000 octets.
MAX_WATERMARK_OCTETS: Final = 50_000
_NICE: Final = 5


class SealJob(NamedTuple):
    """What a worker needs to write one segment.

    Args:
        root: The data folder.
        meta: Place of the segment; its key id.
        key: Data key, 32 octets.
        records: From `pack`.
    """

    root: str
    meta: SegmentMeta
    key: bytes
    records: bytes


class SealResult(NamedTuple):
    """What a durable segment file is.

    Args:
        object_sha256: Of the file, 64 hex digits.
        object_bytes: Its size.
        received: Least and greatest time of receipt, TIME texts.
        timestamps: Least and greatest event time, TIME texts.
        watermarks: Sequence numbers in the segment.
    """

    object_sha256: str
    object_bytes: int
    received: tuple[str, str]
    timestamps: tuple[str, str]
    watermarks: list[Watermark]


def pack(records: Iterable[Unsealed]) -> bytes:
    """Return records as one string of octets, which crosses a process border in one copy."""
    pieces: list[bytes] = []
    for leaf, seed, slots in records:
        pieces += (_LENGTHS.pack(len(leaf), len(slots)), leaf, seed, slots)
    return b"".join(pieces)


def unpack(octets: bytes) -> Iterator[Unsealed]:
    """Yield what `pack` took."""
    at = 0
    while at < len(octets):
        leaf, slots = _LENGTHS.unpack_from(octets, at)
        at += _LENGTHS.size
        yield Unsealed(
            octets[at : at + leaf],
            octets[at + leaf : at + leaf + 16],
            octets[at + leaf + 16 : at + leaf + 16 + slots],
        )
        at += leaf + 16 + slots


def write_segment(job: SealJob) -> SealResult:
    """Write one segment, durable under its name on return.

    A crash on the way leaves a temporary file, or a segment without its seal; either is removed
    at the next start and the segment is written again from the journal.
    """
    records = list(unpack(job.records))
    data = encode_segment([record.line() for record in records], job.meta, job.key)
    folder = DataFolder(Path(job.root))
    name = SegmentName(job.meta.stream, job.meta.first_index, job.meta.generation)
    path = folder.segment(name)
    folder.disk.make_dirs(path.parent)
    folder.disk.replace(path, data)
    leaves = [orjson.loads(record.leaf) for record in records]
    received = [leaf["received_at"] for leaf in leaves]
    timestamps = [leaf["timestamp"] for leaf in leaves]
    return SealResult(
        object_sha256=sha256(data).hexdigest(),
        object_bytes=len(data),
        received=(min(received), max(received)),
        timestamps=(min(timestamps), max(timestamps)),
        watermarks=_watermarks(leaves),
    )


def be_nice() -> None:
    """Give way to ingestion; the worker's first act."""
    os.nice(_NICE)


def merged(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the ranges that hold exactly `numbers`."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _watermarks(leaves: Sequence[dict[str, Any]]) -> list[Watermark]:
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for leaf in leaves:
        if "producer_seq" in leaf:
            numbers[leaf["producer_id"], leaf["producer_epoch"]].append(leaf["producer_seq"])
    return [(*key, merged(found)) for key, found in sorted(numbers.items())]


def seal_fields(
    job: SealJob,
    result: SealResult,
    *,
    data_class: str,
    tree_root: bytes,
    compact_range: Sequence[bytes],
    last_leaf_hash: bytes,
    refused: Sequence[Watermark],
) -> list[dict[str, Any]]:
    """Return the fields of the segment's `ledger.seal` records, one a part.

    Args:
        job: What was sealed.
        result: What came of it.
        data_class: Of a data stream, else empty.
        tree_root: Root of size first + count.
        compact_range: Of the same size.
        last_leaf_hash: Hash of the segment's last leaf.
        refused: Quarantined sequence numbers that count as received.

    Source: format reference, section 10.
    """
    meta = job.meta
    fields: dict[str, Any] = {
        "target_stream": meta.stream,
        "first_index": meta.first_index,
        "count": meta.count,
        "generation": meta.generation,
        "tree_root": tree_root.hex(),
        "compact_range": [hash_.hex() for hash_ in compact_range],
        "last_leaf_hash": last_leaf_hash.hex(),
        "received_min": result.received[0],
        "received_max": result.received[1],
        "timestamp_min": result.timestamps[0],
        "timestamp_max": result.timestamps[1],
        "object_name": SegmentName(meta.stream, meta.first_index, meta.generation).object_name,
        "object_sha256": result.object_sha256,
        "object_bytes": result.object_bytes,
        "segment_key_id": meta.key_id,
        "index_roots": [],
    }
    if data_class:
        fields["data_class"] = data_class
    parts = list(_parts([*result.watermarks, *refused]))
    return [
        fields | {"watermarks": part, "part": number, "parts": len(parts)}
        for number, part in enumerate(parts, 1)
    ]


def _parts(watermarks: Sequence[Watermark]) -> Iterator[list[dict[str, Any]]]:
    """Split watermarks so that each part fits a leaf; an epoch's ranges may stand in several."""
    spans: defaultdict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for producer, epoch, ranges in watermarks:
        spans[producer, epoch].update(ranges)
    part: list[dict[str, Any]] = []
    room = MAX_WATERMARK_OCTETS
    for (producer, epoch), span in sorted(spans.items()):
        joined = _joined(span)
        for at in range(0, len(joined), 1000):
            entry = {
                "epoch": epoch,
                "producer_id": producer,
                "ranges": [list(pair) for pair in joined[at : at + 1000]],
            }
            size = len(encode(entry)) + 1
            if part and size > room:
                yield part
                part, room = [], MAX_WATERMARK_OCTETS
            part.append(entry)
            room -= size
    yield part


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def remove_strays(folder: DataFolder, stream: str, sealed: set[str], disk: Disk) -> None:
    """Remove segment files that no seal names: a crash came between file and seal."""
    for name in folder.segments(stream):
        if name.object_name not in sealed:
            disk.remove(folder.segment(name))
