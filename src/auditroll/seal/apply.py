"""From a frame to leaves: the one function that live work and recovery share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from auditroll.event.times import format_time
from auditroll.seal.placing import Item, place
from auditroll.seal.records import PLACE
from auditroll.seal.streams import Stream

__all__ = ["Fact", "apply_entries"]


class Fact(NamedTuple):
    """A record about the log itself.

    Args:
        stream: Where it stands.
        at: Its index there.
        public: Its public part.
    """

    stream: Stream
    at: int
    public: dict[str, Any]


def apply_entries(
    streams: Mapping[str, Stream], items: Iterable[Item], received_ms: int
) -> list[Fact]:
    """Give each record its place, commit to it, chain it and grow its stream's tree.

    A pure function of the streams' state, the records and the time: applied again after a crash
    it gives the same octets.

    Args:
        streams: By id; every stream of `items` is there.
        items: Of one frame, in order; used up.
        received_ms: Effective time of receipt.

    Returns:
        The facts among them, for those who act on facts.
    """
    grouped: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        grouped[item[2]].append(item)
    facts: list[Fact] = []
    for stream_id, mine in grouped.items():
        facts += _extend(streams[stream_id], mine, received_ms)
    return facts


def _extend(stream: Stream, items: list[Item], received_ms: int) -> list[Fact]:
    received_at, pack = format_time(received_ms), PLACE.pack
    at, previous = stream.size, stream.last_hash
    packed: list[bytes] = []
    hashes: list[bytes] = []
    facts: list[Fact] = []
    for item in items:
        leaf, slots, previous = place(item, at, previous, received_at)
        record, seed, _stream, _shape = item
        packed += (pack(len(leaf), len(slots), seed), leaf, slots)
        hashes.append(previous)
        if "producer_seq" not in record:
            facts.append(Fact(stream, at, record))
        at += 1
    stream.extend(b"".join(packed), hashes, received_ms)
    return facts
