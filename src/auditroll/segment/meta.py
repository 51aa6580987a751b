"""What a segment says about itself in the Parquet key-value metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from auditroll.errors import IntegrityError

__all__ = ["FORMAT", "SegmentMeta"]

FORMAT = "1"
PREFIX = "auditroll."


@dataclass(frozen=True, slots=True)
class SegmentMeta:
    """The place of one segment in its stream.

    Args:
        stream: Stream id, 32 hex digits.
        first_index: Index of the first record in the stream.
        count: Number of records, at least 1.
        generation: 0 when sealed, one more for every rewrite.
        key_id: Name of the data key in the key store.
    """

    stream: str
    first_index: int
    count: int
    generation: int
    key_id: str

    @property
    def end(self) -> int:
        """Return the index after the last record."""
        return self.first_index + self.count

    def as_metadata(self) -> dict[str, str]:
        """Return the key-value metadata.

        Source: format reference, section 10.
        """
        return {
            f"{PREFIX}format": FORMAT,
            f"{PREFIX}stream": self.stream,
            f"{PREFIX}first_index": str(self.first_index),
            f"{PREFIX}count": str(self.count),
            f"{PREFIX}generation": str(self.generation),
            f"{PREFIX}key_id": self.key_id,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes] | None) -> Self:
        """Read the key-value metadata back.

        Raises:
            IntegrityError: `segment-altered`: an entry is absent, malformed or of another format.
        """
        entries = metadata or {}

        def entry(name: str) -> str:
            return entries[f"{PREFIX}{name}".encode()].decode()

        try:
            meta = cls(
                stream=entry("stream"),
                first_index=int(entry("first_index")),
                count=int(entry("count")),
                generation=int(entry("generation")),
                key_id=entry("key_id"),
            )
            known = meta.as_metadata()[f"{PREFIX}format"] == entry("format")
        except (KeyError, ValueError) as error:
            raise IntegrityError("segment-altered", "the segment's metadata is damaged") from error
        if not known:
            raise IntegrityError("segment-altered", "the segment is of another format version")
        return meta
