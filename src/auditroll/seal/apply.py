"""From a frame to leaves: the one function that live work and recovery share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from auditroll.event.times import format_time
from auditroll.seal.records import PLACE
from auditroll.seal.streams import Stream
from auditroll.segment.journal import Entry
from auditroll.tlog import make_leaf, seal_record

__all__ = ["Fact", "apply_entries"]

_SORT: Final = orjson.OPT_SORT_KEYS


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
    streams: Mapping[str, Stream], entries: Iterable[Entry], received_ms: int
) -> list[Fact]:
    """Give each record its place, commit to it, chain it and grow its stream's tree.

    A pure function of the streams' state, the records and the time: applied again after a crash
    it gives the same octets.

    Args:
        streams: By id; every stream of `entries` is there.
        entries: Of one frame, in order.
        received_ms: Effective time of receipt.

    Returns:
        The facts among them, for those who act on facts.
    """
    received_at = format_time(received_ms)
    grouped: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.stream].append(entry)
    facts: list[Fact] = []
    for stream_id, mine in grouped.items():
        facts += _extend(streams[stream_id], mine, received_at, received_ms)
    return facts


def _extend(stream: Stream, entries: list[Entry], received_at: str, received_ms: int) -> list[Fact]:
    index, previous, stream_id = stream.size, stream.last_hash, stream.stream
    packed: list[bytes] = []
    hashes: list[bytes] = []
    facts: list[Fact] = []
    dumps, place = orjson.dumps, PLACE.pack
    for record, seed, _stream in entries:
        public, slots, sealed = seal_record(record, seed)
        leaf = make_leaf(
            public,
            stream=stream_id,
            index=index,
            prev_hash=previous.hex(),
            sealed=sealed,
            received_at=received_at,
        )
        previous = sha256(b"\x00" + leaf).digest()
        octets = dumps(slots, option=_SORT)
        packed += (place(len(leaf), len(octets), seed), leaf, octets)
        hashes.append(previous)
        if "producer_seq" not in public:
            facts.append(Fact(stream, index, public))
        index += 1
    stream.extend(b"".join(packed), hashes, received_ms)
    return facts
