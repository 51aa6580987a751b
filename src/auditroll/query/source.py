"""What the engine needs of the sequencer and the store; the composition root brings it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from auditroll.store import SegmentName
from auditroll.tlog.line import Line

__all__ = ["Snapshot", "Source", "StreamHead"]


@dataclass(frozen=True, slots=True)
class StreamHead:
    """One stream as it is now.

    Args:
        tenant: Owner; empty for the root stream.
        data_class: Retention class; empty for `ledger` and `root`.
        size: Number of records.
    """

    tenant: str
    data_class: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All streams at one moment.

    Args:
        root_checkpoint: The newest signed root checkpoint.
        streams: Heads by stream id.
    """

    root_checkpoint: str
    streams: Mapping[str, StreamHead]


class Source(Protocol):
    """Live data. Every method is called from worker threads, several at once."""

    def snapshot(self) -> Snapshot:
        """Return the streams as they are now, so that new records are found."""
        ...

    def tail(self, stream: str, first: int) -> Sequence[Line]:
        """Return the unsealed records from index `first` on, or from the first unsealed one."""
        ...

    def segments(self, stream: str) -> Sequence[SegmentName]:
        """Return the stream's sealed segments, all generations, sorted."""
        ...

    def read(self, name: SegmentName) -> memoryview:
        """Return a segment's file; mapped, not copied.

        Raises:
            FileNotFoundError: It is gone.
        """
        ...

    def key(self, key_id: str) -> bytes:
        """Return a segment's data key.

        Raises:
            KeyError: It is unknown, or was destroyed.
        """
        ...
