"""Records, batches and checks that the sequencer's tests share."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from auditroll.event.canonical import decode_exact, encode
from auditroll.event.ids import uuid7
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.seal import Sequencer, Unsealed
from auditroll.segment import key_id_of, read_segment
from auditroll.segment.journal import FrameHeader, encode_plaintext
from auditroll.store import DataFolder
from auditroll.tlog import Frontier, Line, Verifier, leaf_hash, open_checkpoint

INSTALLATION = "test.example"
TENANT = "clinic"
EPOCH = "ab" * 16
START_MS = 1_790_000_000_000


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def forward(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


def event(seq: int, now_ms: int = START_MS, **fields: Any) -> dict[str, Any]:
    """Return an event as the collector journals it."""
    known = {
        "action_type": "READ",
        "actor_type": "human",
        "data_class": "standard",
        "environment": "test",
        "event_id": uuid7(now_ms, os.urandom(10)),
        "event_type": "http.request",
        "http_method": "GET",
        "outcome": "ok",
        "producer_epoch": EPOCH,
        "producer_id": "api",
        "producer_seq": seq,
        "request_id": os.urandom(16).hex(),
        "route": "/patients/{id}",
        "service_name": "frontdesk",
        "source_ip": f"p_{os.urandom(16).hex()}",
        "status_code": 200,
        "success": True,
        "tenant_id": TENANT,
        "timestamp": format_time(now_ms),
        "user_agent": "curl/8.5 \u00fc\u4e16",
        "user_id": f"p_{os.urandom(16).hex()}",
    }
    return known | fields


def batch(
    stream: str,
    seqs: Iterable[int],
    *,
    now_ms: int = START_MS,
    quarantined: Sequence[tuple[int, str]] = (),
    epoch: str = EPOCH,
    tenant: str = TENANT,
    **fields: Any,
) -> bytes:
    """Return a batch's plaintext."""
    numbers = list(seqs)
    header = FrameHeader(
        kind="batch",
        received_at=now_ms,
        tenant_id=tenant,
        producer_id="api",
        epoch=epoch,
        first_seq=min([*numbers, *(seq for seq, _ in quarantined)]),
        quarantined=tuple(quarantined),
    )
    records = [
        (
            stream,
            os.urandom(16),
            encode(event(seq, now_ms, producer_epoch=epoch, tenant_id=tenant, **fields)),
        )
        for seq in numbers
    ]
    return encode_plaintext(header, records, received_at=format_time(now_ms))


def lines_of(folder: Path, stream: str, tail: Sequence[Unsealed]) -> list[Line]:
    """Return a stream's records from its segments and its tail, in order."""
    data = DataFolder(folder)
    keys = KeyStore(data.keys)
    found: list[Line] = []
    for name in data.segments(stream):
        octets = data.segment(name).read_bytes()
        segment = read_segment(octets, keys.get(key_id_of(octets)))
        assert segment.meta.first_index == len(found)
        found += segment.lines()
    return [*found, *(record.line() for record in tail)]


def check_chain(lines: Sequence[Line], stream: str) -> Frontier:
    """Check every record of a stream from index 0 on, and return its tree."""
    frontier, previous, received = Frontier(), bytes(32), ""
    for index, line in enumerate(lines):
        public = decode_exact(line.leaf)
        assert (public["stream"], public["index"]) == (stream, index)
        assert public["prev_hash"] == previous.hex()
        assert public["sealed"] == line.sealed()
        assert (public["event_type"] == "ledger.genesis") == (index == 0)
        assert public["received_at"] >= received
        received, previous = public["received_at"], leaf_hash(line.leaf)
        frontier.append_many([previous])
    return frontier


def check_all(log: Sequencer, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Check every stream of a log against its head, and return their public parts."""
    records: dict[str, list[dict[str, Any]]] = {}
    for head in log.heads():
        first = head.sealed
        lines = lines_of(folder, head.stream, log.tail(head.stream, first))
        frontier = check_chain(lines, head.stream)
        assert (frontier.size, frontier.root().hex()) == (head.size, head.root)
        records[head.stream] = [decode_exact(line.leaf) for line in lines]
    check_listings(records, log)
    return records


def check_listings(records: dict[str, list[dict[str, Any]]], log: Sequencer) -> None:
    """Check the root's groups, and that its checkpoint is one of its sizes."""
    root = log.ready().root_stream
    listed: dict[str, tuple[int, str]] = {}
    for public in records[root]:
        for head in public.get("heads", ()):
            size, known = listed.get(head["stream"], (0, ""))
            assert head["size"] > size or (head["size"], head["root"]) == (size, known)
            assert head["stream"] != root
            listed[head["stream"]] = (head["size"], head["root"])
    for stream, (size, root_hash) in listed.items():
        leaves = [encode(public) for public in records[stream][:size]]
        assert Frontier.root(_tree(leaves)).hex() == root_hash
    public_key = bytes.fromhex(log.ready().public_key)
    origin = f"{log.ready().installation}/{root}"
    checkpoint = open_checkpoint(log.root_checkpoint(), [Verifier(origin, public_key)], origin)
    leaves = [encode(public) for public in records[root][: checkpoint.size]]
    assert _tree(leaves).root() == checkpoint.root


def _tree(leaves: Iterable[bytes]) -> Frontier:
    frontier = Frontier()
    frontier.append_many([leaf_hash(leaf) for leaf in leaves])
    return frontier


def facts_of(records: Iterable[dict[str, Any]], event_type: str) -> list[dict[str, Any]]:
    """Return the facts of one type."""
    return [public for public in records if public["event_type"] == event_type]


def opened(folder: Path, clock: Callable[[], int], **options: Any) -> Sequencer:
    """Open a log with a clock of the test's."""
    return Sequencer(folder, installation=INSTALLATION, now_ms=clock, wait_s=0, **options)
