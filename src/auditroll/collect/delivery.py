"""One batch, unpacked: its place in an epoch, and the answer to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
from msgspec import UNSET, Struct, UnsetType

from auditroll.collect.admission import Admission
from auditroll.collect.epochs import Epoch, Prefix
from auditroll.collect.intervals import IntervalSet, Range
from auditroll.collect.lines import split_lines
from auditroll.errors import ProducerError
from auditroll.wire.batch import Answer, Batch, LineResult

__all__ = ["Delivery", "EpochState", "answer", "check_place", "note_prefix"]

# Fields are declared in sorted order, so the encoding is canonical as it is.
_ENCODE = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch as `collect` works with it.

    Args:
        epoch: The `producer_epoch` of every line.
        first: Number of the first line.
        count: Number of lines, at least one.
        octets: The lines, each with its LF.
        prefix_sha256: Of a file up to the last line; None in process epochs.
    """

    epoch: str
    first: int
    count: int
    octets: bytes
    prefix_sha256: str | None = None

    @property
    def last(self) -> int:
        """Number of the last line."""
        return self.first + self.count - 1

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """Return the delivery that a producer's batch is."""
        return cls(batch.epoch, batch.first_seq, batch.count, batch.octets, batch.prefix_sha256)

    def only(self, ranges: Sequence[Range]) -> bytes:
        """Return the lines with these numbers."""
        if ranges == [(self.first, self.last)]:
            return self.octets
        lines = split_lines(self.octets)
        parts = [lines[first - self.first : last - self.first + 1] for first, last in ranges]
        return b"".join(line + b"\n" for part in parts for line in part)


class EpochState(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """What a producer may know of one of its epochs.

    Args:
        archived_through: As far as the producer may forget; -1 none.
        closed: Its `producer.close` came.
        durable_through: Highest number with no hole below; -1 none.
        prefix_sha256: Of the file up to line `durable_through`.
    """

    archived_through: int
    closed: bool
    durable_through: int
    prefix_sha256: str | UnsetType = UNSET

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return _ENCODE(self)


def check_place(epoch: Epoch, delivery: Delivery, missing: Sequence[Range]) -> None:
    """Refuse what may not be added to the epoch any more, or not yet.

    Raises:
        ProducerError: `epoch-closed`: a number beyond the epoch's `producer.close`. `seq-gap`: a
            line of a file before the one that must come next.

    Source: docs/reference/format.md section 11.
    """
    through = epoch.durable_through()
    if missing and epoch.close_seq is not None and missing[-1][1] > epoch.close_seq:
        raise ProducerError(
            "epoch-closed",
            "the epoch is closed",
            hint="Start a new epoch; what was acknowledged stays.",
            status=409,
            durable_through=through,
        )
    if delivery.prefix_sha256 is not None and delivery.first > through + 1:
        raise ProducerError(
            "seq-gap",
            "the lines of a file must come in order",
            hint="Go on after durable_through.",
            status=409,
            durable_through=through,
        )


def note_prefix(epoch: Epoch, delivery: Delivery) -> None:
    """Keep a file's prefix if it reaches further than the known one."""
    if delivery.prefix_sha256 is None:
        return
    if epoch.prefix is None or epoch.prefix.through < delivery.last:
        epoch.prefix = Prefix(delivery.last, delivery.prefix_sha256)
        epoch.changed = True


def answer(
    delivery: Delivery,
    missing: Sequence[Range],
    admission: Admission,
    through: int,
    root_checkpoint: str,
) -> Answer:
    """Return what the producer is told about each line.

    Args:
        delivery: The batch.
        missing: Numbers that were not received before it.
        admission: What became of them.
        through: Highest number with no hole below, now.
        root_checkpoint: Newest signed one.
    """
    new = sum(last - first + 1 for first, last in missing)
    fresh = IntervalSet(missing)
    results = [
        LineResult(seq=seq, result="duplicate")
        for first, last in fresh.missing(delivery.first, delivery.last)
        for seq in range(first, last + 1)
    ]
    results += [
        LineResult(seq=seq, result="quarantined", code=code)
        for seq, code in admission.quarantined()
    ]
    return Answer(
        accepted=len(admission.events),
        duplicates=delivery.count - new,
        quarantined=len(admission.refused),
        results=sorted(results, key=lambda result: result.seq),
        durable_through=through,
        archived_through=through,
        root_checkpoint=root_checkpoint,
    )
