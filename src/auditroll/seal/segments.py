"""Writing one segment: everything that runs outside the sequencer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from auditroll.disk import Disk
from auditroll.keys import KeyStore
from auditroll.seal.records import unpack
from auditroll.store import DataFolder, SegmentName

__all__ = [
    "TEMPORARY",
    "SealJob",
    "SealResult",
    "Watermark",
    "merged",
    "name_of",
    "write_segment",
]

Watermark = tuple[str, str, list[tuple[int, int]]]
"""Producer, epoch, and ranges of sequence numbers, both ends included."""

TEMPORARY: Final = ".sealing"


@dataclass(frozen=True, slots=True)
class SealJob:
    """What a worker needs to write one segment.

    Args:
        root: The data folder.
        stream: Stream id.
        first_index: Index of the first record.
        count: Number of records.
        pieces: Packed records, which are never changed.
    """

    root: str
    stream: str
    first_index: int
    count: int
    pieces: Sequence[bytes]

    @property
    def end(self) -> int:
        """Index after the last record."""
        return self.first_index + self.count


class SealResult(NamedTuple):
    """What a durable segment file is.

    Args:
        temporary: Its path; the sequencer gives it its name.
        key_id: Of the data key.
        object_sha256: Of the file, 64 hex digits.
        object_bytes: Its size.
        received: Least and greatest time of receipt, TIME texts.
        timestamps: Least and greatest event time, TIME texts.
        watermarks: Sequence numbers in the segment.
    """

    temporary: str
    key_id: str
    object_sha256: str
    object_bytes: int
    received: tuple[str, str]
    timestamps: tuple[str, str]
    watermarks: list[Watermark]


def name_of(job: SealJob) -> SegmentName:
    """Return the name of a job's segment."""
    return SegmentName(job.stream, job.first_index, 0)


def write_segment(job: SealJob, disk: Disk | None = None) -> SealResult:
    """Write one segment, durable under a temporary name on return.

    Only the sequencer names evidence: a worker that outlives it writes nothing that counts.
    A crash on the way leaves a temporary file and a key; the next start removes both and the
    segment is written again from the journal.

    Args:
        job: What to write.
        disk: File operations.

    Raises:
        IntegrityError: `record-untyped` or `segment-unsafe`.
    """
    from auditroll.segment import SegmentMeta, encode_segment

    folder = DataFolder(Path(job.root), disk)
    key = KeyStore(folder.keys, folder.disk).create("segment")
    records = [record for piece in job.pieces for record in unpack(piece)]
    meta = SegmentMeta(job.stream, job.first_index, job.count, 0, key.id)
    data = encode_segment([record.line() for record in records], meta, key.octets)
    path = folder.segment(name_of(job))
    folder.disk.make_dirs(path.parent)
    temporary = path.with_name(f".{path.name}.{key.id}{TEMPORARY}")
    fd = folder.disk.create(temporary)
    try:
        folder.disk.write(fd, data)
        folder.disk.datasync(fd)
    finally:
        folder.disk.close(fd)
    leaves = [orjson.loads(record.leaf) for record in records]
    received = [leaf["received_at"] for leaf in leaves]
    timestamps = [leaf["timestamp"] for leaf in leaves]
    return SealResult(
        temporary=str(temporary),
        key_id=key.id,
        object_sha256=sha256(data).hexdigest(),
        object_bytes=len(data),
        received=(min(received), max(received)),
        timestamps=(min(timestamps), max(timestamps)),
        watermarks=_watermarks(leaves),
    )


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
