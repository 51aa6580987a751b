"""From admitted events to the plaintext of journal frames."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET

from auditroll.collect.admission import Admission
from auditroll.collect.lines import encode_event
from auditroll.event import Event, format_time
from auditroll.segment.journal import FrameHeader, encode_plaintext

__all__ = ["SKEW_MS", "Origin", "encode_frames", "stamp"]

# Source: docs/reference/format.md section 5.2, clock_skew.
SKEW_MS = 300_000
SEED_OCTETS = 16
# A frame's body may have 2^26 octets; smaller ones keep other producers' waiting short.
MAX_FRAME_RECORD_OCTETS = 16 * 2**20


class Origin(NamedTuple):
    """Where a batch comes from.

    Args:
        tenant: From the credential.
        producer: From the credential.
        epoch: From the batch's header.
    """

    tenant: str
    producer: str
    epoch: str


def stamp(
    events: Sequence[Event], origin: Origin, classes: Mapping[str, str], received_at: int
) -> None:
    """Set what only the collector sets, whatever a line said.

    Args:
        events: Changed in place.
        origin: Of their batch.
        classes: Event type to data class.
        received_at: Milliseconds since 1970.
    """
    # TIME texts of one length sort as their instants do.
    early, late = format_time(received_at - SKEW_MS), format_time(received_at + SKEW_MS)
    for event in events:
        event.tenant_id = origin.tenant
        event.producer_id = origin.producer
        event.data_class = classes[event.event_type]  # type: ignore[index]
        event.clock_skew = UNSET if early <= event.timestamp <= late else True  # type: ignore[operator]


def encode_frames(
    admission: Admission, origin: Origin, streams: Mapping[str, str], received_at: int
) -> list[bytes]:
    """Return the frames of a batch, one unless it is very large.

    Args:
        admission: Stamped events, pseudonyms assigned.
        origin: Of the batch.
        streams: Data class to stream id.
        received_at: Milliseconds since 1970.
    """
    octets = [encode_event(event) for event in admission.events]
    random = os.urandom(SEED_OCTETS * len(octets))
    records = [
        (streams[event.data_class], random[at : at + SEED_OCTETS], line)  # type: ignore[index]
        for event, line, at in zip(
            admission.events, octets, range(0, len(random), SEED_OCTETS), strict=True
        )
    ]
    refused = admission.quarantined()
    text = format_time(received_at)
    frames: list[bytes] = []
    for first, end in _cuts(octets):
        header = FrameHeader(
            kind="batch",
            received_at=received_at,
            tenant_id=origin.tenant,
            producer_id=origin.producer,
            epoch=origin.epoch,
            first_seq=_first_seq(admission, first, refused),
            # Verdicts stand in the first frame: it is durable whenever a later one is.
            quarantined=() if frames else tuple(refused),
        )
        frames.append(encode_plaintext(header, records[first:end], received_at=text))
    return frames


def _first_seq(admission: Admission, first: int, refused: Sequence[tuple[int, str]]) -> int:
    numbers = admission.seqs[first : first + 1]
    if first == 0:
        numbers += [seq for seq, _ in refused[:1]]
    return min(numbers)


def _cuts(octets: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield ranges of records that together fit a frame; one empty range if there are none."""
    first = size = 0
    for index, line in enumerate(octets):
        if size + len(line) > MAX_FRAME_RECORD_OCTETS and index > first:
            yield first, index
            first, size = index, 0
        size += len(line)
    yield first, len(octets)
