"""What seals say: the sealed prefix of every stream."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditroll.seal.segments import Watermark

__all__ = ["Seals", "SegmentInfo"]


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

    def streams(self) -> Iterator[str]:
        """Yield the streams that have a segment."""
        return iter([stream for stream, infos in self._infos.items() if infos])
