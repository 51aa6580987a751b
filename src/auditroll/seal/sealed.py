"""What seals say: the fields of `ledger.seal`, and the sealed prefix of every stream."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditroll.event.canonical import encode
from auditroll.seal.segments import SealJob, SealResult, Watermark, name_of

__all__ = ["Seals", "SegmentInfo", "seal_fields"]

# The rest of the leaf (envelope, 64 hashes of a compact range) stays below 10,000 octets.
MAX_WATERMARK_OCTETS: Final = 50_000
_MAX_RANGES: Final = 1000


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A sealed segment, as its `ledger.seal` names it.

    Args:
        stream: Stream id.
        first_index: Index of the first record.
        count: Number of records.
        generation: Of the file.
        object_name: Name under the data folder.
        object_sha256: Of the file, 64 hex digits.
        object_bytes: Size of the file.
        key_id: Of the data key.
        received: Least and greatest time of receipt, TIME texts.
        timestamps: Least and greatest event time, TIME texts.
    """

    stream: str
    first_index: int
    count: int
    generation: int
    object_name: str
    object_sha256: str
    object_bytes: int
    key_id: str
    received: tuple[str, str]
    timestamps: tuple[str, str]

    @property
    def end(self) -> int:
        """Index after the last record."""
        return self.first_index + self.count


class Seals:
    """Every `ledger.seal`, by the stream it is about."""

    def __init__(self) -> None:
        self._infos: defaultdict[str, dict[int, SegmentInfo]] = defaultdict(dict)
        self._newest: dict[str, Mapping[str, Any]] = {}
        self._watermarks: list[Watermark] = []

    def add(self, seal: Mapping[str, Any]) -> None:
        """Take a seal over; the same seal again changes nothing but repeats its watermarks."""
        info = SegmentInfo(
            stream=seal["target_stream"],
            first_index=seal["first_index"],
            count=seal["count"],
            generation=seal["generation"],
            object_name=seal["object_name"],
            object_sha256=seal["object_sha256"],
            object_bytes=seal["object_bytes"],
            key_id=seal["segment_key_id"],
            received=(seal["received_min"], seal["received_max"]),
            timestamps=(seal["timestamp_min"], seal["timestamp_max"]),
        )
        self._infos[info.stream][info.first_index] = info
        newest = self._newest.get(info.stream)
        if newest is None or newest["first_index"] <= info.first_index:
            self._newest[info.stream] = seal
        self._watermarks += (
            (
                mark["producer_id"],
                mark["epoch"],
                [(first, last) for first, last in mark["ranges"]],
            )
            for mark in seal["watermarks"]
        )

    def take_watermarks(self) -> list[Watermark]:
        """Return the watermarks of every seal added since the last call."""
        taken, self._watermarks = self._watermarks, []
        return taken

    def infos(self, stream: str) -> list[SegmentInfo]:
        """Return the segments of a stream in order."""
        return [info for _, info in sorted(self._infos[stream].items())]

    def newest(self, stream: str) -> Mapping[str, Any] | None:
        """Return the seal of the stream's last segment."""
        return self._newest.get(stream)

    def key_ids(self) -> set[str]:
        """Return the ids of the data keys in use."""
        return {info.key_id for infos in self._infos.values() for info in infos.values()}


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
    fields: dict[str, Any] = {
        "target_stream": job.stream,
        "first_index": job.first_index,
        "count": job.count,
        "generation": 0,
        "tree_root": tree_root.hex(),
        "compact_range": [hash_.hex() for hash_ in compact_range],
        "last_leaf_hash": last_leaf_hash.hex(),
        "received_min": result.received[0],
        "received_max": result.received[1],
        "timestamp_min": result.timestamps[0],
        "timestamp_max": result.timestamps[1],
        "object_name": name_of(job).object_name,
        "object_sha256": result.object_sha256,
        "object_bytes": result.object_bytes,
        "segment_key_id": result.key_id,
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
        spans[producer, epoch].update((first, last) for first, last in ranges)
    part: list[dict[str, Any]] = []
    room = MAX_WATERMARK_OCTETS
    for (producer, epoch), span in sorted(spans.items()):
        joined = _joined(span)
        for at in range(0, len(joined), _MAX_RANGES):
            entry = {
                "epoch": epoch,
                "producer_id": producer,
                "ranges": [list(pair) for pair in joined[at : at + _MAX_RANGES]],
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
