"""From a frame to leaves: the one function that live work and recovery share."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import orjson

from auditroll.event.times import format_time
from auditroll.seal.streams import Stream, Unsealed
from auditroll.segment.journal import Entry
from auditroll.tlog import make_leaf, seal_record

__all__ = ["apply_entries"]

_SORT: Final = orjson.OPT_SORT_KEYS


def apply_entries(
    streams: dict[str, Stream], entries: Iterable[Entry], received_ms: int
) -> list[tuple[Stream, int, dict[str, Any]]]:
    """Give each record its place, commit to it, chain it and grow its stream's tree.

    A pure function of the streams' state, the records and the time: applied again after a crash
    it gives the same octets.

    Args:
        streams: By id; every stream of `entries` is there.
        entries: Of one frame, in order.
        received_ms: Effective time of receipt.

    Returns:
        Stream, index and public part of every fact, for those who act on facts.
    """
    received_at = format_time(received_ms)
    grouped: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        grouped[entry.stream].append(entry)
    facts: list[tuple[Stream, int, dict[str, Any]]] = []
    for stream_id, mine in grouped.items():
        stream = streams[stream_id]
        facts += _extend(stream, mine, received_at, received_ms)
    return facts


def _extend(
    stream: Stream, entries: list[Entry], received_at: str, received_ms: int
) -> list[tuple[Stream, int, dict[str, Any]]]:
    index, previous, stream_id = stream.size, stream.last_hash, stream.stream
    records: list[Unsealed] = []
    hashes: list[bytes] = []
    facts: list[tuple[Stream, int, dict[str, Any]]] = []
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
        records.append(Unsealed(leaf, seed, orjson.dumps(slots, option=_SORT)))
        hashes.append(previous)
        if "producer_seq" not in public:
            facts.append((stream, index, public))
        index += 1
    stream.extend(records, hashes, received_ms)
    return facts
